"""From bytes or a file to numbered lines, and from lines to findings."""

import io
from collections.abc import Callable, Iterator
from itertools import count
from typing import IO

from custom_speech_data.findings import Findings, ImportFailed, Unusable

LONGEST_LINE = 32_768
"""Characters; a guess of the emulator, so that a file without line ends needs no memory."""

_UTF_16 = "The text is encoded in UTF-16; save it as UTF-8 with a byte order mark."

ReadLine = Callable[[str], str | None]
"""Reads one line: returns its text if it counts, None for a comment or heading; raises Unusable."""


def lines_of(stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Return the lines that are not blank, numbered from 1, cut where they are too long; closes the stream.

    The documentation wants UTF-8 with a byte order mark; without the mark UTF-8 is taken too,
    which is a guess. Anything else raises ImportFailed with the code NoUtf8WithBom.
    """
    try:
        with io.TextIOWrapper(stream, encoding="utf-8-sig") as text:
            for number in count(1):
                line = text.readline(LONGEST_LINE + 1)
                if not line:
                    return
                rest = line
                while rest and not rest.endswith("\n"):  # beyond what is kept of it
                    rest = text.readline(LONGEST_LINE)
                if number == 1 and _is_utf_16(line[:64].encode()):  # ASCII in UTF-16 without a mark is valid UTF-8
                    raise ImportFailed("NoUtf8WithBom", _UTF_16)
                if line.strip():
                    yield number, line.rstrip("\n")
    except UnicodeDecodeError as error:
        message = _UTF_16 if _is_utf_16(bytes(error.object)) else "The text is not UTF-8 with a byte order mark."
        raise ImportFailed("NoUtf8WithBom", message) from error


def read_lines(stream: IO[bytes], read_line: ReadLine, findings: Findings) -> None:
    """Let `read_line` judge each line of the stream."""
    for number, line in lines_of(stream):
        try:
            if len(line) > LONGEST_LINE:
                raise Unusable(f"the line is longer than {LONGEST_LINE} characters")
            text = read_line(line)
        except Unusable as reason:
            findings.reject(str(number), str(reason))
        else:
            if text is not None:
                findings.accept(text)


def _is_utf_16(start: bytes) -> bool:
    """Return whether text is UTF-16, by its byte order mark or by the zeros that it has between ASCII characters."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    even, odd = start[0:64:2], start[1:64:2]
    return len(start) >= 4 and ((not any(odd) and all(even)) or (not any(even) and all(odd)))
