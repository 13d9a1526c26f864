"""The recordings that a path names, and where their draft transcripts are written."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath

from custom_speech_data.dataset_content import OpenFile, read_part, reason_of
from custom_speech_data.dataset_report import ImportFailed, Unusable
from custom_speech_data.folder_archive import FolderFile
from custom_speech_data.folder_files import open_inside, write_inside
from custom_speech_data.recordings import TRANSCRIPT_SUFFIXES
from custom_speech_data.transcription_results import UNSURE_SUFFIX, Transcript, draft_file, is_draft, unsure_file
from custom_speech_data.wav import read_sound
from custom_speech_tools.guardrails.evaluation_details import parse_transcripts, recording_key
from custom_speech_tools.guardrails.local_files import allowed_path
from custom_speech_tools.runtime.context import AppContext, add_to_cache
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech.http_messages import StreamedBody
from custom_speech_tools.speech.sanitize import quote
from custom_speech_tools.speech.tasks_and_threads import run_in_thread

MAX_RECORDINGS = 5_000
MAX_REMEMBERED = 20_000  # digests and results that a process remembers
MAX_BYTES = 250 * 1024 * 1024  # the largest recording of fast transcription (specification)
MAX_FAST_SECONDS = 10 * 60.0  # ends within a call: 20 minutes of audio take up to a minute (article)

SUFFIXES = frozenset({".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".amr", ".webm", ".wma"})
BYTES_PER_SECOND = 16_000  # of audio at 128 kbit/s: predicts the time that a call needs, never the charge

_TRANSCRIPT_BYTES = 16 * 1024 * 1024
_PART_BYTES = 256 * 1024
_SETTLED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Recording:
    """A local recording."""

    name: str
    size: int
    seconds: float  # a guess from its size unless it is a WAV
    problem: str | None  # why it cannot be sent
    digest: str  # of its content, by which a result is found again; empty if it cannot be sent
    open: Callable[[], OpenFile]

    def audio(self) -> StreamedBody:
        """Return the body to send; the file is opened anew for each attempt, and its parts are read in a thread.

        Reading it raises Unusable before the end if its content has changed, so that it is never transcribed.
        """

        async def parts() -> AsyncIterator[bytes]:
            digest = hashlib.sha256()
            try:
                with await run_in_thread(self.open) as file:
                    for start in range(0, self.size, _PART_BYTES):
                        part = await run_in_thread(partial(read_part, file, start, min(_PART_BYTES, self.size - start)))
                        digest.update(part)
                        if start + _PART_BYTES >= self.size and digest.hexdigest() != self.digest:
                            raise Unusable("it was changed while it was transcribed")
                        yield part
            except OSError as error:
                raise Unusable(f"it can no longer be read: {reason_of(error)}") from error

        return StreamedBody("application/octet-stream", self.size, parts)


@dataclass(frozen=True, slots=True)
class LocalAudio:
    """The recordings of a path, and the transcripts that lie beside them."""

    recordings: tuple[Recording, ...]
    said: Mapping[str, str] = field(default_factory=dict)  # transcripts by recording; drafts do not count
    unread: Mapping[str, str] = field(default_factory=dict)  # why text files do not count as transcripts, by name


def read_local_audio(app: AppContext, given: str) -> LocalAudio | Finding:
    """Return the recordings of a path, a finding if it has none; raises Refused for a path that is not allowed."""
    local = allowed_path(app, given)
    if not local.is_folder:
        return LocalAudio((_recording(app, local.path.name, local.open),))
    entries, problem = list[FolderFile](), ""
    try:
        entries = local.files()
    except (ImportFailed, OSError) as error:
        problem = error.message if isinstance(error, ImportFailed) else f"It cannot be read: {reason_of(error)}."
    files = [file for file in entries if file.suffix in SUFFIXES]
    if len(files) > MAX_RECORDINGS:
        problem = f"The folder has {len(files)} recordings, more than {MAX_RECORDINGS}."
    elif not files and not problem:
        problem = f"No recording lies directly in the folder ({', '.join(sorted(SUFFIXES))})."
    if problem:
        fix = "Name a recording, or a folder that holds recordings."
        return block("data-is-valid", f"{quote(given, 300)}: {problem}", fix)
    said, unread = _known_transcripts(entries)
    recordings = tuple(_recording(app, file.name, file.open) for file in files)
    known = {one.name: said[key] for one in recordings if (key := recording_key(one.name)) in said}
    return LocalAudio(recordings, known, unread)


def _known_transcripts(files: Sequence[FolderFile]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the transcripts among the files by `recording_key`, and why other text files do not count."""
    said, unread = dict[str, str](), dict[str, str]()
    for file in files:
        if file.suffix not in TRANSCRIPT_SUFFIXES:
            continue
        try:
            with file.open() as text:
                content = read_part(text, 0, _TRANSCRIPT_BYTES + 1)
            if len(content) > _TRANSCRIPT_BYTES:
                unread[file.name] = f"it has more than {_TRANSCRIPT_BYTES >> 20} MiB"
            elif is_draft(content):
                unread[file.name] = "its first line says that nobody has corrected it"
            else:
                said |= parse_transcripts(content)
        except UnicodeDecodeError:
            unread[file.name] = "it is not UTF-8"
        except OSError as error:
            unread[file.name] = reason_of(error)
    return said, unread


def _recording(app: AppContext, name: str, open_file: Callable[[], OpenFile]) -> Recording:
    try:
        with open_file() as file:
            seconds, problem = _length(name, file)
            return Recording(name, file.size, seconds, problem, "" if problem else _digest(app, file), open_file)
    except OSError as error:
        return Recording(name, 0, 0.0, f"it cannot be read: {reason_of(error)}", "", open_file)


def _length(name: str, file: OpenFile) -> tuple[float, str | None]:
    """Return the seconds of a recording, and why it cannot be sent."""
    seconds = file.size / BYTES_PER_SECOND
    if file.size > MAX_BYTES:
        return seconds, f"it has {file.size >> 20} MiB; fast transcription takes {MAX_BYTES >> 20} MiB"
    if not file.size:
        return seconds, "it is empty"
    if name.lower().endswith(".wav"):
        try:
            seconds = read_sound(file.open(), file.size).milliseconds / 1000
        except Unusable as reason:
            return 0.0, str(reason)
    if seconds > MAX_FAST_SECONDS:
        most = f"a call ends before more than {MAX_FAST_SECONDS / 60:.0f} are done"
        return seconds, f"it has {seconds / 60:.0f} minutes; {most}"
    return seconds, None


def _digest(app: AppContext, file: OpenFile) -> str:
    """Return the digest of a file; it is read once, as long as its place, its size and its times are the same."""
    if file.state in app.digests:
        return app.digests[file.state]
    digest = hashlib.sha256()
    for start in range(0, file.size, _PART_BYTES):
        digest.update(read_part(file, start, _PART_BYTES))
    # A file that is written twice within moments may keep its times, which are not exact.
    if app.now().timestamp() - max(file.state.modified, file.state.changed) / 1e9 > _SETTLED_SECONDS:
        add_to_cache(app.digests, file.state, digest.hexdigest(), MAX_REMEMBERED)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class OutputFile:
    """The place of the drafts: a file that does not exist yet, in an allowed folder.

    Results lie in a file of the same name with `.partial` until all are there, so that a call that was cut off loses
    nothing, whichever process goes on.
    """

    root: Path
    path: Path
    results: Mapping[str, Transcript] = field(default_factory=dict)  # what earlier calls have left there, by key

    @property
    def partial(self) -> Path:
        """The file of the results so far."""
        return self.path.with_name(f"{self.path.name}.partial")

    def read_partial(self) -> dict[str, Transcript]:
        """Return the results so far, by key; raises OSError."""
        found: dict[str, Transcript] = {}
        try:
            with open_inside(self.root, self.partial) as file:
                lines = read_part(file, 0, file.size).decode(errors="replace").split("\n")
        except FileNotFoundError:
            return found
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):  # it was being written when the process ended
                key, _, rest = line.partition(" ")
                found[key] = Transcript.from_json(rest)
        return found

    def append(self, key: str, transcript: Transcript) -> None:
        """Keep one result; raises OSError."""
        with write_inside(self.root, self.partial, "ab") as file:
            # The break comes first: it ends a line that was cut off.
            file.write(f"\n{key} {transcript.to_json()}".encode())

    def write(self, transcripts: list[Transcript]) -> Path:
        """Write both files and remove the partial one; raises OSError if one exists."""
        unsure = self.path.with_suffix(UNSURE_SUFFIX)
        for path, content in ((unsure, unsure_file(transcripts)), (self.path, draft_file(transcripts))):
            with write_inside(self.root, path, "xb") as file:
                file.write(content)
        self.partial.unlink(missing_ok=True)
        return self.path


def find_output(app: AppContext, given: str, source: str | None = None) -> OutputFile | Finding:
    """Return where drafts are to be written, a finding if that is not possible; raises Refused as `allowed_path`.

    A file name alone means a file beside the `source`, the recordings.
    """
    if app.is_read_only:
        return block("output-is-new", "This server is read-only; it writes no local file.", "Leave output out.")
    path = PurePath(given.replace("\\", "/") if ":" not in given else given)
    folder = allowed_path(app, source if source and len(path.parts) == 1 else str(path.parent))
    if source and not folder.is_folder:
        folder = replace(folder, path=folder.path.parent)
    output = OutputFile(folder.root, folder.path / path.name)
    # Of recordings, a partial file has results; of a batch, it is another call's.
    new = [output.path, output.path.with_suffix(UNSURE_SUFFIX), *([] if source else [output.partial])]
    taken = [one.name for one in new if one.exists() or one.is_symlink()]
    problem = f"{taken[0]} exists already" if taken else "it is not a .txt file in a folder that exists"
    if folder.is_folder and path.suffix.lower() in TRANSCRIPT_SUFFIXES and not taken:
        try:
            return replace(output, results=output.read_partial()) if source else output
        except OSError as error:
            problem = f"{output.partial.name} cannot be read: {reason_of(error)}"
    message = f"The drafts cannot be written to {quote(given, 300)}: {problem}."
    return block("output-is-new", message, "Name a .txt file that does not exist; nothing is ever overwritten.")
