"""The kinds of datasets: their sizes, and which kind a content appears to be."""

import re
from typing import Literal, NamedTuple

from custom_speech_data.dataset_report import ImportFailed
from custom_speech_data.file_access import Content, open_content
from custom_speech_data.lines import encoding_of
from custom_speech_data.recordings import TRANSCRIPT_SUFFIXES
from custom_speech_data.zip_archive import ZIP_MAGIC, key_of, open_archive

DatasetKind = Literal["Acoustic", "AudioFiles", "Language", "LanguageMarkdown", "Pronunciation", "OutputFormatting"]

KIB, MIB, GIB = 1024, 1024**2, 1024**3


class KindFacts(NamedTuple):
    """The facts about a kind of dataset; sizes are in bytes of the uploaded file."""

    meaning: str
    max_size: int  # on pricing tier S0
    max_size_free: int  # on pricing tier F0
    is_audio: bool = False  # a zip archive of recordings
    trains_alone: bool = False  # enough for a training without other kinds


# Sources: the pages on test and train data and on quotas; sizes are from the quotas if the two differ.
KINDS: dict[str, KindFacts] = {
    "Acoustic": KindFacts(
        "recordings and transcripts (zip of WAV and trans.txt)", 2 * GIB, 2 * GIB, is_audio=True, trains_alone=True
    ),
    "AudioFiles": KindFacts("recordings only (zip)", 2 * GIB, 2 * GIB, is_audio=True),
    "Language": KindFacts("plain sentences (txt)", 3 * GIB // 2, 200 * MIB, trains_alone=True),
    "LanguageMarkdown": KindFacts("sentences with lists (md)", 200 * MIB, 200 * MIB, trains_alone=True),
    "Pronunciation": KindFacts("how words are spoken (txt)", MIB, KIB),
    "OutputFormatting": KindFacts("how text is displayed (md)", 10 * MIB, 10 * MIB),
}
AUDIO_KINDS = frozenset(kind for kind, facts in KINDS.items() if facts.is_audio)

_HEAD_BYTES = 64 * 1024
_FORMATTING = re.compile(r"#\s*(itn|rewrite|profanity|test)\b", re.IGNORECASE)
_LIST = re.compile(r"@\s*(list|speech:)", re.IGNORECASE)


def check_size(kind: str, size: int, tier: str) -> None:
    """Refuse a dataset of `size` bytes that is too large for the pricing tier; raises ImportFailed."""
    most = KINDS[kind].max_size_free if tier == "F0" else KINDS[kind].max_size
    if size > most:
        raise ImportFailed("QuotaViolation", f"The dataset has {size} bytes; {kind} may have {most} on tier {tier}.")


def guess_kind(content: Content) -> tuple[str, str]:
    """Return the kind that the content appears to be, and the reason; raises ImportFailed for a damaged archive."""
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
