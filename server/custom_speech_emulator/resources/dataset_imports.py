"""Import of data into a dataset: fetched from its `contentUrl` or its blocks, then read line by line."""

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
from custom_speech_emulator.http.links import host_of
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.resources import files
from custom_speech_emulator.state.emulator_state import EmulatorState, stamp
from custom_speech_emulator.state.entity_store import Entity

LARGEST = 256 * 1024 * 1024  # held in memory as a whole
TEXTS = "texts.json"
CONTENT = "content"
RECORDINGS = "recordings"
_FILES = {
    "Language": ("language_data.txt", "LanguageData"),
    "LanguageMarkdown": ("language_data.md", "LanguageData"),
    "Pronunciation": ("pronunciation_data.txt", "PronunciationData"),
    "OutputFormatting": ("output_formatting_data.md", "OutputFormattingData"),
    "Acoustic": ("acoustic_data.zip", "AcousticDataArchive"),
    "AudioFiles": ("audio_data.zip", "Audio"),
}
Content = tuple[Json, dict[str, bytes]]  # properties and bytes by name, to be stored with an entity


class Unreachable(Exception):
    """The content cannot be fetched; the text says why."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None  # an allowed host must not lead to another one


# No proxies: everything is read on this machine, or on hosts that were allowed on purpose.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def await_content(call: Call, entity: Entity, read: Callable[[], Content]) -> None:
    """Let an entity wait for its content, which `read` returns; this is called after the answer has been sent."""
    error = {"code": "DataImportFailed", "message": "The content did not arrive."}
    entity.due = call.now.timestamp() + 60  # it fails then, also if the emulator was restarted meanwhile
    waiting = {"waits": "content", "ends": entity.due, "outcome": {"status": "Failed", "error": error}}
    entity.document |= {"status": "NotStarted", "lastActionDateTime": stamp(call.now), **waiting}
    call.later.append(partial(_continue, call.state, entity, read))


def _continue(state: EmulatorState, waiting: Entity, read: Callable[[], Content]) -> None:
    properties, data = read()  # outside of the transaction, because every request waits for that
    with state.store.transaction():
        entity = state.store.get(waiting.account, waiting.kind, waiting.id)
        if entity is None or entity.document.get("waits") != "content":
            return
        for name, content in data.items():
            state.store.put_data(entity.account, entity.id, name, content)
        spent = ("waits", "ends", "outcome")
        entity.document = {name: value for name, value in entity.document.items() if name not in spent} | properties
        entity.due = None
        state.start(entity, state.now())
        state.store.put(entity)


def start(call: Call, dataset: Entity, content: Callable[[], bytes]) -> None:
    """Start the import of a dataset, whose content is a function that can raise `Unreachable`."""
    await_content(call, dataset, partial(_imported, dataset.document["kind"], call.account.tier, content))


def _imported(kind: str, tier: str, content: Callable[[], bytes]) -> Content:
    data = dict[str, bytes]()
    try:
        data[CONTENT] = content()
        report = read_dataset(kind, data[CONTENT], tier)
    except Unreachable as why:
        report = DatasetReport(error=ImportFailed("DataImportFailed", str(why)))
    texts = [*report.texts, *(audio.transcript for audio in report.audio if audio.transcript)]
    kept = {"texts": texts[:5000], "audio": [audio[:3] for audio in report.audio[:5000]]}  # enough to simulate with
    error, length = vars(report.error) if report.error else None, report.duration_milliseconds
    counts = {"acceptedLineCount": report.accepted_line_count, "rejectedLineCount": report.rejected_line_count}
    rejected = [{"where": one.where, "reason": one.reason} for one in report.rejected[:1000]]
    trains = not report.audio or any(audio.trains for audio in report.audio)
    good = {"status": "Succeeded", **counts, "milliseconds": length, "trains": trains}
    outcome = {"status": "Failed", "error": error} if error else good
    details = {**counts, "durationMilliseconds": length, "rejected": rejected, "error": error}
    return {"outcome": outcome, "report": details}, {**data, TEXTS: json.dumps(kept).encode()}


def ended(state: EmulatorState, dataset: Entity, at: datetime) -> None:
    """End the import: store the report and, if it was good, the data."""
    report = dataset.document.pop("report", None)
    if report is not None:
        files.add(state, dataset, "report.json", "DatasetReport", json.dumps(report, indent=1).encode(), at)
    if dataset.status != "Succeeded":
        return
    if dataset.document["kind"] == "Acoustic":
        lines = "".join(f"{name}\t{said}\r\n" for name, _, said in content_of(state, dataset)["audio"])
        # The name of the file and its form are guesses.
        name, kind = "acoustic_data_transcription.txt", "AcousticDataTranscriptionV2"
        files.add(state, dataset, name, kind, lines.encode("utf-8-sig"), at)
    data = state.store.data(dataset.account, dataset.id, CONTENT)
    if data is not None:  # stocked recordings have no content
        name, kind = _FILES[dataset.document["kind"]]
        files.add(state, dataset, name, kind, data, at)
        if dataset.document["kind"] == "Acoustic":
            # Transcriptions find the transcript of a recording by the digest of its content.
            with open_archive(data) as opened:
                entries = usable_files(opened, DatasetReport())
                for place, (name, *_) in enumerate(content_of(state, dataset)["audio"]):
                    digest = hashlib.sha256(opened.read(entries[key_of(name)])).hexdigest()
                    state.store.put_data(dataset.account, RECORDINGS, digest, json.dumps([dataset.id, place]).encode())


def content_of(state: EmulatorState, dataset: Entity) -> Json:
    """Return the texts and recordings that a dataset's import accepted."""
    kept = state.store.data(dataset.account, dataset.id, TEXTS)
    return dict(json.loads(kept)) if kept else {"texts": [], "audio": []}


def is_address(url: str) -> bool:
    """Return whether content can be read from addresses of this scheme."""
    return url.lower().startswith(("http://", "https://", "file://"))


def allowed(url: str, hosts: Collection[str]) -> bool:
    """Return whether an address is on this machine or on a host that was allowed."""
    name = host_of(url)
    return name in {"localhost", "127.0.0.1", "::1", *hosts} or name.endswith(".localhost")


def fetched(url: str, hosts: Collection[str]) -> bytes:
    """Return the content of a file or loopback address; raises `Unreachable` and says why."""
    is_file = url.lower().startswith("file:")
    if not is_address(url):
        raise Unreachable("The contentUrl is not an http, https or file address.")
    if not is_file and not allowed(url, hosts):
        raise Unreachable("The emulator reads a contentUrl only on loopback, or on hosts that it was started with.")
    data = _local_file(url) if is_file else _downloaded(url)
    if len(data) > LARGEST:
        raise Unreachable(f"The content is larger than {LARGEST // 2**20} MiB, which is all the emulator reads.")
    return data


def _downloaded(url: str) -> bytes:
    try:
        with OPENER.open(url, timeout=10.0) as answer:
            data = bytes(answer.read(LARGEST + 1))
            missing = answer.length
    except urllib.error.HTTPError as error:
        raise Unreachable(f"The contentUrl answered with status {error.code}.") from None
    except (OSError, ValueError, http.client.HTTPException):
        raise Unreachable("The contentUrl did not answer.") from None
    if missing and len(data) <= LARGEST:
        raise Unreachable("The answer of the contentUrl broke off.")
    return data


def _local_file(url: str) -> bytes:
    try:
        parts = urlsplit(url)
        path = Path(urllib.request.url2pathname(parts.path))
        if parts.netloc not in ("", "localhost") or not path.is_file():
            raise Unreachable("The file of the contentUrl does not exist on this machine.")
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except (OSError, ValueError):
        raise Unreachable("The file of the contentUrl cannot be read.") from None
