"""The import of datasets: content is read from a `contentUrl` or from blocks, and then validated line by line."""

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from custom_speech_data import read_dataset
from custom_speech_data.dataset_report import DatasetReport, ImportFailed
from custom_speech_data.zip_archive import key_of, open_archive, usable_files
from custom_speech_emulator.http.api_versions import Json
from custom_speech_emulator.http.host_address import host_name
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.resources import files
from custom_speech_emulator.state.emulator_state import EmulatorState, format_time
from custom_speech_emulator.state.entity_store import StoredEntity

MAX_CONTENT_BYTES = 256 * 1024 * 1024  # the whole content is held in memory
# Names of stored data: the accepted texts and recordings, the content, and in which dataset a recording is.
ACCEPTED_DATA = "texts.json"
CONTENT_DATA = "content"
RECORDING_DATA = "recordings"
_FILES = {
    "Language": ("language_data.txt", "LanguageData"),
    "LanguageMarkdown": ("language_data.md", "LanguageData"),
    "Pronunciation": ("pronunciation_data.txt", "PronunciationData"),
    "OutputFormatting": ("output_formatting_data.md", "OutputFormattingData"),
    "Acoustic": ("acoustic_data.zip", "AcousticDataArchive"),
    "AudioFiles": ("audio_data.zip", "Audio"),
}
ReadContent = tuple[Json, dict[str, bytes]]  # document properties and data by name, to be stored with an entity


class ContentUnreachableError(Exception):
    """The content cannot be read; the message says why."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None  # an allowed host must not redirect to another host


# No proxies: URLs are only on this machine or on explicitly allowed hosts.
URL_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def await_content(call: OperationCall, entity: StoredEntity, read: Callable[[], ReadContent]) -> None:
    """Mark an entity as waiting for its content, and schedule `read` to fetch the content after the response."""
    error = {"code": "DataImportFailed", "message": "The content was not received."}
    entity.due = call.now.timestamp() + 60  # the import then fails, for example after a restart of the emulator
    waiting = {"waitsFor": "content", "endsAt": entity.due, "outcome": {"status": "Failed", "error": error}}
    entity.document |= {"status": "NotStarted", "lastActionDateTime": format_time(call.now), **waiting}
    state = call.state

    def start_with_content() -> None:
        properties, data = read()  # outside the transaction, which would block all requests
        with state.store.transaction():
            stored = state.store.get(entity.account, entity.kind, entity.id)
            if stored is None or stored.document.get("waitsFor") != "content":
                return
            for name, content in data.items():
                state.store.put_data(stored.account, stored.id, name, content)
            for name in ("waitsFor", "endsAt", "outcome"):
                stored.document.pop(name, None)
            stored.document |= properties
            stored.due = None
            state.start(stored, state.now())
            state.store.put(stored)

    call.after_response.append(start_with_content)


def start_import(call: OperationCall, dataset: StoredEntity, content: Callable[[], bytes]) -> None:
    """Start importing what `content` returns; the import fails if it raises ContentUnreachableError."""
    await_content(call, dataset, partial(import_content, dataset.document["kind"], call.account.tier, content))


def import_content(kind: str, tier: str, content: Callable[[], bytes]) -> ReadContent:
    """Read and validate the content of a dataset, and return the outcome, the report and the accepted data."""
    data = dict[str, bytes]()
    try:
        data[CONTENT_DATA] = content()
        report = read_dataset(kind, data[CONTENT_DATA], tier)
    except ContentUnreachableError as why:
        report = DatasetReport(error=ImportFailed("DataImportFailed", str(why)))
    texts = [*report.texts, *(audio.transcript for audio in report.audio if audio.transcript)]
    accepted = {"texts": texts[:5000], "audio": [audio[:3] for audio in report.audio[:5000]]}  # enough to simulate with
    error, length = vars(report.error) if report.error else None, report.duration_milliseconds
    counts = {"acceptedLineCount": report.accepted_line_count, "rejectedLineCount": report.rejected_line_count}
    rejected = [{"where": one.where, "reason": one.reason} for one in report.rejected[:1000]]
    is_trainable = not report.audio or any(audio.trains for audio in report.audio)
    success = {"status": "Succeeded", **counts, "milliseconds": length, "isTrainable": is_trainable}
    outcome = {"status": "Failed", "error": error} if error else success
    details = {**counts, "durationMilliseconds": length, "rejected": rejected, "error": error}
    return {"outcome": outcome, "report": details}, {**data, ACCEPTED_DATA: json.dumps(accepted).encode()}


def complete_import(state: EmulatorState, dataset: StoredEntity, at: datetime) -> None:
    """Add the report and, after a successful import, the data to the files of a dataset."""
    report = dataset.document.pop("report", None)
    if report is not None:
        files.add(state, dataset, "report.json", "DatasetReport", json.dumps(report, indent=1).encode(), at)
    if dataset.status != "Succeeded":
        return
    is_acoustic = dataset.document["kind"] == "Acoustic"
    audio = accepted_content(state, dataset)["audio"]
    if is_acoustic:
        lines = "".join(f"{name}\t{transcript}\r\n" for name, _, transcript in audio)
        # The name and the format of the file are guesses.
        name, kind = "acoustic_data_transcription.txt", "AcousticDataTranscriptionV2"
        files.add(state, dataset, name, kind, lines.encode("utf-8-sig"), at)
    content = state.store.data(dataset.account, dataset.id, CONTENT_DATA)
    if content is None:  # datasets of the seed data have no recordings
        return
    name, kind = _FILES[dataset.document["kind"]]
    files.add(state, dataset, name, kind, content, at)
    if is_acoustic:
        # The digest of a recording leads transcriptions to its transcript.
        with open_archive(content) as archive:
            entries = usable_files(archive, DatasetReport())
            for position, (name, *_) in enumerate(audio):
                digest = hashlib.sha256(archive.read(entries[key_of(name)])).hexdigest()
                location = json.dumps([dataset.id, position]).encode()
                state.store.put_data(dataset.account, RECORDING_DATA, digest, location)


def accepted_content(state: EmulatorState, dataset: StoredEntity) -> Json:
    """Return the texts and recordings that the import of a dataset accepted."""
    content = state.store.data(dataset.account, dataset.id, ACCEPTED_DATA)
    return dict(json.loads(content)) if content else {"texts": [], "audio": []}


def has_supported_scheme(url: str) -> bool:
    """Return whether a URL has a scheme that the emulator can read."""
    return url.lower().startswith(("http://", "https://", "file://"))


def is_allowed_url(url: str, hosts: Collection[str]) -> bool:
    """Return whether an http or https URL is on this machine or on an allowed host."""
    name = host_name(url)
    return name in {"localhost", "127.0.0.1", "::1", *hosts} or name.endswith(".localhost")


def fetch_content(url: str, hosts: Collection[str]) -> bytes:
    """Return the content of a URL on this machine or an allowed host. Raises ContentUnreachableError."""
    is_file = url.lower().startswith("file:")
    if not has_supported_scheme(url):
        raise ContentUnreachableError("The contentUrl is not an http, https or file address.")
    if not is_file and not is_allowed_url(url, hosts):
        raise ContentUnreachableError("The emulator reads a contentUrl only on loopback or on an --allow-content-host.")
    content = _read_local_file(url) if is_file else _download(url)
    if len(content) > MAX_CONTENT_BYTES:
        mebibytes = MAX_CONTENT_BYTES // 2**20
        raise ContentUnreachableError(f"The content is larger than {mebibytes} MiB, the limit of the emulator.")
    return content


def _download(url: str) -> bytes:
    try:
        with URL_OPENER.open(url, timeout=10.0) as response:
            content = bytes(response.read(MAX_CONTENT_BYTES + 1))
            missing = response.length
    except urllib.error.HTTPError as error:
        raise ContentUnreachableError(f"The contentUrl responded with status {error.code}.") from None
    except (OSError, ValueError, http.client.HTTPException):
        raise ContentUnreachableError("The contentUrl did not respond.") from None
    if missing and len(content) <= MAX_CONTENT_BYTES:
        raise ContentUnreachableError("The response of the contentUrl is incomplete.")
    return content


def _read_local_file(url: str) -> bytes:
    try:
        parts = urlsplit(url)
        path = Path(urllib.request.url2pathname(parts.path))
        if parts.netloc not in ("", "localhost") or not path.is_file():
            raise ContentUnreachableError("The file of the contentUrl does not exist on this machine.")
        with path.open("rb") as file:
            return file.read(MAX_CONTENT_BYTES + 1)
    except (OSError, ValueError):
        raise ContentUnreachableError("The file of the contentUrl cannot be read.") from None
