"""Fast and batch transcriptions, with simulated recognition."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from custom_speech_data.word_errors import word_errors
from custom_speech_emulator import account
from support.emulator_service import VERSIONS, Resource, Service
from support.loopback_server import Heard, listening
from support.recordings import wav, zipped

SAID = "please recalibrate the zorbian antenna and ask doctor quandt for the flux report before noon on friday"


def fast(resource: Resource, audio: bytes | None, **definition: Any) -> Any:
    """Send a fast transcription."""
    return resource.ask("POST", "/transcriptions:transcribe", **form(audio, **definition))


def form(audio: bytes | None, **definition: Any) -> dict[str, Any]:
    """The form of a fast transcription."""
    fields = {"definition": json.dumps({"locales": ["en-US"]} | definition)}
    return {"data": fields, "files": {"audio": ("a.wav", audio)} if audio is not None else {"x": ("x", b"")}}


def text_of(answer: Any) -> str:
    """The text of a fast transcription."""
    return str(answer["combinedPhrases"][0]["text"])


def submit(resource: Resource, **source: Any) -> Any:
    """Start a batch transcription and return it when it is finished."""
    is_old = resource.version == "v3.2"
    settings = {"wordLevelTimestampsEnabled": True} | ({} if is_old else {"timeToLiveHours": 48})
    body = {"displayName": "t", "locale": "en-US", "properties": settings} | source
    path = "/transcriptions" if is_old else "/transcriptions:submit"
    return resource.ask("GET", resource.ask("POST", path, json=body)["self"])


def contents(resource: Resource, transcription: Any) -> list[tuple[str, Any]]:
    """The files of a transcription: kind and content."""
    files = resource.ask("GET", transcription["links"]["files"])["values"]
    return [(file["kind"], resource.service.send("GET", file["links"]["contentUrl"]).json()) for file in files]


def test_fast_transcription_of_an_unknown_recording_is_drawn_from_its_content(eastus: Resource) -> None:
    """The same content results in the same words, and other content in other words."""
    first, again, other = (text_of(fast(eastus, wav(seconds))) for seconds in (4, 4, 4.1))

    assert first == again
    assert first != other
    assert len(first.split()) == 10


def test_fast_transcription_of_a_known_recording_has_the_errors_of_an_evaluation(eastus: Resource) -> None:
    """A recording with a known transcript is recognized as in an evaluation of its dataset."""
    recording = wav(3)
    dataset = eastus.dataset("Acoustic", zipped({"a.wav": recording, "trans.txt": f"a.wav\t{SAID}"}))
    base = {"self": eastus.ask("GET", "/models/base", {"filter": "locale eq 'en-US'"})["values"][-1]["self"]}
    body = {"displayName": "e", "locale": "en-US", "model1": base, "model2": base, "dataset": {"self": dataset["self"]}}
    evaluation = eastus.ask("GET", eastus.ask("POST", "/evaluations", json=body)["self"])

    heard = text_of(fast(eastus, recording))

    counted = word_errors(SAID, heard)
    wrong = counted.substitutions + counted.deletions + counted.insertions
    assert wrong / counted.words == pytest.approx(evaluation["properties"]["wordErrorRate1"], abs=1e-4)
    assert wrong > 0


def test_phrase_list_lowers_the_errors_of_exactly_its_words(eastus: Resource) -> None:
    """Phrases that are in the transcript reduce the errors; other phrases change nothing."""
    recording = wav(3)
    eastus.dataset("Acoustic", zipped({"a.wav": recording, "trans.txt": f"a.wav\t{SAID}"}))
    plain = text_of(fast(eastus, recording))
    missed = [word for word in SAID.split() if word not in plain.split()]

    with_one = text_of(fast(eastus, recording, phraseList={"phrases": SAID.split()}))
    with_others = text_of(fast(eastus, recording, phraseList={"phrases": ["elephant", "giraffe"]}))

    assert with_others == plain
    assert len([word for word in missed if word not in with_one.split()]) < len(missed)


@pytest.mark.parametrize("version", VERSIONS)
def test_batch_transcribes_a_dataset_with_a_custom_model(service: Service, version: str) -> None:
    """The files are one for each recording, with confidences of words, and a report."""
    resource = service.resource(version=version)
    dataset = resource.dataset("AudioFiles", zipped({"a.wav": wav(2), "b.wav": wav(3)}))
    model = resource.model()

    done = submit(resource, dataset={"self": dataset["self"]}, model={"self": model["self"]})

    assert (done["status"], done["model"], done["dataset"]) == (
        "Succeeded",
        {"self": model["self"]},
        {"self": dataset["self"]},
    )
    (first, result), (second, _), (third, report) = contents(resource, done)
    assert [first, second, third] == ["Transcription", "Transcription", "TranscriptionReport"]
    assert (result["source"], result["durationMilliseconds"]) == ("a.wav", 2000)
    words = [word for phrase in result["recognizedPhrases"] for word in phrase["nBest"][0]["words"]]
    assert " ".join(word["word"] for word in words) == result["combinedRecognizedPhrases"][0]["display"]
    assert all(0 < word["confidence"] <= 1 for word in words)
    assert (report["successfulTranscriptionsCount"], report["failedTranscriptionsCount"]) == (2, 0)


def test_batch_names_each_recording_that_fails(eastus: Resource) -> None:
    """Unreachable URLs and content that is not a recording fail; other recordings are transcribed."""
    content = {"/good.wav": wav(2), "/bad.wav": b"no recording"}

    def answer(heard: Heard) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, content[heard.path]) if heard.path in content else (404, {}, b"")

    with listening(answer) as listener:
        urls = [f"{listener.url}/{name}.wav" for name in ("good", "bad", "missing")]
        done = submit(eastus, contentUrls=urls)

    found = contents(eastus, done)
    assert [kind for kind, _ in found] == ["Transcription", "TranscriptionReport"]
    report = found[-1][1]
    assert [(one["sourceUrl"], one["status"]) for one in report["details"]] == [
        (urls[0], "Succeeded"),
        (urls[1], "Failed"),
        (urls[2], "Failed"),
    ]


def test_transcription_is_removed_when_its_time_to_live_is_over(service: Service) -> None:
    """Two days after its completion, the transcription and its files are deleted."""
    eastus = service.resource()
    audio = eastus.stocked("datasets", "audio en-US")
    done = submit(eastus, dataset={"self": audio["self"]})

    service.control("POST", "clock", {"advance": "PT47H"})
    assert eastus.send("GET", done["self"]).status_code == 200
    service.control("POST", "clock", {"advance": "PT2H"})
    assert eastus.send("GET", done["self"]).status_code == 404


def test_web_hooks_hear_of_transcriptions(service: Service) -> None:
    """The events are creation, processing and completion, as for all kinds."""
    eastus, what = service.resource(), ("Creation", "Processing", "Completion", "Deletion")

    def agree(heard: Heard) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, parse_qs(urlsplit(heard.path).query).get("validationToken", [""])[0].encode()

    with listening(agree) as listener:
        events = {f"transcription{name}": True for name in what}
        hook = {"displayName": "h", "webUrl": f"{listener.url}/hook", "events": events}
        eastus.ask("GET", eastus.ask("POST", "/webhooks", json=hook)["self"])
        done = submit(eastus, dataset={"self": eastus.stocked("datasets", "audio en-US")["self"]})
        eastus.ask("DELETE", done["self"])

    told = [one.headers["x-microsoftspeechservices-event"] for one in listener.heard[1:]]
    assert told == [f"Transcription{name}" for name in what]


def test_fast_transcription_is_refused_for_what_it_cannot_take(eastus: Resource) -> None:
    """An empty or unsupported recording, another locale, a custom model, too many phrases, and another content type."""
    path, model = "/transcriptions:transcribe", eastus.model()["self"]

    def refusal(audio: bytes | None, **definition: Any) -> tuple[int, str]:
        return eastus.refusal("POST", path, **form(audio, **definition))

    assert refusal(b"") == (400, "EmptyAudioFile")
    assert refusal(wav(0)) == (400, "InvalidAudioFormat")
    assert refusal(b"ID3") == (400, "InvalidAudioFormat")
    assert refusal(wav(), locales=["sq-AL"]) == (400, "InvalidLocale")
    assert refusal(wav(), models={"en-US": model}) == (400, "InvalidModel")
    assert refusal(wav(), phraseList={"phrases": ["a"] * 501}) == (400, "InvalidPayload")
    assert eastus.refusal("POST", path, json={}) == (415, "UnsupportedMediaType")
    older = eastus.service.resource(version="2024-11-15")
    assert older.refusal("POST", path, **form(wav(), phraseList={"phrases": ["a"]})) == (400, "InvalidPayload")


def test_batch_is_refused_without_one_source_a_life_or_the_tier(start: Callable[..., Service]) -> None:
    """The body must have exactly one source and a time to live, and the account must have tier S0."""
    free = account("eastus", name="free", tier="F0")
    service = start(accounts=(account("eastus"), free))
    eastus, path = service.resource(), "/transcriptions:submit"
    names = {"displayName": "t", "locale": "en-US"}
    audio = {"dataset": {"self": eastus.stocked("datasets", "audio en-US")["self"]}}
    life = {"properties": {"timeToLiveHours": 48}}

    assert eastus.refusal("POST", path, json=names | life) == (400, "OnlyOneOfUrlsOrContainerOrDataset")
    assert eastus.refusal("POST", path, json=names | audio) == (400, "InvalidPayload")
    short = {"properties": {"timeToLiveHours": 5}}
    assert eastus.refusal("POST", path, json=names | audio | short) == (400, "InvalidTimeToLive")
    other = service.resource(key=free.key)
    assert other.refusal("POST", path, json=names | audio | life) == (400, "InvalidSubscription")


@pytest.mark.parametrize("version", VERSIONS)
def test_locales_of_transcriptions_are_listed(service: Service, version: str) -> None:
    """The dated versions list the fewer locales of fast transcription separately."""
    listed = service.resource(version=version).ask("GET", "/transcriptions/locales")

    assert "en-US" in (listed if version == "v3.2" else listed["Transcribe"])
    assert version == "v3.2" or len(listed["Transcribe"]) < len(listed["Submit"])
