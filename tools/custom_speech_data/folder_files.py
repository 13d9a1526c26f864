"""Files inside a folder, opened without following symbolic links."""

import errno
import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Literal

from custom_speech_data.dataset_content import OpenFile


def open_inside(folder: Path, path: Path) -> OpenFile:
    """Open a regular file below a folder, waiting for no pipe; a link in the resolved path was put there since.

    Raises OSError if it cannot be opened, is not a regular file or is reached by a link, ValueError outside the folder.
    """
    return OpenFile(os.fdopen(_descriptor(folder, path, os.O_RDONLY), "rb", buffering=0))


def write_inside(folder: Path, path: Path, mode: Literal["xb", "ab"]) -> IO[bytes]:
    """Create a file below a folder, through no link, or open it for appending; raises as `open_inside`."""
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
