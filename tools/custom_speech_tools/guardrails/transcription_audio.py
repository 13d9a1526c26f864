"""The recordings that a path names, and where their draft transcripts are written."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath

from custom_speech_data.content import OpenFile, append_below, create_below, open_below, read_part
from custom_speech_data.dataset_report import ImportFailed, Unusable
from custom_speech_data.recordings import TRANSCRIPT_SUFFIXES
from custom_speech_data.transcripts import Transcript, draft_file, unsure_file
from custom_speech_data.wav import read_sound
from custom_speech_tools.guardrails.local_files import allowed_path
from custom_speech_tools.runtime.context import AppContext, CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.evaluation_details import parse_transcripts, recording_key
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech.concurrency import run_in_thread
from custom_speech_tools.speech.transcriptions import Audio

MAX_RECORDINGS = 5_000
MAX_BYTES = 250 * 1024 * 1024
"""The largest recording of fast transcription (specification)."""

MAX_FAST_SECONDS = 10 * 60.0
"""The longest recording whose fast transcription ends within a call: 20 minutes take up to a minute (article)."""

SUFFIXES = frozenset({".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".amr", ".webm", ".wma"})
BYTES_PER_SECOND = 16_000
"""Of compressed audio, whose length is estimated: 128 kbit/s."""

_TRANSCRIPT_BYTES = 16 * 1024 * 1024
_PART_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Recording:
    """A local recording.

    Attributes:
        seconds: Its length; estimated from its size unless it is a WAV.
        digest: The digest of its content, by which a result is found again.
        problem: Why it cannot be sent.
    """

    name: str
    size: int
    seconds: float
    digest: str
    open: Callable[[], OpenFile]
    problem: str | None = None

    def audio(self) -> Audio:
        """Return what is sent; the file is opened anew for each attempt, and its parts are read in a thread.

        A file that has another content than the one that was looked at is never sent to its end.
        """

        async def parts() -> AsyncIterator[bytes]:
            digest = hashlib.sha256()
            with await run_in_thread(self.open) as file:
                for start in range(0, self.size, _PART_BYTES):
                    part = await run_in_thread(partial(read_part, file, start, min(_PART_BYTES, self.size - start)))
                    digest.update(part)
                    if start + len(part) >= self.size and digest.hexdigest() != self.digest:
                        break
                    yield part
            if digest.hexdigest() != self.digest:
                raise OSError(f"{self.name} has changed while it was transcribed")

        return Audio(self.name, self.size, parts)


@dataclass(frozen=True, slots=True)
class LocalAudio:
    """The recordings of a path, and the transcripts that lie beside them, by recording."""

    recordings: tuple[Recording, ...]
    said: Mapping[str, str] = field(default_factory=dict)


def read_local_audio(app: AppContext, given: str) -> LocalAudio:
    """Return the recordings that a path names; runs in a thread.

    Raises:
        Refused: The path is not below an allowed folder.
        ImportFailed: The folder has too many files, or no recording.
        OSError: A file cannot be read.
    """
    local = allowed_path(app, given)
    if not local.is_folder:
        return LocalAudio((_recording(local.path.name, local.open),))
    files = [file for file in local.files() if PurePath(file.name).suffix.lower() in SUFFIXES]
    if not files:
        raise ImportFailed("InvalidData", f"No recording lies directly in the folder ({', '.join(sorted(SUFFIXES))}).")
    if len(files) > MAX_RECORDINGS:
        raise ImportFailed("QuotaViolation", f"The folder has {len(files)} recordings, more than {MAX_RECORDINGS}.")
    texts = [file for file in local.files() if PurePath(file.name).suffix.lower() in (".txt", ".tsv")]
    said = _said([file.open for file in texts if file.size <= _TRANSCRIPT_BYTES])
    recordings = tuple(_recording(file.name, file.open) for file in files)
    known = {one.name: said[recording_key(one.name)] for one in recordings if recording_key(one.name) in said}
    return LocalAudio(recordings, known)


def _recording(name: str, open_file: Callable[[], OpenFile]) -> Recording:
    with open_file() as file:
        digest, size = hashlib.sha256(), file.size
        for start in range(0, min(size, MAX_BYTES), _PART_BYTES):
            digest.update(read_part(file, start, _PART_BYTES))
        seconds, problem = size / BYTES_PER_SECOND, None
        if PurePath(name).suffix.lower() == ".wav":
            try:
                seconds = read_sound(file.open(), size).milliseconds / 1000
            except Unusable as reason:
                seconds, problem = 0.0, str(reason)
    if size > MAX_BYTES:
        problem = f"it has {size // 1024 // 1024} MiB; fast transcription takes {MAX_BYTES // 1024 // 1024} MiB"
    elif not size:
        problem = "it is empty"
    elif seconds > MAX_FAST_SECONDS:
        problem = (
            f"it has {seconds / 60:.0f} minutes; a call ends before more than {MAX_FAST_SECONDS / 60:.0f} are done"
        )
    return Recording(name, size, seconds, digest.hexdigest(), open_file, problem)


def _said(files: list[Callable[[], OpenFile]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for open_file in files:
        with open_file() as file:
            try:
                texts |= parse_transcripts(read_part(file, 0, file.size))
            except UnicodeDecodeError:
                continue
    return texts


@dataclass(frozen=True, slots=True)
class OutputFile:
    """The place of the drafts: a file that does not exist yet, in an allowed folder.

    Results lie in a file of the same name with `.partial` until all are there, so that a call that was cut off loses
    nothing, whichever process goes on.
    """

    root: Path
    path: Path

    @property
    def unsure(self) -> Path:
        """The second file, for the person who corrects; no transcript by its name, so that an upload ignores it."""
        return self.path.with_suffix(".unsure")

    @property
    def partial(self) -> Path:
        """The results so far."""
        return self.path.with_name(f"{self.path.name}.partial")

    def read_partial(self) -> dict[str, Transcript]:
        """Return the results so far, by key; lines that cannot be read are left out."""
        found: dict[str, Transcript] = {}
        try:
            with open_below(self.root, self.partial) as file:
                lines = read_part(file, 0, file.size).decode().splitlines()
        except (OSError, UnicodeDecodeError):
            return found
        for line in lines:
            try:
                key, _, rest = line.partition(" ")
                found[key] = Transcript.from_json(rest)
            except (ValueError, KeyError, TypeError):  # the line that was being written when the process ended
                continue
        return found

    def append(self, key: str, transcript: Transcript) -> None:
        """Keep one result; raises OSError."""
        with append_below(self.root, self.partial) as file:
            file.write(f"{key} {transcript.to_json()}\n".encode())

    def write(self, transcripts: list[Transcript]) -> None:
        """Write both files and remove the partial one; raises OSError if one exists."""
        with create_below(self.root, self.path) as file:
            file.write(draft_file(transcripts))
        if content := unsure_file(transcripts):
            with create_below(self.root, self.unsure) as file:
                file.write(content)
        self.partial.unlink(missing_ok=True)


def find_output(app: AppContext, given: str, source: str | None = None) -> OutputFile | Finding:
    """Return where drafts are to be written, a finding if that is not possible; runs in a thread.

    Args:
        source: What is transcribed; a file name alone means a file beside the recordings.

    Raises:
        Refused: The folder of the file is not below an allowed folder.
    """
    path = PurePath(given.replace("\\", "/") if ":" not in given else given)
    folder = allowed_path(app, source if source and len(path.parts) == 1 else str(path.parent))
    if source and not folder.is_folder:
        folder = replace(folder, path=folder.path.parent)
    output = OutputFile(folder.root, folder.path / path.name)
    taken = [one for one in (output.path, output.unsure) if one.exists() or one.is_symlink()]
    if not folder.is_folder or path.suffix.lower() not in TRANSCRIPT_SUFFIXES or taken:
        what = f"{taken[0].name} exists already" if taken else "it is no .txt file in a folder that exists"
        return Finding(
            rule="output-is-new",
            level="block",
            message=f"The drafts cannot be written to {json.dumps(given)}: {what}.",
            fix="Name a .txt file that does not exist; nothing is ever overwritten.",
        )
    return output


async def requested_output(call: CallContext, given: str | None) -> OutputFile | None:
    """Return where drafts are to be written, None if nobody asked for it.

    Raises:
        Refused: They cannot be written there.
    """
    if given is None:
        return None
    if call.app.is_read_only:
        finding = Finding(
            rule="output-is-new",
            level="block",
            message="This server is read-only; it writes no local file.",
            fix="Leave output out.",
        )
        raise Refused("Nothing was written.", [finding], "Call again without output.")
    found = await run_in_thread(partial(find_output, call.app, given))
    if isinstance(found, Finding):
        raise Refused("Nothing was written.", [found], "Call again with another output.")
    return found


async def local_audio(call: CallContext, given: str) -> LocalAudio | Finding:
    """Return the recordings of a path, a finding if there are none.

    Raises:
        Refused: The path is not below an allowed folder.
    """
    try:
        return await run_in_thread(partial(read_local_audio, call.app, given), abandon_on_cancel=True)
    except (ImportFailed, OSError) as error:
        why = str(error) if isinstance(error, ImportFailed) else error.strerror or type(error).__name__
        fix = "Name a recording, or a folder that holds recordings."
        return Finding(rule="data-is-valid", level="block", message=f"{json.dumps(given)}: {why}", fix=fix)
