"""The content of a dataset: bytes in memory, or one open file that everything reads.

A path is followed once. A file that is checked by name and then read by name may be two files.
"""

import io
import os
from contextlib import AbstractContextManager
from threading import Lock
from typing import IO, NamedTuple


class FileState(NamedTuple):
    """A file and its content, as far as the file system tells them from others; times are nanoseconds."""

    device: int
    number: int
    size: int
    modified: int
    changed: int


class OpenFile(AbstractContextManager["OpenFile", None]):
    """A file that is open for reading; any number of readers share it, each at its own position."""

    def __init__(self, file: IO[bytes]) -> None:
        file.flush()  # a copy may have been written just now
        self._file, self._lock = file, Lock()
        self.state = self._state()
        self.size = self.state.size

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def open(self) -> IO[bytes]:
        """Return a new reader, at the beginning."""
        return io.BufferedReader(_Reader(self), 64 * 1024)

    def read_at(self, position: int, size: int) -> bytes:
        """Return at most `size` bytes from there, none beyond the size that the file had when it was opened."""
        with self._lock:
            self._file.seek(position)
            return self._file.read(max(0, min(size, self.size - position)))

    def is_unchanged(self) -> bool:
        """Return whether the file has the size and the time of change that it had when it was opened."""
        now = self._state()
        return (now.size, now.modified) == (self.size, self.state.modified)

    def _state(self) -> FileState:
        found = os.fstat(self._file.fileno())
        return FileState(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


Content = bytes | OpenFile


class _Reader(io.RawIOBase):
    """A position in an open file."""

    def __init__(self, file: OpenFile) -> None:
        super().__init__()
        self._open, self._position = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = max(0, offset + {io.SEEK_CUR: self._position, io.SEEK_END: self._open.size}.get(whence, 0))
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer is wider
        part = self._open.read_at(self._position, len(buffer))
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)


def open_content(content: Content) -> IO[bytes]:
    """Return the content as a stream that can seek."""
    return io.BytesIO(content) if isinstance(content, bytes) else content.open()


def size_of(content: Content) -> int:
    """Return the bytes of the content."""
    return len(content) if isinstance(content, bytes) else content.size


def read_part(content: Content, position: int, size: int) -> bytes:
    """Return at most `size` bytes from there."""
    return content[position : position + size] if isinstance(content, bytes) else content.read_at(position, size)


def reason_of(error: OSError) -> str:
    """Return why a file cannot be read or written, in the words of the system."""
    return error.strerror or type(error).__name__
