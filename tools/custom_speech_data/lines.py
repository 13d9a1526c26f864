"""Decoding of text into numbered lines, and the report on the lines of a dataset."""

import codecs
import io
from collections.abc import Callable, Iterator
from typing import IO

from custom_speech_data.dataset_report import DatasetReport, ImportFailed, Unusable

MAX_LINE_LENGTH = 32_768  # characters; a guess, which bounds the memory for a file without line breaks

# A reader of one line, which returns its text, or None for a comment or heading; raises Unusable.
ReadLine = Callable[[str], str | None]


def encoding_of(head: bytes) -> str:
    """Detect the encoding from the first bytes of a text: UTF-16, with or without a byte order mark, or else UTF-8."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[0:64:2], head[1:64:2]  # in UTF-16, ASCII characters alternate with zero bytes
    if len(head) >= 4 and not any(odd) and all(even):
        return "utf-16-le"
    if len(head) >= 4 and not any(even) and all(odd):
        return "utf-16-be"
    return "utf-8-sig"


def bounded_lines(stream: IO[bytes], encoding: str, newline: str | None = None) -> Iterator[tuple[int, str]]:
    """Yield the lines with their line breaks, numbered from 1, overlong lines truncated; then close the stream."""
    with io.TextIOWrapper(stream, encoding=encoding, newline=newline) as text:
        number = 0
        while line := text.readline(MAX_LINE_LENGTH + 2):
            number += 1
            yield number, line
            while line and not line.endswith("\n"):
                line = text.readline(MAX_LINE_LENGTH + 2)


def lines_of(stream: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, numbered from 1, then close the stream; raises ImportFailed."""
    # UTF-8 without the documented byte order mark is accepted as well (a guess).
    utf_16 = "The text is encoded in UTF-16; save it as UTF-8 with a byte order mark."
    try:
        for number, line in bounded_lines(stream, "utf-8-sig"):
            # ASCII text in UTF-16 without a byte order mark is valid UTF-8.
            if number == 1 and encoding_of(line[:64].encode()) != "utf-8-sig":
                raise ImportFailed("NoUtf8WithBom", utf_16)
            if line.strip():
                yield number, line.rstrip("\n")
    except UnicodeDecodeError as error:
        is_utf_8 = encoding_of(bytes(error.object)) == "utf-8-sig"
        message = "The text is not UTF-8 with a byte order mark." if is_utf_8 else utf_16
        raise ImportFailed("NoUtf8WithBom", message) from error


def read_lines(stream: IO[bytes], read_line: ReadLine, report: DatasetReport) -> None:
    """Report on each line of a stream as judged by `read_line`, then close the stream."""
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
