"""The parser of the command line, the options that several commands share, and the types of their values."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False  # the module typing costs 4 ms at every start, pathlib 5; type checkers know the name
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any


class CommandParser(argparse.ArgumentParser):
    """A parser of one command; it takes no abbreviations, which could change their meaning with a new option.

    Args:
        prog: The command as it is typed.
        description: One line.
    """

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog, description=description, allow_abbrev=False, formatter_class=_HelpText)

    def takes_value(self, option: str) -> bool:
        """Return whether the next argument is the value of this option."""
        action = self._option_string_actions.get(option)
        return action is not None and action.nargs != 0


class _HelpText(argparse.HelpFormatter):
    """Keeps the lines of an epilog; only those that are not indented are wrapped."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        return "\n".join(line if line[:2] in ("", "  ") else fill(line, width, indent) for line in text.splitlines())


def port(text: str) -> int:
    """Return the number of a port."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, a number from 0 to 65535")
    return int(text)


def path(text: str) -> Path:
    """Return a path, with `~` for the home directory."""
    from pathlib import Path

    return Path(text).expanduser()


SHARED: Mapping[str, Mapping[str, Any]] = {
    "--config": {"type": path, "metavar": "FILE", "help": "resources.toml to use"},
    "--emulated": {"action": "store_true", "help": "work on the emulator, whatever is configured"},
    "--confirm": {
        "choices": ("ask", "never"),
        "help": "never: charges and deletions were agreed to in advance (default: ask)",
    },
    "--json": {"action": "store_true", "help": "print the result as JSON"},
}
"""The only definitions of options that several commands take; they mean the same in each of them."""


def add_shared(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add shared options that the command uses; any other one is refused."""
    for name in names:
        parser.add_argument(name, **SHARED[name])
