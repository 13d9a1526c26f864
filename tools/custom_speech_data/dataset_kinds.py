"""The kinds of datasets: how large each may be, and which one a content looks like."""

import re

from custom_speech_data.content import Content, open_content
from custom_speech_data.dataset_report import ImportFailed
from custom_speech_data.lines import encoding_of
from custom_speech_data.recordings import TRANSCRIPT_SUFFIXES
from custom_speech_data.zip_archive import ZIP_MAGIC, key_of, open_archive

ARCHIVE_KINDS = frozenset({"Acoustic", "AudioFiles"})

KIB, MIB, GIB = 1024, 1024**2, 1024**3

# Pages on test and train data and on quotas; the quotas' sizes if the two differ.
LARGEST_FREE = {
    "Acoustic": 2 * GIB,
    "AudioFiles": 2 * GIB,
    "Language": 200 * MIB,
    "LanguageMarkdown": 200 * MIB,
    "OutputFormatting": 10 * MIB,
    "Pronunciation": KIB,
}
LARGEST_STANDARD = LARGEST_FREE | {"Language": 3 * GIB // 2, "Pronunciation": MIB}
KINDS = tuple(LARGEST_STANDARD)

_HEAD_BYTES = 64 * 1024
_FORMATTING = re.compile(r"#\s*(itn|rewrite|profanity|test)\b", re.IGNORECASE)
_LIST = re.compile(r"@\s*(list|speech:)", re.IGNORECASE)


def check_size(kind: str, size: int, tier: str) -> None:
    """Refuse a dataset of `size` bytes that is larger than the pricing tier allows; raises ImportFailed."""
    largest = (LARGEST_FREE if tier == "F0" else LARGEST_STANDARD)[kind]
    if size > largest:
        raise ImportFailed("QuotaViolation", f"The dataset has {size} bytes; {kind} may have {largest} on tier {tier}.")


def guess_kind(content: Content) -> tuple[str, str]:
    """Return the kind of content, and why; raises ImportFailed for an archive that cannot be read, OSError."""
    with open_content(content) as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(ZIP_MAGIC):
        with open_archive(content) as archive:
            if any(key_of(entry.orig_filename).endswith(TRANSCRIPT_SUFFIXES) for entry in archive.infolist()):
                return ("Acoustic", "it is an archive with a text file, so with transcripts")
        return ("AudioFiles", "it is an archive without a text file, so without transcripts")
    text = head.decode(encoding_of(head), errors="replace")
    lines = [line.strip() for line in text.splitlines()[:500] if line.strip()]
    if any(_FORMATTING.match(line) for line in lines):
        return ("OutputFormatting", "it has sections such as #itn or #rewrite")
    if any(_LIST.match(line) for line in lines):
        return ("LanguageMarkdown", "it has lists such as @list")
    if lines and sum(line.count("\t") == 1 for line in lines) > len(lines) / 2:
        return ("Pronunciation", "most lines are two phrases with a tab between them")
    return ("Language", "it is text, one utterance a line")
