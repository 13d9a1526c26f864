"""The content of a dataset: bytes, or a file that is opened only once.

A path is resolved once, because a file that is checked by name and then read by name may be two different files.
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
    """The identity of a file and its content according to the file system; times are in nanoseconds."""

    device: int
    number: int
    size: int
    modified: int
    changed: int


class OpenFile(AbstractContextManager["OpenFile", None]):
    """An open file, shared by any number of readers with independent positions."""

    def __init__(self, file: IO[bytes]) -> None:
        file.flush()  # a temporary copy may have been written just before
        self._file, self._lock = file, Lock()
        found = os.fstat(file.fileno())
        self.state = FileState(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        self.size = found.st_size

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def open(self) -> IO[bytes]:
        """Return a new reader at the start of the file."""
        return io.BufferedReader(_Reader(self), 64 * 1024)

    def read_at(self, position: int, size: int) -> bytes:
        """Return at most `size` bytes from a position, none beyond the size of the file when it was opened."""
        with self._lock:
            self._file.seek(position)
            return self._file.read(max(0, min(size, self.size - position)))

    def is_unchanged(self) -> bool:
        """Return whether the size and modification time are the same as when the file was opened."""
        found = os.fstat(self._file.fileno())
        return (found.st_size, found.st_mtime_ns) == (self.size, self.state.modified)


Content = bytes | OpenFile


class _Reader(io.RawIOBase):
    """A reader with its own position in an open file."""

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
    """Return the content as a seekable stream."""
    return io.BytesIO(content) if isinstance(content, bytes) else content.open()


def size_of(content: Content) -> int:
    """Return the size of the content in bytes."""
    return len(content) if isinstance(content, bytes) else content.size


def read_part(content: Content, position: int, size: int) -> bytes:
    """Return at most `size` bytes of the content from a position."""
    return content[position : position + size] if isinstance(content, bytes) else content.read_at(position, size)


def reason_of(error: OSError) -> str:
    """Return the operating system's reason why a file cannot be read or written."""
    return error.strerror or type(error).__name__


def open_inside(folder: Path, path: Path) -> OpenFile:
    """Open a regular file inside a folder, following no link; raises OSError, or ValueError for a path outside."""
    return OpenFile(os.fdopen(_descriptor(folder, path, os.O_RDONLY), "rb", buffering=0))


def write_inside(folder: Path, path: Path, mode: Literal["xb", "ab"]) -> IO[bytes]:
    """Create or append to a file inside a folder, with the checks and errors of `open_inside`."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if mode == "xb" else os.O_APPEND)
    return os.fdopen(_descriptor(folder, path, flags), mode.replace("x", "w"))


def _descriptor(folder: Path, path: Path, flags: int) -> int:
    *folders, name = path.relative_to(folder).parts
    if ".." in (*folders, name):
        raise ValueError("The path leads out of the folder.")
    # Windows lacks the first two flags, and opens files as text without the third.
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
