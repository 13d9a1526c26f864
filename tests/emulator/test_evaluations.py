"""An evaluation …"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_emulator.resources.evaluation_scoring import hypothesis, score, tagged
from custom_speech_emulator.resources.model_training import Skill, words_of
from support.emulator_service import VERSIONS, Resource, Service
from support.recordings import wav, zipped

SAID = [
    "the zorbian gateway reports a flux mismatch",
    "please recalibrate the zorbian antenna",
    "the flux capacitor needs a new gasket",
    "reset the antenna and call the gateway",
]


def recordings() -> bytes:
    """Audio with transcripts."""
    lines = "\n".join(f"{n}.wav\t{text}" for n, text in enumerate(SAID))
    return zipped([*((f"{n}.wav", wav()) for n in range(len(SAID))), ("trans.txt", lines)])


def outcome_of(resource: Resource, model1: Any, model2: Any, dataset: Any) -> Any:
    """An evaluation that has ended."""
    parts = {"model1": model1, "model2": model2, "dataset": dataset}
    body = {"displayName": "e", "locale": "en-US"} | {name: {"self": one["self"]} for name, one in parts.items()}
    created = resource.ask("POST", "/evaluations", json=body)
    assert created["properties"]["wordErrorRate1"] == -1
    return resource.ask("GET", created["self"])


def base(resource: Resource) -> Any:
    """The newest base model."""
    return resource.ask("GET", "/models/base", {"filter": "locale eq 'en-US'"})["values"][-1]


@pytest.mark.parametrize("version", VERSIONS)
def test_evaluation_finds_a_model_better_on_what_it_was_trained_with(service: Service, version: str) -> None:
    """A model that learnt the words of the test makes fewer errors than its base model."""
    resource = service.resource(version=version)
    audio = resource.dataset("Acoustic", recordings())
    trained = resource.model(datasets=[{"self": audio["self"]}])

    found = outcome_of(resource, base(resource), trained, audio)["properties"]

    assert found["wordCount1"] == found["wordCount2"] == sum(len(text.split()) for text in SAID)
    assert found["wordErrorRate2"] < found["wordErrorRate1"]


def test_evaluation_counts_what_it_shows(eastus: Resource) -> None:
    """The rates follow from the counts, and the counts from the hypotheses in its files."""
    audio = eastus.dataset("Acoustic", recordings())

    evaluation = outcome_of(eastus, base(eastus), base(eastus), audio)

    found = evaluation["properties"]
    errors = sum(found[f"word{kind}Count1"] for kind in ("Substitution", "Deletion", "Insertion"))
    assert found["wordErrorRate1"] == round(errors / found["wordCount1"], 4)
    assert evaluation["transcription1"] == evaluation["transcription2"]
    files = eastus.ask("GET", evaluation["links"]["files"])["values"]
    assert {file["kind"] for file in files} == {"EvaluationDetails"}
    details = [eastus.service.send("GET", file["links"]["contentUrl"]).json() for file in files]
    tagged = [one["recognizedPhrases"][0]["nBest"][0]["scoringResult"] for one in details]
    assert sum(text.count("<substitution>") for text in tagged) == 2 * found["wordSubstitutionCount1"]
    assert sum(text.count("<deletion>") for text in tagged) == 2 * found["wordDeletionCount1"]
    assert sum(text.count("<insertion>") for text in tagged) == 2 * found["wordInsertionCount1"]
    wrong = [text for text in tagged if "<" in text]
    assert round(len(wrong) / len(tagged), 3) == found["sentenceErrorRate1"]


def test_evaluation_details_hold_recognized_words_and_never_the_transcript() -> None:
    """A substitution and an insertion hold the recognized word, a deletion holds a placeholder."""
    marked = tagged("press the green key now please", "press a green key key please")

    assert marked == ("press <substitution>a</substitution> green key <substitution>key</substitution> please")
    assert tagged("one two", "two three") == "<deletion>@</deletion> two <insertion>three</insertion>"


def test_evaluation_is_an_inspection_without_transcripts(eastus: Resource) -> None:
    """There is nothing to count against: the numbers stay at -1."""
    audio = eastus.dataset("AudioFiles", zipped({"a.wav": wav()}))

    assert outcome_of(eastus, base(eastus), base(eastus), audio)["properties"]["wordErrorRate1"] == -1


def test_evaluation_is_refused_on_what_cannot_be_tested(eastus: Resource, service: Service) -> None:
    """Text, another locale, an unfinished model, a model that has expired."""
    audio = {"self": eastus.stocked("datasets", "audio with transcripts en-US")["self"]}
    model = {"self": base(eastus)["self"]}
    good = {"displayName": "e", "locale": "en-US", "model1": model, "model2": model, "dataset": audio}
    text = {"self": eastus.stocked("datasets", "plain text en-US")["self"]}
    fresh = {"self": eastus.ask("POST", "/models", json={"displayName": "m", "locale": "en-US"})["self"]}

    assert eastus.refusal("POST", "/evaluations", json=good | {"dataset": text}) == (400, "InvalidTest")
    assert eastus.refusal("POST", "/evaluations", json=good | {"locale": "de-DE"}) == (400, "InvalidLocale")
    assert eastus.refusal("POST", "/evaluations", json=good | {"model2": fresh}) == (400, "InvalidModel")
    missing = {name: value for name, value in good.items() if name != "dataset"}
    assert eastus.refusal("POST", "/evaluations", json=missing) == (400, "InvalidPayload")
    service.control("POST", "clock", {"advance": "P1200D"})
    assert eastus.refusal("POST", "/evaluations", json=good) == (400, "ModelDeprecated")


@given(st.lists(st.text("abc de'.", max_size=30), max_size=5), st.integers(2023, 2040))
def test_evaluation_never_counts_a_better_skill_worse(texts: list[str], year: int) -> None:
    """More words known, or recordings heard, never make more errors in the same words."""
    words = words_of(texts)
    plain, skilled = Skill(year=year), Skill(words, heard=True, year=year)

    errors = [
        one.substitutions + one.deletions + one.insertions for one in (score(texts, plain), score(texts, skilled))
    ]

    assert errors[1] <= errors[0]
    assert [hypothesis(text, 0, plain) for text in texts] == [hypothesis(text, 0, plain) for text in texts]


def test_evaluation_is_the_same_every_time(eastus: Resource) -> None:
    """Two evaluations of the same models on the same data agree."""
    audio = eastus.stocked("datasets", "audio with transcripts en-US")
    model = eastus.stocked("models", "finished model en-US")

    first, second = (outcome_of(eastus, base(eastus), model, audio)["properties"] for _ in range(2))

    assert json.dumps(first) == json.dumps(second)
