"""Local recordings: the audio files that a path names, and the transcripts next to them."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from custom_speech_data.dataset_report import ImportFailed, Unusable
from custom_speech_data.file_access import OpenFile, read_part, reason_of
from custom_speech_data.folder_archive import FolderFile
from custom_speech_data.recordings import TRANSCRIPT_SUFFIXES
from custom_speech_data.transcription_results import is_draft
from custom_speech_data.wav import read_sound
from custom_speech_tools.guardrails.evaluation_details import parse_transcripts, recording_key
from custom_speech_tools.guardrails.local_files import allowed_path
from custom_speech_tools.runtime.context import AppContext, add_to_cache
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech.http_messages import StreamedBody
from custom_speech_tools.speech.sanitize import quote
from custom_speech_tools.speech.tasks_and_threads import run_in_thread

MAX_RECORDINGS = 5_000
MAX_CACHED = 20_000  # digests, and transcripts, in the memory of a process
MAX_BYTES = 250 * 1024 * 1024  # the largest recording for fast transcription (specification)
MAX_FAST_SECONDS = 10 * 60.0  # ends within a call: 20 minutes of audio take up to a minute (article)

SUFFIXES = frozenset({".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".amr", ".webm", ".wma"})
BYTES_PER_SECOND = 16_000  # of audio at 128 kbit/s: estimates the duration of a call, never the charge

_TRANSCRIPT_BYTES = 16 * 1024 * 1024
_PART_BYTES = 256 * 1024
_MTIME_RESOLUTION_SECONDS = 2.0  # of the coarsest file systems


@dataclass(frozen=True, slots=True)
class Recording:
    """A local recording."""

    name: str
    size: int
    seconds: float  # estimated from the size unless it is a WAV file
    problem: str | None  # why it cannot be sent
    digest: str  # of its content; empty if it cannot be sent
    open: Callable[[], OpenFile]

    def audio(self) -> StreamedBody:
        """Return the request body. Each attempt opens the file again and reads it in a thread.

        Reading raises Unusable before the last part if the content has changed, so that only checked content is sent.
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
class LocalRecordings:
    """The recordings of a path, and the transcripts next to them."""

    recordings: tuple[Recording, ...]
    references: Mapping[str, str] = field(default_factory=dict)  # corrected transcripts, by recording
    unused_texts: Mapping[str, str] = field(default_factory=dict)  # why a text file has no transcripts, by file name


def read_local_recordings(app: AppContext, given: str) -> LocalRecordings | Finding:
    """Return the recordings of a path, or a finding if it has none; raises Refused if the path is not allowed."""
    local = allowed_path(app, given)
    if not local.is_folder:
        return LocalRecordings((_read_recording(app, local.path.name, local.open),))
    entries, problem = list[FolderFile](), ""
    try:
        entries = local.files()
    except (ImportFailed, OSError) as error:
        problem = error.message if isinstance(error, ImportFailed) else f"It cannot be read: {reason_of(error)}."
    files = [file for file in entries if file.suffix in SUFFIXES]
    if len(files) > MAX_RECORDINGS:
        problem = f"The folder has {len(files)} recordings, more than {MAX_RECORDINGS}."
    elif not files and not problem:
        problem = f"No recording is directly in the folder ({', '.join(sorted(SUFFIXES))})."
    if problem:
        fix = "Name a recording, or a folder that contains recordings."
        return block("data-is-valid", f"{quote(given, 300)}: {problem}", fix)
    transcripts, unused = _read_transcripts(entries)
    recordings = tuple(_read_recording(app, file.name, file.open) for file in files)
    keys = {one.name: recording_key(one.name) for one in recordings}
    references = {name: transcripts[key] for name, key in keys.items() if key in transcripts}
    return LocalRecordings(recordings, references, unused)


def _read_transcripts(files: Sequence[FolderFile]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the corrected transcripts by `recording_key`, and why other text files are unused, by file name."""
    transcripts, unused = dict[str, str](), dict[str, str]()
    for file in files:
        if file.suffix not in TRANSCRIPT_SUFFIXES:
            continue
        try:
            with file.open() as text:
                content = read_part(text, 0, _TRANSCRIPT_BYTES + 1)
            if len(content) > _TRANSCRIPT_BYTES:
                unused[file.name] = f"it has more than {_TRANSCRIPT_BYTES >> 20} MiB"
            elif is_draft(content):
                unused[file.name] = "its first line says that nobody has corrected it"
            else:
                transcripts |= parse_transcripts(content)
        except UnicodeDecodeError:
            unused[file.name] = "it is not UTF-8"
        except OSError as error:
            unused[file.name] = reason_of(error)
    return transcripts, unused


def _read_recording(app: AppContext, name: str, open_file: Callable[[], OpenFile]) -> Recording:
    """Return a recording with its length and digest, or with the reason why it cannot be sent."""
    try:
        with open_file() as file:
            seconds, problem = file.size / BYTES_PER_SECOND, None
            if file.size > MAX_BYTES:
                problem = f"it has {file.size >> 20} MiB; fast transcription takes {MAX_BYTES >> 20} MiB"
            elif not file.size:
                problem = "it is empty"
            elif name.lower().endswith(".wav"):
                seconds = read_sound(file.open(), file.size).milliseconds / 1000
            if problem is None and seconds > MAX_FAST_SECONDS:
                most = f"a call ends before more than {MAX_FAST_SECONDS / 60:.0f} are done"
                problem = f"it has {seconds / 60:.0f} minutes; {most}"
            return Recording(name, file.size, seconds, problem, "" if problem else _digest(app, file), open_file)
    except Unusable as reason:
        return Recording(name, 0, 0.0, str(reason), "", open_file)
    except OSError as error:
        return Recording(name, 0, 0.0, f"it cannot be read: {reason_of(error)}", "", open_file)


def _digest(app: AppContext, file: OpenFile) -> str:
    """Return the digest of a file, which is read again only if its path, size or times have changed."""
    if file.state in app.digests:
        return app.digests[file.state]
    digest = hashlib.sha256()
    for start in range(0, file.size, _PART_BYTES):
        digest.update(read_part(file, start, _PART_BYTES))
    # A file that is written twice within the resolution of its times may keep them.
    if app.now().timestamp() - max(file.state.modified, file.state.changed) / 1e9 > _MTIME_RESOLUTION_SECONDS:
        add_to_cache(app.digests, file.state, digest.hexdigest(), MAX_CACHED)
    return digest.hexdigest()
