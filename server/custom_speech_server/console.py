"""Terminal output of the commands: notices, wrapped text and the current step."""

from __future__ import annotations

import sys

WIDTH = 80
"""Columns of output for people; ids and addresses are never broken."""


def notice(text: str, log: str) -> None:
    """Write a line at once.

    Args:
        log: `text` or `json`.
    """
    if log == "json":
        import logging

        from custom_speech_server.observability.logs import JSONFormatter

        line = JSONFormatter().format(logging.LogRecord("custom-speech-mcp", logging.INFO, "", 0, text, None, None))
    else:
        erased = "\r\033[K" if sys.stderr.isatty() else ""  # what show_progress has left
        line = f"{erased}custom-speech-mcp: {text}"
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    """Return the text in lines of at most 80 columns.

    Args:
        first: Begins the first line.
        rest: Begins every other line; by default two spaces more than `first`.
    """
    import textwrap

    following = " " * (len(first) + 2) if rest is None else rest
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=following, break_on_hyphens=False, break_long_words=False
    )
    return "\n".join(lines)


def show_progress(text: str) -> None:
    """Show what is being done, on a line that the next one replaces; only where stderr is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text[: WIDTH - 1]}")
        sys.stderr.flush()


class Progress:
    """Shows what is being done until it is done."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> None:
        show_progress(self._text)

    def __exit__(self, *error: object) -> None:
        show_progress("")


def make_output_encodable() -> None:
    """Replace characters that the console cannot show, such as those of cp1252 on Windows, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
