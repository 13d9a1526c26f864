"""A repaired copy of a dataset: what is safe to repair is repaired, and every repair is named.

The user's own files are never changed.
"""

import codecs
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import ZIP_STORED, ZipFile

from custom_speech_data.findings import ImportFailed
from custom_speech_data.kind import encoding_of
from custom_speech_data.lines import LONGEST_LINE
from custom_speech_data.zip_archive import MOST_FILES

ARCHIVE_KINDS = frozenset({"Acoustic", "AudioFiles"})

_IN_ARCHIVES = (".wav", ".txt", ".tsv")


def pack_folder(folder: Path, target: Path) -> list[str]:
    """Write the recordings and text files of a folder to a zip archive and return what was done.

    Links and files below other folders are left out.

    Raises:
        ImportFailed: The folder has more files than an archive may hold, or none that belongs to a dataset.
    """
    files = list(_files_of(folder))
    if not files:
        raise ImportFailed("DataImportFailed", "The folder has no .wav or .txt file.")
    with ZipFile(target, "w", ZIP_STORED) as archive:
        for file in files:
            archive.write(file, file.name)
    return [f"packed {len(files)} files of the folder as a zip archive"]


def _files_of(folder: Path) -> Iterator[Path]:
    for number, file in enumerate(sorted(folder.iterdir())):
        if number >= MOST_FILES:
            raise ImportFailed("QuotaViolation", f"The folder has more than {MOST_FILES} files.")
        if file.suffix.lower() in _IN_ARCHIVES and file.is_file() and not file.is_symlink():
            yield file


def repair_text(source: Path, target: Path) -> list[str]:
    """Write a copy in UTF-8 with a byte order mark, in NFC, without blank and overlong lines; return the repairs.

    Raises:
        ImportFailed: The text is neither UTF-8 nor UTF-16, so that any conversion would be a guess.
    """
    with source.open("rb") as stream:
        head = stream.read(64)
    encoding, counts = encoding_of(head), Counter[str]()
    try:
        with (
            source.open(encoding=encoding, newline="") as lines,
            target.open("w", encoding="utf-8", newline="\n") as copy,
        ):
            copy.write("\ufeff")
            for line in _lines(lines):
                if repaired := _repair_line(line, counts):
                    copy.write(repaired + "\n")
    except UnicodeError:
        message = "The text is neither UTF-8 nor UTF-16. Save it as UTF-8 with a byte order mark."
        raise ImportFailed("NoUtf8WithBom", message) from None
    repairs = [] if encoding == "utf-8-sig" else ["converted from UTF-16 to UTF-8"]
    if not head.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        repairs.append("added the byte order mark")
    return repairs + [f"{what}: {count}" for what, count in sorted(counts.items())]


def _lines(text: IO[str]) -> Iterator[str]:
    """Return the lines, each cut beyond the longest that is kept, so that a file without line ends needs no memory."""
    while line := text.readline(LONGEST_LINE + 2):
        yield line
        while line and not line.endswith("\n"):
            line = text.readline(LONGEST_LINE + 2)


def _repair_line(line: str, counts: Counter[str]) -> str | None:
    """Return the line without its end, None for one that is left out."""
    content = line.rstrip("\r\n").removeprefix("\ufeff")
    if line.endswith("\r\n"):
        counts["lines with Windows line ends"] += 1
    if not content.strip():
        counts["empty lines removed"] += 1
        return None
    if len(content) > LONGEST_LINE:
        counts[f"lines longer than {LONGEST_LINE} characters removed"] += 1
        return None
    normalized = unicodedata.normalize("NFC", content)
    if normalized != content:
        counts["lines normalized to NFC"] += 1
    return normalized
