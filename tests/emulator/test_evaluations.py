"""Evaluations and the simulated error rates."""

import json
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_data.word_errors import word_errors
from custom_speech_emulator.resources.evaluations import count_error_rates, tag_errors
from custom_speech_emulator.resources.recognition import Phrase, SimulatedAccuracy, distinct_words, recognize
from support.emulator_service import VERSIONS, Resource, Service, id_of
from support.recordings import wav, zipped

SAID = [
    "the zorbian gateway reports a flux mismatch",
    "please recalibrate the zorbian antenna",
    "the flux capacitor needs a new gasket",
    "reset the antenna and call the gateway",
]


def recordings(*said: str) -> bytes:
    """A dataset of audio with transcripts."""
    lines = "\n".join(f"{n}.wav\t{text}" for n, text in enumerate(said or SAID))
    return zipped([*((f"{n}.wav", wav()) for n in range(len(said or SAID))), ("trans.txt", lines)])


def outcome_of(resource: Resource, model1: Any, model2: Any, dataset: Any, locale: str = "en-US") -> Any:
    """A finished evaluation."""
    parts = {"model1": model1, "model2": model2, "dataset": dataset}
    body = {"displayName": "e", "locale": locale} | {name: {"self": one["self"]} for name, one in parts.items()}
    created = resource.ask("POST", "/evaluations", json=body)
    assert created["properties"]["wordErrorRate1"] == -1
    return resource.ask("GET", created["self"])


def base(resource: Resource, locale: str = "en-US") -> Any:
    """The newest base model."""
    return resource.ask("GET", "/models/base", {"filter": f"locale eq '{locale}'"})["values"][-1]


@pytest.mark.parametrize("version", VERSIONS)
def test_evaluation_finds_a_model_better_on_what_it_was_trained_with(service: Service, version: str) -> None:
    """A model trained with the words of the test makes fewer errors than its base model."""
    resource = service.resource(version=version)
    audio = resource.dataset("Acoustic", recordings())
    trained = resource.model(datasets=[{"self": audio["self"]}])

    found = outcome_of(resource, base(resource), trained, audio)["properties"]

    assert found["wordCount1"] == found["wordCount2"] == sum(len(text.split()) for text in SAID)
    assert found["wordErrorRate2"] < found["wordErrorRate1"]


def test_evaluation_counts_what_it_shows(eastus: Resource) -> None:
    """The rates are computed from the counts, and the counts from the hypotheses in the files."""
    audio = eastus.dataset("Acoustic", recordings())

    evaluation = outcome_of(eastus, base(eastus), base(eastus), audio)

    found = evaluation["properties"]
    errors = sum(found[f"word{kind}Count1"] for kind in ("Substitution", "Deletion", "Insertion"))
    assert found["wordErrorRate1"] == round(100 * errors / found["wordCount1"], 2) / 100
    assert evaluation["transcription1"] == evaluation["transcription2"]
    files = eastus.ask("GET", evaluation["links"]["files"])["values"]
    assert {file["kind"] for file in files} == {"EvaluationDetails"}
    details = [eastus.service.send("GET", file["links"]["contentUrl"]).json() for file in files]
    tagged = [one["recognizedPhrases"][0]["nBest"][0]["scoringResult"] for one in details]
    assert sum(text.count("<substitution>") for text in tagged) == 2 * found["wordSubstitutionCount1"]
    assert sum(text.count("<deletion>") for text in tagged) == 2 * found["wordDeletionCount1"]
    assert sum(text.count("<insertion>") for text in tagged) == 2 * found["wordInsertionCount1"]
    wrong = [text for text in tagged if "<" in text]
    assert round(100 * len(wrong) / len(tagged), 1) / 100 == found["sentenceErrorRate1"]


def test_evaluation_details_hold_recognized_words_and_never_the_transcript() -> None:
    """A substitution and an insertion contain the recognized word, a deletion contains a placeholder."""
    marked = tag_errors(Phrase(["press", "the", "green", "key"], ["press", "a", "green", "key"]))

    assert marked == "press <substitution>a</substitution> green key"
    assert (
        tag_errors(Phrase(["one", "two"], ["two", "three"]))
        == "<deletion>@</deletion> two <insertion>three</insertion>"
    )


def test_evaluation_is_found_by_a_filter_while_it_runs(start: Callable[..., Service]) -> None:
    """NotStarted, Running and Succeeded, as recorded from the live service."""
    service = start(training="seconds:80")
    resource = service.resource()
    audio, model = resource.stocked("datasets", "audio with transcripts en-US"), {"self": base(resource)["self"]}
    body = {"displayName": "e", "locale": "en-US", "model1": model, "model2": model, "dataset": {"self": audio["self"]}}
    evaluation = resource.ask("POST", "/evaluations", json=body)
    seen = []
    for _ in range(3):
        seen.append(resource.ask("GET", evaluation["self"])["status"])
        running = resource.ask("GET", "/evaluations", {"filter": "status eq 'Running'"})["values"]
        assert [one["self"] for one in running] == ([evaluation["self"]] if seen[-1] == "Running" else [])
        service.control("POST", "clock", {"advance_seconds": 10})

    assert seen == ["NotStarted", "Running", "Succeeded"]


def test_evaluation_counts_phrases_and_words_of_the_normalized_text(eastus: Resource) -> None:
    """Each sentence is a phrase; numbers and abbreviations are several words."""
    audio = eastus.dataset("Acoustic", recordings("The TV has 25 channels. Please wait.", "Goodbye!"))

    found = outcome_of(eastus, base(eastus), base(eastus), audio)["properties"]

    assert (found["sentenceCount1"], found["wordCount1"]) == (
        3,
        len(["the", "t", "v", "has", "2", "5", "channels", "please", "wait", "goodbye"]),
    )


def test_evaluation_gives_rates_as_the_doubles_of_the_service() -> None:
    """The value is a rounded percentage divided by 100: 0.16579999999999998, not 0.1658."""
    said = [str(n) for n in range(10)]
    missing = [3] * 516 + [2] * 55 + [0] * 429  # 1658 of 10,000 words, in 571 of 1,000 sentences
    found = count_error_rates([Phrase(said, said[count:]) for count in missing], "1", tokens=False)

    assert (found["wordErrorRate1"], found["sentenceErrorRate1"]) == (0.16579999999999998, 0.5710000000000001)
    assert (found["tokenErrorRate1"], found["tokenCount1"], "tokenErrors1" in found) == (-1.0, -1, False)


def test_evaluation_that_failed_has_no_token_figures(start: Callable[..., Service]) -> None:
    """Word metrics are -1; token metrics are missing."""
    service = start(training="reads:1000000")
    resource = service.resource()
    audio, model = resource.stocked("datasets", "audio with transcripts en-US"), {"self": base(resource)["self"]}
    body = {"displayName": "e", "locale": "en-US", "model1": model, "model2": model, "dataset": {"self": audio["self"]}}
    evaluation = resource.ask("POST", "/evaluations", json=body)
    error = {"code": "InvalidData", "message": "The input data are invalid or empty."}
    service.control("POST", "finish", {"id": id_of(evaluation), "status": "Failed", "error": error})

    found = resource.ask("GET", evaluation["self"])["properties"]

    assert found.pop("error") == error
    assert {name for name in found if "oken" in name} == set()
    assert set(found.values()) == {-1}
    assert len(found) == 16


@pytest.mark.parametrize(
    ("locale", "said", "words"),
    [("hi-IN", "मौसम अच्छा है", 3), ("de-DE", "scho\u0308n", 1), ("ja-JP", "今日は晴れ。", 5), ("th-TH", "วันนี้", 3)],
)
def test_evaluation_keeps_combining_marks_and_counts_characters_without_spaces(
    eastus: Resource, locale: str, said: str, words: int
) -> None:
    """A vowel sign belongs to its letter. In languages without spaces, characters are counted."""
    [phrase] = recognize(said, 0, SimulatedAccuracy(), locale)
    audio = eastus.dataset("Acoustic", recordings(said), locale=locale)

    found = outcome_of(eastus, base(eastus, locale), base(eastus, locale), audio, locale)["properties"]

    assert unicodedata.normalize("NFC", said.replace(" ", "").rstrip("。")) == "".join(phrase.spoken)
    assert found["wordCount1"] == len(phrase.spoken) == words


def test_evaluation_is_an_inspection_without_transcripts(eastus: Resource) -> None:
    """Without transcripts, all metrics are -1."""
    audio = eastus.dataset("AudioFiles", zipped({"a.wav": wav()}))

    assert outcome_of(eastus, base(eastus), base(eastus), audio)["properties"]["wordErrorRate1"] == -1


def test_evaluation_is_refused_on_what_cannot_be_tested(eastus: Resource, service: Service) -> None:
    """Text, another locale, an unfinished model, and an expired model."""
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
    """More training words or recordings never increase the errors in the same words."""
    words = distinct_words(texts, "en-US")
    plain, skilled = SimulatedAccuracy(year=year), SimulatedAccuracy(words, audio=True, year=year)

    plain_errors, skilled_errors = (
        sum(sum(word_errors(*phrase)[:3]) for text in texts for phrase in recognize(text, 0, skill, "en-US"))
        for skill in (plain, skilled)
    )

    assert skilled_errors <= plain_errors
    assert [recognize(text, 0, plain, "en-US") for text in texts] == [
        recognize(text, 0, plain, "en-US") for text in texts
    ]


def test_evaluation_is_the_same_every_time(eastus: Resource) -> None:
    """Two evaluations of the same models and data have the same results."""
    audio = eastus.stocked("datasets", "audio with transcripts en-US")
    model = eastus.stocked("models", "finished model en-US")

    first, second = (outcome_of(eastus, base(eastus), model, audio)["properties"] for _ in range(2))

    assert json.dumps(first) == json.dumps(second)
