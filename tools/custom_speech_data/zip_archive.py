"""Reading of untrusted zip archives."""

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from custom_speech_data.dataset_report import DatasetReport, ImportFailed, Unusable
from custom_speech_data.file_access import Content, open_content, size_of

ZIP_MAGIC = b"PK\x03\x04"
MAX_FILES = 10_000
MAX_DIRECTORY_BYTES = 4 * 1024 * 1024  # enough for 10,000 files; a guess
# An archive may unpack to 1 GiB or a hundred times its size, whichever is larger; a guess.
MAX_UNPACKED_BYTES, MAX_RATIO = 1024 * 1024 * 1024, 100
MAX_DEFLATE_RATIO = 1032  # deflate cannot compress more
ENCRYPTED = 0x1

LEADS_OUT = re.compile(r"[\x00-\x1f]|^/|^[A-Za-z]:|(^|/)\.\.(/|$)")
# Errors that zipfile raises for hostile input, most of them undocumented.
_ERRORS = BadZipFile, zlib.error, struct.error, EOFError, LookupError, OSError, OverflowError, RuntimeError, ValueError


@contextmanager
def open_archive(content: Content) -> Iterator[ZipFile]:
    """Open an archive with a plausible directory, without unpacking any file; raises ImportFailed."""
    with open_content(content) as stream:
        try:
            archive = ZipFile(BoundedReader(stream))
        except _ERRORS as error:
            raise ImportFailed("DataImportFailed", "The content is not a zip archive, or it is damaged.") from error
        with archive:
            entries, size = archive.infolist(), size_of(content)
            # Python 3.11's ZipInfo.is_dir() raises for an empty name.
            if sum(not path_of(entry.orig_filename).endswith("/") for entry in entries) > MAX_FILES:
                raise ImportFailed("QuotaViolation", f"The archive contains more than {MAX_FILES} files.")
            if any(entry.flag_bits & ENCRYPTED for entry in entries):
                raise ImportFailed("DataImportFailed", "The archive is encrypted.")
            if sum(entry.compress_size for entry in entries) > size:
                raise ImportFailed("DataImportFailed", "The files of the archive overlap, or it is incomplete.")
            if sum(entry.file_size for entry in entries) > max(MAX_UNPACKED_BYTES, MAX_RATIO * size):
                raise ImportFailed("DataImportFailed", "The archive would unpack to an implausible size.")
            yield archive


def usable_files(archive: ZipFile, report: DatasetReport) -> dict[str, ZipInfo]:
    """Return the files of the archive by `key_of` their names, except folders and the files that macOS adds."""
    files: dict[str, ZipInfo] = {}
    for entry in archive.infolist():
        name, key = path_of(entry.orig_filename), key_of(entry.orig_filename)
        is_counted = not (name.endswith("/") or name.startswith("__MACOSX/") or key.startswith("."))
        ratio, reason = 1 if entry.compress_type == ZIP_STORED else MAX_DEFLATE_RATIO, ""
        if LEADS_OUT.search(name):
            reason = "its name leads out of the archive"
        elif entry.file_size > ratio * entry.compress_size:
            reason = "its declared size is implausible"
        elif is_counted and key in files:
            reason = "the archive has an earlier file of that name"
        if reason:
            report.reject(entry.orig_filename, reason)
        elif is_counted:
            files[key] = entry
    return files


def key_of(name: str) -> str:
    """Return the key of a file: its name without folders, case (a guess) and Unicode form."""
    # macOS stores names in NFD, and transcripts are usually typed in NFC.
    return unicodedata.normalize("NFC", PurePosixPath(path_of(name)).name).casefold()


def path_of(name: str) -> str:
    """Return a file name in an archive with slashes, as PowerShell 5.1 writes backslashes."""
    return name.replace("\\", "/")


@contextmanager
def open_file(archive: ZipFile, entry: ZipInfo) -> Iterator[IO[bytes]]:
    """Open a file of the archive for reading; raises Unusable when its content turns out to be damaged."""
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # other methods may need gigabytes for the first byte
        raise Unusable("its compression method is not deflate")
    try:
        with archive.open(entry) as stream:
            yield stream
    except _ERRORS as error:
        raise Unusable("it is damaged") from error


class BoundedReader:
    """A stream with a limit on one read: `zipfile` reads the whole directory at once, whatever its declared length."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.seek, self.tell, self.seekable, self._read = stream.seek, stream.tell, stream.seekable, stream.read

    def read(self, size: int = -1) -> bytes:
        """Read from the stream; raises BadZipFile above the limit."""
        if size > MAX_DIRECTORY_BYTES:
            raise BadZipFile("The directory is too large.")
        return self._read(size)
