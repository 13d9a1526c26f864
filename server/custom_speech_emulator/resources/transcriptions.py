"""Transcriptions: fast transcription of one recording, and batch transcription of many."""

import json
from datetime import datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from custom_speech_data.dataset_report import Unusable
from custom_speech_emulator.http.api_versions import ApiVersion, Json
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.request import parse_json
from custom_speech_emulator.http.request_bodies import NEW_TRANSCRIPTION, TRANSCRIBE_DEFINITION, get_property, read_body
from custom_speech_emulator.http.responses import ApiResponse, invalid
from custom_speech_emulator.resources import dataset_imports, entities, files, models, recognition
from custom_speech_emulator.resources.datasets import resolve_audio_dataset
from custom_speech_emulator.resources.locales import FAST_LOCALES
from custom_speech_emulator.resources.models import BASE_MODELS, resolve_model
from custom_speech_emulator.resources.projects import PROJECTS
from custom_speech_emulator.state.emulator_state import EmulatorState, format_time
from custom_speech_emulator.state.entity_store import StoredEntity

_MAX_URLS, _MAX_PHRASES, _MAX_FAST_MILLISECONDS = 1000, 500, 2 * 60 * 60 * 1000  # specification, articles


def transcription_to_json(transcription: str, document: Json, version: ApiVersion) -> Json:
    """Return the properties of a Transcription."""
    seconds = document.get("timeToLiveSeconds", entities.MAX_TIME_TO_LIVE.total_seconds())
    properties: Json = {"wordLevelTimestampsEnabled": document["timedWords"]}
    if version.dated:
        properties["timeToLiveHours"] = int(seconds / 3600)
    elif "timeToLiveSeconds" in document:
        properties["timeToLive"] = f"PT{int(seconds)}S"
    return {
        "model": version.reference(*document["model"]),
        "dataset": version.reference("datasets", document.get("dataset")),
        "links": {"files": version.link("transcriptions", transcription, "files")},
        "properties": properties | version.duration(document.get("milliseconds")),
    }


def complete_transcription(state: EmulatorState, transcription: StoredEntity, at: datetime) -> None:
    """Add the result of each readable recording and a report to the files of a transcription."""
    document = transcription.document
    failed: list[list[str]] = document.get("unusable", [])
    recordings = [recognition.SourceRecording(*one) for one in document.pop("recordings", [])]
    if "dataset" in document:
        recordings = recognition.dataset_recordings(state, transcription.account, document["dataset"])
    if not recordings:
        error = {"code": "InvalidData", "message": "None of the recordings could be transcribed."}
        document |= {"status": "Failed", "error": error}
    accuracy = models.get_accuracy(state, transcription.account, *document["model"])
    locale, timed = document["locale"], document["timedWords"]
    for number, recording in enumerate(recordings):
        result = recognition.batch_result(recording, accuracy, locale, format_time(at), timed=timed)
        name = f"contenturl_{number}.json" if "dataset" not in document else f"{recording.name}.json"
        files.add(state, transcription, name, "Transcription", json.dumps(result).encode(), at)
    document["milliseconds"] = sum(recording.milliseconds for recording in recordings)
    details = [{"sourceUrl": one.name, "status": "Succeeded"} for one in recordings]
    for url, kind, why in failed:
        details.append({"sourceUrl": url, "status": "Failed", "errorMessage": why, "errorKind": kind})
    counts = {"successfulTranscriptionsCount": len(recordings), "failedTranscriptionsCount": len(failed)}
    report = {**counts, "details": details}
    files.add(state, transcription, "report.json", "TranscriptionReport", json.dumps(report).encode(), at)


TRANSCRIPTIONS = entities.EntityKind(
    "transcriptions", "transcription", transcription_to_json, parent=PROJECTS, on_completion=complete_transcription
)


def submit(call: OperationCall) -> ApiResponse:
    """Handle Transcriptions_Submit, and Transcriptions_Create in v3.2."""
    body = read_body(call, NEW_TRANSCRIPTION)
    if call.account.tier == "F0":
        raise invalid("InvalidSubscription", "Batch transcription needs a resource of the tier S0.")
    _check_source(call, body)
    time_to_live = _read_time_to_live(call, body)
    transcription = entities.new_entity(call, TRANSCRIPTIONS, body)
    document, locale = transcription.document, transcription.document["locale"]
    model = resolve_model(call, body.get("model"), locale, "model")
    document["model"] = [model.kind, model.id]
    document["timedWords"] = bool(get_property(body, "wordLevelTimestampsEnabled"))
    if time_to_live:
        document["timeToLiveSeconds"] = time_to_live.total_seconds()
    if body.get("dataset"):
        document["dataset"] = resolve_audio_dataset(call, body["dataset"], locale).id
        call.state.start(transcription, call.now)
    else:
        read = partial(read_recordings, call.state, call.account.name, body["contentUrls"])
        dataset_imports.await_content(call, transcription, read)
    return entities.store_created(call, TRANSCRIPTIONS, transcription)


def _check_source(call: OperationCall, body: Json) -> None:
    """Raise an error unless a body has exactly one source of recordings and that source is allowed."""
    if sum(body.get(source) is not None for source in ("contentUrls", "contentContainerUrl", "dataset")) != 1:
        message = "Exactly one of contentUrls, contentContainerUrl and dataset is needed."
        raise invalid("OnlyOneOfUrlsOrContainerOrDataset", message)
    if body.get("contentContainerUrl") is not None:
        raise invalid("InvalidRecordingsUri", "The emulator does not read containers.", "contentContainerUrl")
    urls = body.get("contentUrls")
    if urls is not None and not 0 < len(urls) <= _MAX_URLS:
        message = f"contentUrls must contain 1 to {_MAX_URLS} addresses."
        raise invalid("ExceededNumberOfRecordingsUris", message, "contentUrls")
    for url in urls or ():
        if not dataset_imports.has_supported_scheme(url):
            raise invalid("InvalidRecordingsUri", "A contentUrl must be an http, https or file address.", "contentUrls")
        call.require_trust("contentUrls", url)


def _read_time_to_live(call: OperationCall, body: Json) -> timedelta:
    """Return how long a finished transcription is kept, or zero for no limit, which only v3.2 allows."""
    if not call.version.dated:
        return entities.parse_time_to_live(get_property(body, "timeToLive"))
    hours = get_property(body, "timeToLiveHours")
    if hours is None:
        raise invalid("InvalidPayload", "The property 'properties.timeToLiveHours' is missing.", "properties")
    if not 6 <= hours <= entities.MAX_TIME_TO_LIVE / timedelta(hours=1):
        raise invalid("InvalidTimeToLive", "timeToLiveHours must be 6 to 744.", "properties.timeToLiveHours")
    return timedelta(hours=hours)


def read_recordings(state: EmulatorState, account: str, urls: list[str]) -> dataset_imports.ReadContent:
    """Return the usable recordings, and for each other URL an error code and message."""
    recordings, unusable = [], []
    for url in urls:
        try:
            content = dataset_imports.fetch_content(url, state.settings.allow_content_hosts)
            with state.store.transaction():
                recordings.append(recognition.read_recording(state, account, url, content))
        except dataset_imports.ContentUnreachableError as why:
            unusable.append([url, "InvalidRecordingsUri", str(why)])
        except Unusable as why:
            unusable.append([url, "InvalidAudioFormat", f"The recording cannot be used: {why}."])
    return {"recordings": recordings, "unusable": unusable}, {}


def transcribe(call: OperationCall) -> ApiResponse:
    """Handle Transcriptions_Transcribe, which returns the transcription of one recording immediately."""
    fields = call.form({"audio", "definition"})
    definition = read_body(call, TRANSCRIBE_DEFINITION, parse_json(fields.get("definition") or b"{}"))
    locale = entities.validate_locale((definition.get("locales") or ["en-US"])[0])
    if locale not in FAST_LOCALES:
        raise invalid("InvalidLocale", f"Fast transcription does not have the locale {locale}.", "locales")
    phrases = (definition.get("phraseList") or {}).get("phrases") or []
    if len(phrases) > _MAX_PHRASES:
        raise invalid("InvalidPayload", f"A phrase list has at most {_MAX_PHRASES} phrases.", "phraseList.phrases")
    uri = (definition.get("models") or {}).get(locale)
    model = resolve_model(call, {"self": uri} if uri else None, locale, "model")
    if model.kind != BASE_MODELS.path:
        raise invalid("InvalidModel", "Fast transcription does not support this model.", "models")
    recording = _read_single_recording(call, fields.get("audio"), definition.get("audioUrl"))
    accuracy = models.get_accuracy(call.state, call.account.name, model.kind, model.id)
    accuracy = accuracy._replace(words=accuracy.words | recognition.distinct_words(phrases, locale))
    return ApiResponse(200, recognition.fast_result(recording, accuracy, locale))


def _read_single_recording(call: OperationCall, audio: bytes | None, url: str | None) -> recognition.SourceRecording:
    """Return the recording from the audio or else from the URL, or raise an error if it cannot be used."""
    if audio is None and url:
        call.require_trust("audioUrl", url)
        try:
            audio = dataset_imports.fetch_content(url, call.state.settings.allow_content_hosts)
        except dataset_imports.ContentUnreachableError as why:
            raise invalid("InvalidRecordingsUri", str(why), "audioUrl") from None
    if not audio:
        raise invalid("EmptyAudioFile", "The recording is missing or empty.", "audio")
    try:
        name = PurePosixPath(urlsplit(url or "").path).name
        recording = recognition.read_recording(call.state, call.account.name, name, audio)
    except Unusable as why:
        raise invalid("InvalidAudioFormat", f"The recording cannot be used: {why}.", "audio") from None
    if recording.milliseconds >= _MAX_FAST_MILLISECONDS:
        raise invalid("AudioLengthLimitExceeded", "The recording must be shorter than 2 hours.", "audio")
    return recording
