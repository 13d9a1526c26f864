"""Results of batch and fast transcription, and their file of draft transcripts for a dataset."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from custom_speech_data.word_errors import normalized_words, word_errors

MIN_CONFIDENCE = 0.7  # words below it are listed for the person who corrects the drafts; a guess
MAX_COMPARED_WORDS = 3_000  # in a recording; the time of the alignment grows with the square of their number
UNSURE_SUFFIX = ".unsure"  # of the file with the words of low confidence, which an upload ignores

# The first line of a file of drafts has the form of a transcript, so that an import reports it as rejected. Drafts are
# therefore never used for training or tests unnoticed.
DRAFT_HEADER = "(uncorrected drafts: delete this line once a person has corrected them)"
MAX_RESULT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text that was recognized in a recording."""

    file: str
    text: str
    confidence: float | None
    low_confidence: tuple[str, ...]  # words; in fast transcription, all words of a phrase

    def to_json(self) -> str:
        """Return the transcript as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> "Transcript":
        """Parse a line that `to_json` returned; raises ValueError, KeyError or TypeError."""
        read = json.loads(line)
        return cls(str(read["file"]), str(read["text"]), read["confidence"], tuple(map(str, read["low_confidence"])))


def transcript_of_phrases(file: str, phrases: Iterable[tuple[str, float | None]]) -> Transcript:
    """Join phrases and their confidence into a transcript."""
    found = list(phrases)
    known = [confidence for _, confidence in found if confidence is not None]
    low = [text for text, confidence in found if confidence is not None and confidence < MIN_CONFIDENCE]
    text = " ".join(text for text, _ in found)
    mean = sum(known) / len(known) if known else None
    return Transcript(file, text, mean, tuple(dict.fromkeys(word for part in low for word in part.split())))


def read_batch_result(file: str, content: bytes) -> Transcript | None:
    """Return the transcript in a result file of a batch transcription, or None if the file is malformed."""
    if len(content) > MAX_RESULT_BYTES:
        return None
    try:
        best = [phrase["nBest"][0] for phrase in json.loads(content)["recognizedPhrases"]]
        whole = transcript_of_phrases(file, ((str(one["display"]), _confidence(one)) for one in best))
        words = [(str(word["word"]), _confidence(word)) for one in best for word in one.get("words") or ()]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None
    return replace(whole, low_confidence=transcript_of_phrases(file, words).low_confidence) if words else whole


def read_batch_report(content: bytes) -> list[tuple[str, str]] | None:
    """Return names and reasons of the failed recordings in a batch report, or None if the report is malformed."""
    try:
        return [
            (str(one["sourceUrl"]).partition("?")[0].rpartition("/")[2], str(one.get("errorMessage") or one["status"]))
            for one in json.loads(content)["details"]
            if one["status"] != "Succeeded"
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _confidence(part: dict[str, Any]) -> float | None:
    value: Any = part.get("confidence")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= 1 else None


def draft_file(transcripts: Iterable[Transcript]) -> bytes:
    """Return a transcript file (UTF-8 with byte order mark) whose first line marks the transcripts as drafts."""
    # An import rejects lines without text, as for a recording in which nothing was recognized.
    lines = [f"{one.file}\t{' '.join(one.text.split())}\r\n" for one in transcripts if one.text.strip()]
    return "".join([f"{DRAFT_HEADER}\tnot checked by anybody\r\n", *lines]).encode("utf-8-sig")


def unsure_file(transcripts: Iterable[Transcript]) -> bytes:
    """Return a file with the words of low confidence in each recording, for the person who corrects the drafts."""
    doubtful = [one for one in transcripts if one.low_confidence or not one.text.strip()]
    lines = [f"{one.file}\t{' '.join(one.low_confidence) or '(nothing was recognized)'}\r\n" for one in doubtful]
    return "".join(lines).encode("utf-8-sig")


def is_draft(content: bytes) -> bool:
    """Return whether a file contains the line that marks uncorrected drafts, wherever the file was moved."""
    return DRAFT_HEADER.encode() in content


def word_error_rate(
    transcripts: Iterable[Transcript], references: Mapping[str, str], locale: str
) -> tuple[float | None, int]:
    """Return the word error rate of the recordings with a reference, and the number of those too long to compare."""
    errors = words = too_long = 0
    for one in transcripts:
        reference = normalized_words(references.get(one.file, ""), locale)
        hypothesis = normalized_words(one.text, locale)
        if max(len(reference), len(hypothesis)) > MAX_COMPARED_WORDS:
            too_long += bool(reference)
        elif reference:
            found = word_errors(reference, hypothesis)
            errors, words = errors + sum(found[:3]), words + found.words
    return errors / words if words else None, too_long
