"""From bytes or a file to numbered lines, and from lines to a report."""

import codecs
import io
from collections.abc import Callable, Iterator
from typing import IO

from custom_speech_data.dataset_report import DatasetReport, ImportFailed, Unusable

MAX_LINE_LENGTH = 32_768  # characters; a guess of the emulator, so that a file without line ends needs no memory

# Reads one line: returns its text if it counts, None for a comment or heading; raises Unusable.
ReadLine = Callable[[str], str | None]


def encoding_of(head: bytes) -> str:
    """Return the encoding that the first bytes of a text show: UTF-16, with or without a mark, or UTF-8."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[0:64:2], head[1:64:2]  # ASCII in UTF-16 has a zero beside each character
    if len(head) >= 4 and not any(odd) and all(even):
        return "utf-16-le"
    if len(head) >= 4 and not any(even) and all(odd):
        return "utf-16-be"
    return "utf-8-sig"


def bounded_lines(stream: IO[bytes], encoding: str, newline: str | None = None) -> Iterator[tuple[int, str]]:
    """Return the lines with their ends, numbered from 1, cut somewhere beyond the longest; closes the stream."""
    with io.TextIOWrapper(stream, encoding=encoding, newline=newline) as text:
        number = 0
        while line := text.readline(MAX_LINE_LENGTH + 2):
            number += 1
            yield number, line
            while line and not line.endswith("\n"):
                line = text.readline(MAX_LINE_LENGTH + 2)


def lines_of(stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Return the lines that are not blank, numbered from 1; closes the stream.

    The documentation wants UTF-8 with a byte order mark; UTF-8 without it is taken too (a guess). Raises ImportFailed.
    """
    utf_16 = "The text is encoded in UTF-16; save it as UTF-8 with a byte order mark."
    try:
        for number, line in bounded_lines(stream, "utf-8-sig"):
            # ASCII in UTF-16 without a mark is valid UTF-8.
            if number == 1 and encoding_of(line[:64].encode()) != "utf-8-sig":
                raise ImportFailed("NoUtf8WithBom", utf_16)
            if line.strip():
                yield number, line.rstrip("\n")
    except UnicodeDecodeError as error:
        is_utf_8 = encoding_of(bytes(error.object)) == "utf-8-sig"
        message = "The text is not UTF-8 with a byte order mark." if is_utf_8 else utf_16
        raise ImportFailed("NoUtf8WithBom", message) from error


def read_lines(stream: IO[bytes], read_line: ReadLine, report: DatasetReport) -> None:
    """Let `read_line` judge each line of the stream, and close it."""
    for number, line in lines_of(stream):
        try:
            if len(line) > MAX_LINE_LENGTH:
                raise Unusable(f"the line is longer than {MAX_LINE_LENGTH} characters")
            text = read_line(line)
        except Unusable as reason:
            report.reject(str(number), reason)
        else:
            if text is not None:
                report.accept(text)
