"""Repair of a text: only safe repairs are made, in a copy, and each is reported."""

import codecs
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import IO

from custom_speech_data.dataset_report import ImportFailed
from custom_speech_data.file_access import Content, open_content
from custom_speech_data.lines import MAX_LINE_LENGTH, bounded_lines, encoding_of

CONVERTED, BOM_ADDED = "converted from UTF-16 to UTF-8", "added the byte order mark"


def repair_text(source: Content, target: IO[bytes]) -> list[str]:
    """Write a copy in UTF-8 and NFC, without blank and overlong lines, and return the repairs; raises ImportFailed."""
    counts = Counter[str]()
    target.write(codecs.BOM_UTF8)
    for _, line in repaired_lines(source, counts):
        target.write(line.encode() + b"\n")
    return described(counts)


def described(counts: Counter[str]) -> list[str]:
    """Return descriptions of the counted repairs."""
    return [what if what in (CONVERTED, BOM_ADDED) else f"{what}: {count}" for what, count in sorted(counts.items())]


def repaired_lines(source: Content, counts: Counter[str]) -> Iterator[tuple[int, str]]:
    """Yield the repaired lines with their original numbers, and count the repairs; raises ImportFailed."""
    with open_content(source) as stream:
        head = stream.read(64)
    encoding = encoding_of(head)
    if encoding != "utf-8-sig":
        counts[CONVERTED] = 1
    if not head.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        counts[BOM_ADDED] = 1
    try:
        for number, line in bounded_lines(open_content(source), encoding, newline=""):
            if repaired := _repair_line(line, counts):
                yield number, repaired
    except UnicodeError:
        message = "The text is neither UTF-8 nor UTF-16. Save it as UTF-8 with a byte order mark."
        raise ImportFailed("NoUtf8WithBom", message) from None


def _repair_line(line: str, counts: Counter[str]) -> str | None:
    """Return the repaired line without its line break, or None if it is dropped."""
    content = line.rstrip("\r\n")
    if content.startswith("\ufeff"):
        content = content.removeprefix("\ufeff")
        counts["byte order marks within the text removed"] += 1
    if line.endswith("\r\n"):
        counts["lines with Windows line ends"] += 1
    if not content.strip():
        counts["empty lines removed"] += 1
        return None
    if len(content) > MAX_LINE_LENGTH:
        counts[f"lines longer than {MAX_LINE_LENGTH} characters removed"] += 1
        return None
    normalized = unicodedata.normalize("NFC", content)
    if normalized != content:
        counts["lines normalized to NFC"] += 1
    return normalized
