"""The kind of a dataset, guessed from its content, and content that is no dataset at all."""

import codecs
import re
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from custom_speech_data.findings import ImportFailed
from custom_speech_data.zip_archive import key_of, open_archive

_ZIP = b"PK\x03\x04"
_HEAD_BYTES = 64 * 1024
_TEXTS = (".txt", ".tsv")
_FORMATTING = re.compile(r"#\s*(itn|rewrite|profanity|test)\b", re.IGNORECASE)
_LIST = re.compile(r"@\s*(list|speech:)", re.IGNORECASE)
_VARIABLE = re.compile(r"(export\s+)?[A-Z][A-Z0-9_]{2,}\s*=\s*\S+")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


class Guess(NamedTuple):
    """A kind, and what it was guessed from."""

    kind: str
    reason: str


def guess_kind(file: Path) -> Guess:
    """Return the kind of a local file; raises ImportFailed for an archive that cannot be read, OSError."""
    with file.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(_ZIP):
        return _kind_of_archive(file)
    lines = [line.strip() for line in decode_head(head).splitlines()[:500] if line.strip()]
    if any(_FORMATTING.match(line) for line in lines):
        return Guess("OutputFormatting", "it has sections such as #itn or #rewrite")
    if any(_LIST.match(line) for line in lines):
        return Guess("LanguageMarkdown", "it has lists such as @list")
    if lines and sum(line.count("\t") == 1 for line in lines) > len(lines) / 2:
        return Guess("Pronunciation", "most lines are two phrases with a tab between them")
    return Guess("Language", "it is text, one utterance a line")


def _kind_of_archive(file: Path) -> Guess:
    with open_archive(file) as archive:
        names = [key_of(entry.orig_filename) for entry in archive.infolist()]
    if any(name.endswith(_TEXTS) for name in names):
        return Guess("Acoustic", "it is an archive with a text file, so with transcripts")
    return Guess("AudioFiles", "it is an archive without a text file, so without transcripts")


def refuse_foreign_content(file: Path) -> None:
    """Refuse what is no dataset and may be a secret: private keys, files of variables, binaries.

    Raises:
        ImportFailed: The content is one of these; the message does not repeat it.
        OSError: The file cannot be read.
    """
    with file.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(_ZIP):
        return
    text = decode_head(head)
    if "\x00" in text:
        raise ImportFailed("NotADataset", "It is a binary file. Audio is uploaded as a zip archive of .wav files.")
    if _PRIVATE_KEY.search(text):
        raise ImportFailed("NotADataset", "It contains a private key, which is no dataset.")
    lines = [line.strip() for line in islice(text.splitlines(), 200)]
    lines = [line for line in lines if line and not line.startswith("#")]
    if lines and all(_VARIABLE.fullmatch(line) for line in lines):
        raise ImportFailed("NotADataset", "It sets variables, as a .env file does, which is no dataset.")


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
