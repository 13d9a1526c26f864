"""A zip archive from an unknown source: its files, without trust in its directory."""

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from custom_speech_data.dataset_content import Content, open_content, size_of
from custom_speech_data.dataset_report import DatasetReport, ImportFailed, Unusable

ZIP_MAGIC = b"PK\x03\x04"
MAX_FILES = 10_000
MAX_DIRECTORY_BYTES = 4 * 1024 * 1024  # bytes that a zip directory of 10,000 files takes at most; a guess
# An archive may unpack to 1 GiB, or to a hundred times its own size if that is more; a guess.
MAX_UNPACKED_BYTES, MAX_RATIO = 1024 * 1024 * 1024, 100
MAX_DEFLATE_RATIO = 1032  # bytes at most that deflate makes of one
ENCRYPTED = 0x1

LEADS_OUT = re.compile(r"[\x00-\x1f]|^/|^[A-Za-z]:|(^|/)\.\.(/|$)")
# Errors that zipfile raises for hostile input, most of them undocumented.
_ERRORS = BadZipFile, zlib.error, struct.error, EOFError, LookupError, OSError, OverflowError, RuntimeError, ValueError


@contextmanager
def open_archive(content: Content) -> Iterator[ZipFile]:
    """Return the archive, its directory read and found plausible; raises ImportFailed.

    Nothing is unpacked to a disk, and into memory only as much as is read.
    """
    with open_content(content) as stream:
        try:
            archive = ZipFile(BoundedReader(stream))
        except _ERRORS as error:
            raise ImportFailed("DataImportFailed", "The content is not a zip archive, or it is damaged.") from error
        with archive:
            entries, size = archive.infolist(), size_of(content)
            if sum(not _is_folder(entry) for entry in entries) > MAX_FILES:
                raise ImportFailed("QuotaViolation", f"The archive holds more than {MAX_FILES} files.")
            if any(entry.flag_bits & ENCRYPTED for entry in entries):
                raise ImportFailed("DataImportFailed", "The archive is encrypted.")
            if sum(entry.compress_size for entry in entries) > size:
                raise ImportFailed("DataImportFailed", "The files of the archive overlap, or it is cut off.")
            if sum(entry.file_size for entry in entries) > max(MAX_UNPACKED_BYTES, MAX_RATIO * size):
                raise ImportFailed("DataImportFailed", "The archive would unpack to far more than it can truly hold.")
            yield archive


def usable_files(archive: ZipFile, report: DatasetReport) -> dict[str, ZipInfo]:
    """Return the archive's files by `key_of` their name; folders and macOS's own files are skipped."""
    files: dict[str, ZipInfo] = {}
    for entry in archive.infolist():
        name, key = path_of(entry.orig_filename), key_of(entry.orig_filename)
        is_counted = not (_is_folder(entry) or name.startswith("__MACOSX/") or key.startswith("."))
        ratio, reason = 1 if entry.compress_type == ZIP_STORED else MAX_DEFLATE_RATIO, ""
        if LEADS_OUT.search(name):
            reason = "its name leads out of the archive"
        elif entry.file_size > ratio * entry.compress_size:
            reason = "it cannot be as large as the archive says"
        elif is_counted and key in files:
            reason = "the archive has a file of that name already"
        if reason:
            report.reject(entry.orig_filename, reason)
        elif is_counted:
            files[key] = entry
    return files


def _is_folder(entry: ZipInfo) -> bool:
    # ZipInfo.is_dir() of Python 3.11 raises for an empty name.
    return path_of(entry.orig_filename).endswith("/")


def key_of(name: str) -> str:
    """Return the key of a file: its name without folders, in any case (a guess) and in either Unicode form."""
    # macOS writes names decomposed (NFD), transcripts are typed composed (NFC).
    return unicodedata.normalize("NFC", PurePosixPath(path_of(name)).name).casefold()


def path_of(name: str) -> str:
    """Return a name in an archive with slashes: PowerShell 5.1 writes backslashes."""
    return name.replace("\\", "/")


@contextmanager
def open_file(archive: ZipFile, entry: ZipInfo) -> Iterator[IO[bytes]]:
    """Return one file of the archive as a stream; raises Unusable as soon as it proves damaged."""
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # others can ask for gigabytes before they give a byte
        raise Unusable("it is compressed by another method than deflate")
    try:
        with archive.open(entry) as stream:
            yield stream
    except _ERRORS as error:
        raise Unusable("it is damaged") from error


class BoundedReader:
    """A stream that gives no more at once than a zip directory of 10,000 files needs.

    `zipfile` reads the directory in one go, however long it claims to be.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.seek, self.tell, self.seekable, self._read = stream.seek, stream.tell, stream.seekable, stream.read

    def read(self, size: int = -1) -> bytes:
        """Read like the stream; raises BadZipFile."""
        if size > MAX_DIRECTORY_BYTES:
            raise BadZipFile("The directory is too large.")
        return self._read(size)
