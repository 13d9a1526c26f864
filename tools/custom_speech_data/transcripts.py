"""Transcripts: of batch and fast transcription, and as the draft file that a dataset of recordings takes."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from custom_speech_data.word_errors import normalized_words, word_errors

# Words below it are listed for the person who corrects the drafts; a guess, the service names none.
MIN_CONFIDENCE = 0.7
MAX_COMPARED_WORDS = 3_000  # of a recording that is aligned: the time grows with the square of their number
UNSURE_SUFFIX = ".unsure"  # of the file beside drafts with their words of low confidence; an upload ignores it

# The first line of drafts, as if it were a recording: an import rejects it by name, so that nobody trains or tests with
# drafts unknowingly.
DRAFT_MARK = "(uncorrected drafts: delete this line once a person has corrected them)"
MAX_RESULT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text that was recognized in one recording."""

    file: str
    text: str
    confidence: float | None
    unsure: tuple[str, ...]  # words of low confidence; fast transcription has a confidence for whole phrases only

    def to_json(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> "Transcript":
        """Return the transcript of a line that `to_json` wrote; raises ValueError, KeyError or TypeError."""
        read = json.loads(line)
        return cls(str(read["file"]), str(read["text"]), read["confidence"], tuple(map(str, read["unsure"])))


def transcript_of_phrases(file: str, phrases: Iterable[tuple[str, float | None]]) -> Transcript:
    """Return the transcript of phrases with their confidence."""
    found = list(phrases)
    known = [confidence for _, confidence in found if confidence is not None]
    unsure = [text for text, confidence in found if confidence is not None and confidence < MIN_CONFIDENCE]
    text = " ".join(text for text, _ in found)
    mean = sum(known) / len(known) if known else None
    return Transcript(file, text, mean, tuple(dict.fromkeys(word for part in unsure for word in part.split())))


def read_batch_result(file: str, content: bytes) -> Transcript | None:
    """Return the transcript in a file of a batch transcription, None if it has another shape."""
    if len(content) > MAX_RESULT_BYTES:
        return None
    try:
        best = [phrase["nBest"][0] for phrase in json.loads(content)["recognizedPhrases"]]
        whole = transcript_of_phrases(file, ((str(one["display"]), _confidence(one)) for one in best))
        words = [(str(word["word"]), _confidence(word)) for one in best for word in one.get("words") or ()]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None
    return replace(whole, unsure=transcript_of_phrases(file, words).unsure) if words else whole


def read_batch_report(content: bytes) -> list[tuple[str, str]] | None:
    """Return names and reasons of the recordings that failed by the report of a batch, None if it has another shape."""
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
    """Return the transcript file of a dataset, with the mark of drafts: UTF-8 with a byte order mark."""
    # An upload would refuse an empty line, as of a recording in which nothing was recognized.
    texts = [(one.file, " ".join(one.text.split())) for one in transcripts if one.text.strip()]
    return _lines([(DRAFT_MARK, "not checked by anybody"), *texts])


def unsure_file(transcripts: Iterable[Transcript]) -> bytes:
    """Return lines of file name, tab and the words of low confidence, for the person who corrects the drafts."""
    unsure = [one for one in transcripts if one.unsure or not one.text.strip()]
    return _lines((one.file, " ".join(one.unsure) or "(nothing was recognized)") for one in unsure)


def is_draft(content: bytes) -> bool:
    """Return whether a file has drafts that nobody has corrected: the mark goes with the text, wherever it is moved."""
    return DRAFT_MARK.encode() in content


def _lines(pairs: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{file}\t{text}\r\n" for file, text in pairs).encode("utf-8-sig")


def word_error_rate(
    transcripts: Iterable[Transcript], said: Mapping[str, str], locale: str
) -> tuple[float | None, int]:
    """Return the word error rate over the recordings of known transcript, and how many are too long to compare."""
    errors = words = too_long = 0
    for one in transcripts:
        reference, heard = normalized_words(said.get(one.file, ""), locale), normalized_words(one.text, locale)
        if max(len(reference), len(heard)) > MAX_COMPARED_WORDS:
            too_long += bool(reference)
        elif reference:
            found = word_errors(reference, heard)
            errors, words = errors + sum(found[:3]), words + found.words
    return errors / words if words else None, too_long
