"""The parser of the command line, the options that several commands share, and the types of their values."""

from __future__ import annotations

import argparse
import os

from custom_speech_server.config_source import without_keys

TYPE_CHECKING = False  # the module typing costs 4 ms at every start, pathlib 5; type checkers know the name
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any, NoReturn

    from custom_speech_server.resource_config import Resources


class HelpFormatter(argparse.HelpFormatter):
    """Formats help to the width of the terminal; examples stay whole, so that they can be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Return a description or epilog; a line of two columns, such as a command and its help, is indented as one."""
        import re
        import textwrap

        lines = []
        for line in text.splitlines():
            columns = re.match(r"  \S.*? {2,}", line)
            if columns or not line.startswith(" "):
                rest = indent + " " * (columns.end() if columns else 0)
                line = textwrap.fill(line, width, subsequent_indent=rest, break_on_hyphens=False)  # noqa: PLW2901
            lines.append(line)
        return "\n".join(lines)


class CommandParser(argparse.ArgumentParser):
    """The parser of a command; it takes no abbreviations, which could change their meaning with a new option."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog, description=description, allow_abbrev=False, formatter_class=HelpFormatter)

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and the reason, in which a key that was pasted as an argument is masked."""
        super().error(without_keys(message))

    def takes_value(self, option: str) -> bool:
        """Return whether the next argument is the value of this option."""
        action = self._option_string_actions.get(option)
        return action is not None and action.nargs != 0


def number(what: str, low: int, high: int) -> Callable[[str], int]:
    """Return the type of an option that takes a number within limits; `what` names it, as in `a number of days`."""

    def convert(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what} from {low} to {high}")
        return int(text)

    return convert


port = number("a port, a number", 0, 65_535)


def path(text: str) -> Path:
    """Return a path, with `~` for the home directory."""
    from pathlib import Path

    return Path(text).expanduser()


# The only definitions of options that several commands take; they mean the same in each of them.
SHARED: Mapping[str, Mapping[str, Any]] = {
    "--config": {"type": path, "metavar": "FILE", "help": "resources.toml to use"},
    "--emulated": {"action": "store_true", "help": "work on the emulator, whatever is configured"},
    "--confirm": {
        "choices": ("ask", "never"),
        "help": "never: charges and deletions were agreed to in advance (default: ask)",
    },
    "--json": {"action": "store_true", "help": "print the result as JSON"},
}


def add_shared(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add shared options that the command uses; any other one is refused."""
    for name in names:
        parser.add_argument(name, **SHARED[name])


def named_resources(options: argparse.Namespace) -> Resources:
    """Return the resources that `--emulated` and `--config` mean; raise ConfigurationError if they are wrong."""
    from custom_speech_server.resource_config import EMULATED, load

    return EMULATED if options.emulated else load(options.config, os.environ)
