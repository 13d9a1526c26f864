"""Files inside a folder, opened without following symbolic links."""

import errno
import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Literal

from custom_speech_data.dataset_content import OpenFile


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
