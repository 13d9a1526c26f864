"""Terminal output of the commands: notices, wrapped text and progress."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from custom_speech_server.config_source import without_keys

TYPE_CHECKING = False  # importing typing takes 4 ms at every start; type checkers know this name
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

MAX_WIDTH = 80  # columns; ids and URLs are never broken


def width() -> int:
    """Return the width of the terminal in columns, or COLUMNS if set, from 20 to 80."""
    import shutil

    return max(20, min(MAX_WIDTH, shutil.get_terminal_size((MAX_WIDTH, 24)).columns))


def takes_escape_codes(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that understands escape codes."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def notice(text: str, log: str = "text") -> None:
    """Write a line to stderr and flush it; `log` is text or json, and possible keys are masked."""
    text = without_keys(text)
    if log == "json":
        import logging

        from custom_speech_server.observability import JSONFormatter

        line = JSONFormatter().format(logging.LogRecord("custom-speech-mcp", logging.INFO, "", 0, text, None, None))
    else:
        erased = "\r\033[K" if takes_escape_codes(sys.stderr) else ""  # erases the progress line
        line = f"{erased}custom-speech-mcp: {text}"
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def command_to_add() -> str:
    """Return the shell command that adds this installation to Claude Code."""
    own = os.path.abspath(sys.argv[0])  # noqa: PTH100  # pathlib costs 5 ms
    is_installed = os.path.basename(own).startswith("custom-speech-mcp")  # noqa: PTH119  # the same
    command = own if is_installed else "custom-speech-mcp"
    quoted = f'"{command}"' if " " in command else command
    return f"claude mcp add --transport stdio custom-speech -- {quoted}"


def wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    """Wrap a text to the terminal. `first` is the prefix of the first line, `rest` that of the other lines."""
    import textwrap

    following = " " * (len(first) + 2) if rest is None else rest
    wrapper = textwrap.TextWrapper(width(), first, following, break_on_hyphens=False, break_long_words=False)
    return wrapper.fill(text)


def show_progress(text: str) -> None:
    """Replace the progress line on stderr, if stderr is a terminal."""
    if takes_escape_codes(sys.stderr):
        sys.stderr.write(f"\r\033[K{text[: width() - 1]}")
        sys.stderr.flush()


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Show a step and its elapsed seconds on the progress line while the block runs."""
    import threading

    def show_seconds() -> None:
        seconds = 0
        while not done.wait(1):
            seconds += 1
            show_progress(f"{seconds:>3} s  {text}")

    show_progress(text)
    done, thread = threading.Event(), threading.Thread(target=show_seconds, daemon=True)
    if takes_escape_codes(sys.stderr):
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread.is_alive():
            thread.join()
        show_progress("")
