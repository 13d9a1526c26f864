"""The kind of a dataset, guessed from its content, and the encoding of a text."""

import codecs
import re
from typing import NamedTuple

from custom_speech_data.content import Content, open_content
from custom_speech_data.zip_archive import key_of, open_archive

ARCHIVE_KINDS = frozenset({"Acoustic", "AudioFiles"})

ZIP_MAGIC = b"PK\x03\x04"
_HEAD_BYTES = 64 * 1024
TRANSCRIPT_SUFFIXES = (".txt", ".tsv")
_FORMATTING = re.compile(r"#\s*(itn|rewrite|profanity|test)\b", re.IGNORECASE)
_LIST = re.compile(r"@\s*(list|speech:)", re.IGNORECASE)


class Guess(NamedTuple):
    """A kind, and what it was guessed from."""

    kind: str
    reason: str


def guess_kind(content: Content) -> Guess:
    """Return the kind of content; raises ImportFailed for an archive that cannot be read, OSError."""
    with open_content(content) as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(ZIP_MAGIC):
        return _kind_of_archive(content)
    lines = [line.strip() for line in decode_head(head).splitlines()[:500] if line.strip()]
    if any(_FORMATTING.match(line) for line in lines):
        return Guess("OutputFormatting", "it has sections such as #itn or #rewrite")
    if any(_LIST.match(line) for line in lines):
        return Guess("LanguageMarkdown", "it has lists such as @list")
    if lines and sum(line.count("\t") == 1 for line in lines) > len(lines) / 2:
        return Guess("Pronunciation", "most lines are two phrases with a tab between them")
    return Guess("Language", "it is text, one utterance a line")


def _kind_of_archive(content: Content) -> Guess:
    with open_archive(content) as archive:
        names = [key_of(entry.orig_filename) for entry in archive.infolist()]
    if any(name.endswith(TRANSCRIPT_SUFFIXES) for name in names):
        return Guess("Acoustic", "it is an archive with a text file, so with transcripts")
    return Guess("AudioFiles", "it is an archive without a text file, so without transcripts")


def encoding_of(head: bytes) -> str:
    """Return the encoding that the first bytes of a text show: UTF-16, with or without a mark, or UTF-8."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = head[:64]
    even, odd = start[0::2], start[1::2]
    if len(start) >= 4 and not any(odd) and all(even):
        return "utf-16-le"
    if len(start) >= 4 and not any(even) and all(odd):
        return "utf-16-be"
    return "utf-8-sig"


def decode_head(head: bytes) -> str:
    """Return the beginning of a text; what cannot be decoded is replaced."""
    return head.decode(encoding_of(head), errors="replace")
