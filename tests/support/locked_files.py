"""Files that the user may not read, also if the tests run as root, who may read every file."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from custom_speech_tools.guardrails import local_files


def lock(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let every file of this name be one that the user may not read."""
    open_inside = local_files.open_inside

    def refuse(folder: Path, path: Path) -> Any:
        if path.name == name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open_inside(folder, path)

    monkeypatch.setattr(local_files, "open_inside", refuse)
