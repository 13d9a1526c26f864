"""Types of options that several commands take."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False  # the module typing costs 4 ms at every start, pathlib 5; type checkers know the name
if TYPE_CHECKING:
    from pathlib import Path


def port(text: str) -> int:
    """Return the number of a port."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def path(text: str) -> Path:
    """Return a path, with `~` for the home directory."""
    from pathlib import Path

    return Path(text).expanduser()
