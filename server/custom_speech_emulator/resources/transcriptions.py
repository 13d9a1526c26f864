"""Transcriptions: of one recording at once (fast), or of many as a job (batch)."""

import json
from datetime import datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from custom_speech_data.dataset_report import Unusable
from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.request import Call, parsed
from custom_speech_emulator.http.request_bodies import NEW_TRANSCRIPTION, TRANSCRIBE_DEFINITION, read, setting
from custom_speech_emulator.http.responses import Answer, invalid
from custom_speech_emulator.resources import dataset_imports, entities, files, models, recognition
from custom_speech_emulator.resources.datasets import audio_dataset
from custom_speech_emulator.resources.locales import FAST
from custom_speech_emulator.resources.models import BASE_MODELS, usable
from custom_speech_emulator.state.emulator_state import EmulatorState, stamp
from custom_speech_emulator.state.entity_store import Entity

_MOST_URLS, _MOST_PHRASES, _LONGEST_FAST = 1000, 500, 2 * 60 * 60 * 1000  # specification, articles


def shape(transcription: str, document: Json, version: Version) -> Json:
    """Return a Transcription."""
    life = timedelta(seconds=document.get("lives", entities.LONGEST_LIFE.total_seconds()))
    properties: Json = {"wordLevelTimestampsEnabled": document["timedWords"]}
    if version.dated:
        properties["timeToLiveHours"] = int(life / timedelta(hours=1))
    elif "lives" in document:
        properties["timeToLive"] = f"PT{int(life.total_seconds())}S"
    return {
        "model": version.reference(*document["model"]),
        "dataset": version.reference("datasets", document.get("dataset")),
        "links": {"files": version.link("transcriptions", transcription, "files")},
        "properties": properties | version.duration(document.get("milliseconds")),
    }


def ended(state: EmulatorState, transcription: Entity, at: datetime) -> None:
    """End the transcription: a file for each recording that could be read, and a report on all of them."""
    document = transcription.document
    failed: list[list[str]] = document.get("unusable", [])
    recordings = [recognition.Recording(*one) for one in document.pop("recordings", [])]
    if "dataset" in document:
        recordings = recognition.of_dataset(state, transcription.account, document["dataset"])
    if not recordings:
        error = {"code": "InvalidData", "message": "None of the recordings could be transcribed."}
        document |= {"status": "Failed", "error": error}
    skill = models.skill(state, transcription.account, *document["model"])
    locale, timed = document["locale"], document["timedWords"]
    for number, recording in enumerate(recordings):
        result = recognition.batch_result(recording, skill, locale, stamp(at), timed_words=timed)
        name = f"contenturl_{number}.json" if "dataset" not in document else f"{recording.name}.json"
        files.add(state, transcription, name, "Transcription", json.dumps(result).encode(), at)
    document["milliseconds"] = sum(recording.milliseconds for recording in recordings)
    details = [{"sourceUrl": one.name, "status": "Succeeded"} for one in recordings]
    for url, kind, why in failed:
        details.append({"sourceUrl": url, "status": "Failed", "errorMessage": why, "errorKind": kind})
    counts = {"successfulTranscriptionsCount": len(recordings), "failedTranscriptionsCount": len(failed)}
    report = {**counts, "details": details}
    files.add(state, transcription, "report.json", "TranscriptionReport", json.dumps(report).encode(), at)


TRANSCRIPTIONS = entities.Kind("transcriptions", "transcription", "InvalidTranscription", shape, ended=ended)


def submit(call: Call) -> Answer:
    """Transcriptions_Submit, Transcriptions_Create (v3.2)."""
    body = read(call, NEW_TRANSCRIPTION)
    if call.account.tier == "F0":
        raise invalid("InvalidSubscription", "Batch transcription needs a resource of the tier S0.")
    _check_source(call, body)
    life = _life(call, body)
    transcription = entities.new(call, TRANSCRIPTIONS, body)
    document, locale = transcription.document, transcription.document["locale"]
    model = usable(call, body.get("model"), locale, "model")
    document |= {"model": [model.kind, model.id], "timedWords": bool(setting(body, "wordLevelTimestampsEnabled"))}
    if life:
        document["lives"] = life.total_seconds()
    if body.get("dataset"):
        document["dataset"] = audio_dataset(call, body["dataset"], locale).id
        call.state.start(transcription, call.now)
    else:
        read_recordings = partial(_read, call.state, call.account.name, body["contentUrls"])
        dataset_imports.await_content(call, transcription, read_recordings)
    return entities.created(call, TRANSCRIPTIONS, transcription)


def _check_source(call: Call, body: Json) -> None:
    if sum(body.get(source) is not None for source in ("contentUrls", "contentContainerUrl", "dataset")) != 1:
        message = "Exactly one of contentUrls, contentContainerUrl and dataset is needed."
        raise invalid("OnlyOneOfUrlsOrContainerOrDataset", message)
    if body.get("contentContainerUrl") is not None:
        raise invalid("InvalidRecordingsUri", "The emulator reads no containers.", "contentContainerUrl")
    urls = body.get("contentUrls")
    if urls is not None and not 0 < len(urls) <= _MOST_URLS:
        message = f"contentUrls must hold 1 to {_MOST_URLS} addresses."
        raise invalid("ExceededNumberOfRecordingsUris", message, "contentUrls")
    for url in urls or ():
        if not dataset_imports.is_address(url):
            raise invalid("InvalidRecordingsUri", "A contentUrl must be an http, https or file address.", "contentUrls")
        call.require_trust("contentUrls", url)


def _life(call: Call, body: Json) -> timedelta:
    """Return how long a transcription is kept after its end; zero for ever, which only v3.2 allows."""
    if not call.version.dated:
        return entities.time_to_live(setting(body, "timeToLive"))
    hours = setting(body, "timeToLiveHours")
    if hours is None:
        raise invalid("InvalidPayload", "The property 'properties.timeToLiveHours' is missing.", "properties")
    if not 6 <= hours <= entities.LONGEST_LIFE / timedelta(hours=1):
        raise invalid("InvalidTimeToLive", "timeToLiveHours must be 6 to 744.", "properties.timeToLiveHours")
    return timedelta(hours=hours)


def _read(state: EmulatorState, account: str, urls: list[str]) -> dataset_imports.Content:
    recordings, unusable = [], []
    for url in urls:
        try:
            content = dataset_imports.fetched(url, state.settings.allow_content_hosts)
            with state.store.transaction():
                recordings.append(recognition.read(state, account, url, content))
        except dataset_imports.Unreachable as why:
            unusable.append([url, "InvalidRecordingsUri", str(why)])
        except Unusable as reason:
            unusable.append([url, "InvalidAudioFormat", f"The recording cannot be used: {reason}."])
    return {"recordings": recordings, "unusable": unusable}, {}


def transcribe(call: Call) -> Answer:
    """Transcriptions_Transcribe: the words of one recording at once."""
    fields = call.form({"audio", "definition"})
    definition = read(call, TRANSCRIBE_DEFINITION, parsed(fields.get("definition") or b"{}"))
    locale = entities.offered((definition.get("locales") or ["en-US"])[0])
    if locale not in FAST:
        raise invalid("InvalidLocale", f"Fast transcription does not have the locale {locale}.", "locales")
    phrases = (definition.get("phraseList") or {}).get("phrases") or []
    if len(phrases) > _MOST_PHRASES:
        raise invalid("InvalidPayload", f"A phrase list has at most {_MOST_PHRASES} phrases.", "phraseList.phrases")
    named = (definition.get("models") or {}).get(locale)
    model = usable(call, {"self": named} if named else None, locale, "model")
    if model.kind != BASE_MODELS.path:
        raise invalid("InvalidModel", "Fast transcription does not support this model.", "models")
    recording = _recording(call, fields.get("audio"), definition.get("audioUrl"))
    skill = models.skill(call.state, call.account.name, model.kind, model.id)
    skill = skill._replace(words=skill.words | recognition.words_of(phrases, locale))
    return Answer(200, recognition.fast_result(recording, skill, locale))


def _recording(call: Call, audio: bytes | None, url: str | None) -> recognition.Recording:
    if audio is None and url:
        call.require_trust("audioUrl", url)
        try:
            audio = dataset_imports.fetched(url, call.state.settings.allow_content_hosts)
        except dataset_imports.Unreachable as why:
            raise invalid("InvalidRecordingsUri", str(why), "audioUrl") from None
    if not audio:
        raise invalid("EmptyAudioFile", "The recording is missing or empty.", "audio")
    try:
        name = PurePosixPath(urlsplit(url or "").path).name
        found = recognition.read(call.state, call.account.name, name, audio)
    except Unusable as reason:
        raise invalid("InvalidAudioFormat", f"The recording cannot be used: {reason}.", "audio") from None
    if found.milliseconds >= _LONGEST_FAST:
        raise invalid("AudioLengthLimitExceeded", "The recording must be shorter than 2 hours.", "audio")
    return found
