"""The content of a dataset: bytes in memory, or one open file that everything reads.

A path is followed once. A file that is checked by name and then read by name may be two files.
"""

import errno
import io
import os
import stat
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from threading import Lock
from typing import IO, Literal, NamedTuple


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


def open_below(folder: Path, path: Path) -> OpenFile:
    """Open a regular file below a folder, waiting for no pipe; a link in the resolved path was put there since.

    Raises OSError if it cannot be opened, is not a regular file or is reached by a link, ValueError outside the folder.
    """
    return OpenFile(os.fdopen(_descriptor(folder, path, os.O_RDONLY), "rb", buffering=0))


def write_below(folder: Path, path: Path, mode: Literal["xb", "ab"]) -> IO[bytes]:
    """Create a file below a folder, through no link, or open it for appending; raises as `open_below`."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if mode == "xb" else os.O_APPEND)
    return os.fdopen(_descriptor(folder, path, flags), mode.replace("x", "w"))


def _descriptor(folder: Path, path: Path, flags: int) -> int:
    *folders, name = path.relative_to(folder).parts
    if ".." in (*folders, name):
        raise ValueError("The path leads out of the folder.")
    # Windows has no links to refuse here and no way to wait for a pipe; its files are opened as text by default.
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    opens_by_directory = os.open in os.supports_dir_fd
    with ExitStack() as stack:
        if opens_by_directory:
            directory = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, directory)
            for part in folders:
                directory = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
                stack.callback(os.close, directory)
            descriptor = os.open(name, flags, 0o600, dir_fd=directory)
        else:
            descriptor = os.open(path, flags, 0o600)
    found = os.fstat(descriptor)
    is_same = opens_by_directory or (path.resolve(strict=True) == path and os.path.samestat(path.stat(), found))
    if not (is_same and stat.S_ISREG(found.st_mode)):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "It is not a regular file, or another file has taken its place")
    return descriptor
