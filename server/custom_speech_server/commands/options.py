"""The command line parser, and the options and option types that several commands share."""

from __future__ import annotations

import argparse
import os
import re

from custom_speech_server.config_source import without_keys

TYPE_CHECKING = False  # importing typing takes 4 ms at every start; type checkers know this name
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any, NoReturn

    from custom_speech_server.resource_config import Resources


class HelpFormatter(argparse.HelpFormatter):
    """Wraps help to the width of the terminal, except examples, so that they can be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wrap a description or epilog. In a line of two columns, the second is indented as a block."""
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
    """The parser of a command. It rejects abbreviations, because a new option could change their meaning."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog, description=description, allow_abbrev=False, formatter_class=HelpFormatter)

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and an error message in which possible keys are masked."""
        super().error(without_keys(message))

    def takes_value(self, option: str) -> bool:
        """Return whether the option is followed by a value."""
        action = self._option_string_actions.get(option)
        return action is not None and action.nargs != 0


def number(what: str, low: int, high: int) -> Callable[[str], int]:
    """Return an option type for integers in a range; `what` describes the value in errors, as in `a number of days`."""

    def convert(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what} from {low} to {high}")
        return int(text)

    return convert


def names(pattern: str, advice: str) -> Callable[[str], tuple[str, ...]]:
    """Return an option type for comma-separated names that match a pattern; `advice` completes the error."""

    def convert(text: str) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
        wrong = ", ".join(name for name in found if not re.fullmatch(pattern, name))
        if wrong or not found:
            raise argparse.ArgumentTypeError(f"{wrong or text!r}: {advice}")
        return found

    return convert


port = number("a port, a number", 0, 65_535)


def path(text: str) -> Path:
    """Return the path, with `~` expanded."""
    from pathlib import Path

    return Path(text).expanduser()


# Options of several commands, which mean the same in each.
SHARED: Mapping[str, Mapping[str, Any]] = {
    "--config": {"type": path, "metavar": "FILE", "help": "the resources.toml to use"},
    "--emulated": {"action": "store_true", "help": "use the emulator regardless of the configuration"},
    "--confirm": {
        "choices": ("ask", "never"),
        "help": "never: agree to all charges and deletions in advance (default: ask)",
    },
    "--json": {"action": "store_true", "help": "print the result as JSON"},
}


def add_shared(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add the shared options that the command supports."""
    for name in names:
        parser.add_argument(name, **SHARED[name])


def named_resources(options: argparse.Namespace) -> Resources:
    """Return the resources selected by `--emulated` and `--config`; raises ConfigurationError."""
    from custom_speech_server.resource_config import EMULATED, load

    return EMULATED if options.emulated else load(options.config, os.environ)
