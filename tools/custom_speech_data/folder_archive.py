"""Packing of a folder into a zip archive with the recordings and the transcript of a dataset."""

import io
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import IO, NamedTuple
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from custom_speech_data.dataset_kinds import AUDIO_KINDS, check_size
from custom_speech_data.dataset_report import DatasetReport, ImportFailed, Unusable
from custom_speech_data.file_access import OpenFile, reason_of
from custom_speech_data.recordings import (
    MAX_TRANSCRIPT_BYTES,
    NO_LINE,
    NO_RECORDING,
    TRANSCRIPT,
    TRANSCRIPT_SUFFIXES,
    split_line,
)
from custom_speech_data.repair import BOM_ADDED, CONVERTED, described, repaired_lines
from custom_speech_data.secret_detection import refuse_secrets
from custom_speech_data.wav import read_sound
from custom_speech_data.zip_archive import MAX_FILES, key_of

_NOT_READ = dict.fromkeys(
    (".csv", ".json", ".jsonl", ".srt", ".vtt", ".xls", ".xlsx", ".docx"),
    f"it is not read: transcripts are lines of file name, tab and text in {TRANSCRIPT}",
) | dict.fromkeys((".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac"), "it is not read: recordings are .wav files")


class FolderFile(NamedTuple):
    """A regular file directly in a folder."""

    name: str
    size: int
    open: Callable[[], OpenFile]

    @property
    def suffix(self) -> str:
        """The extension in lower case, including the dot."""
        return PurePath(self.name).suffix.lower()


def pack_folder(
    files: Sequence[FolderFile], kind: str | None, target: IO[bytes], report: DatasetReport, *, repair: bool
) -> list[str]:
    """Write the files of a dataset to a zip archive, and return descriptions of the packing and of each repair.

    With `repair`, the transcript is corrected, and recordings and lines without a counterpart are left out. Rejected
    files and lines are added to the report. Raises ImportFailed for a folder that is not a dataset of this kind.
    """
    recordings = _recordings_of(files, kind)
    transcript = None if kind == "AudioFiles" else _transcript_of(files, is_needed=kind == "Acoustic")
    for file in files:
        if reason := _NOT_READ.get(file.suffix):
            report.reject(file.name, reason)
    repairs = Counter[str]()
    with ZipFile(target, "w", ZIP_STORED) as archive:
        if transcript:
            text, named = _read_transcript(transcript, recordings, report, repairs if repair else None)
            archive.writestr(ZipInfo(transcript.name), text)
            for key in sorted(recordings.keys() - named) if repair else ():
                report.reject(recordings.pop(key).name, NO_LINE)
        for file in recordings.values():
            try:
                _pack_recording(archive, target.tell(), file, repairs)
            except Unusable as reason:
                report.reject(file.name, reason)
        packed = len(archive.infolist())
    return [f"packed {packed} files of the folder as a zip archive", *described(repairs)]


def _recordings_of(files: Sequence[FolderFile], kind: str | None) -> dict[str, FolderFile]:
    """Return the recordings by `key_of` their names; raises ImportFailed if they cannot form a dataset."""
    texts = [file.name for file in files if file.suffix in (".txt", ".tsv", ".md")]
    instead = f" Name a file in it instead: {', '.join(texts[:5])}." if texts else ""
    if kind not in (None, *AUDIO_KINDS):
        raise ImportFailed("InvalidDataset", f"{kind} is one text file, not a folder.{instead}")
    recordings = {key_of(file.name): file for file in files if file.suffix == ".wav"}
    if not recordings:
        archives = [file.name for file in files if file.suffix == ".zip"]
        found = f" but {len(archives)} zip archives ({', '.join(archives[:5])}). Name one: each is a dataset."
        raise ImportFailed("DataImportFailed", f"The folder has no .wav file{found if archives else f'.{instead}'}")
    if len(recordings) > MAX_FILES:
        raise ImportFailed("QuotaViolation", f"The folder has more than {MAX_FILES} recordings.")
    check_size("Acoustic", sum(file.size for file in recordings.values()), "S0")
    return recordings


def _transcript_of(files: Sequence[FolderFile], *, is_needed: bool) -> FolderFile | None:
    texts = [file for file in files if file.suffix in TRANSCRIPT_SUFFIXES]
    chosen = [file for file in texts if file.name.lower() == TRANSCRIPT] or texts
    if len(chosen) > 1:
        names = ", ".join(file.name for file in chosen[:5])
        message = f"The folder has {len(chosen)} text files ({names}) and no {TRANSCRIPT}."
        raise ImportFailed("DataImportFailed", message)
    if not chosen and is_needed:
        others = ", ".join(file.name for file in files if file.suffix in (".csv", ".json"))
        found = f" {others} is not read as such: write lines of file name, tab and text." if others else ""
        raise ImportFailed("DataImportFailed", f"The folder has no {TRANSCRIPT} with the transcripts.{found}")
    return chosen[0] if chosen else None


def _read_transcript(
    file: FolderFile, recordings: Mapping[str, FolderFile], report: DatasetReport, repairs: Counter[str] | None
) -> tuple[bytes, set[str]]:
    """Return the transcript, unchanged if `repairs` is None, and the keys of the recordings in its corrected lines."""
    if file.size > MAX_TRANSCRIPT_BYTES:
        raise ImportFailed("DataImportFailed", f"{file.name} is larger than {MAX_TRANSCRIPT_BYTES} bytes.")
    with _opened(file) as opened:
        refuse_secrets(opened)
        if repairs is None:
            return opened.read_at(0, opened.size), set()
        text, named = io.StringIO(newline=""), set[str]()
        for number, line in repaired_lines(opened, repairs):
            try:
                name, words = split_line(line)
            except Unusable as reason:
                report.reject(str(number), reason)
                continue
            if key_of(name) not in recordings and key_of(f"{name}.wav") in recordings:
                name = f"{name}.wav"
                repairs["names in the transcript completed with .wav"] += 1
            if key_of(name) in recordings:
                named.add(key_of(name))
                text.write(f"{name}\t{words}\n")
            else:
                report.reject(name, NO_RECORDING)
    # The service does not need a byte order mark (recorded), so none is added to UTF-8.
    bom = "" if repairs.pop(BOM_ADDED, 0) and CONVERTED not in repairs else "\ufeff"
    return f"{bom}{text.getvalue()}".encode(), named


@contextmanager
def _opened(file: FolderFile) -> Iterator[OpenFile]:
    """Open a file; an OSError while it is open is raised as an ImportFailed that names the file."""
    try:
        with file.open() as opened:
            yield opened
    except OSError as error:
        raise ImportFailed("DataImportFailed", f"{file.name} cannot be packed: {reason_of(error)}.") from error


def _pack_recording(archive: ZipFile, size: int, file: FolderFile, repairs: Counter[str]) -> None:
    with _opened(file) as opened:
        check_size("Acoustic", size + opened.size, "S0")  # a file may have grown since its size was read
        with opened.open() as stream:
            read_sound(stream, opened.size)
        name = unicodedata.normalize("NFC", file.name)
        if name != file.name:
            repairs["file names normalized to NFC"] += 1
        with opened.open() as source, archive.open(ZipInfo(name), "w") as copy:
            shutil.copyfileobj(source, copy, 1024 * 1024)
