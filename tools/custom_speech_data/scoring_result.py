"""Details of an evaluation: the words of one recording as one model recognized them, with the edits.

The shape is that of files `<wav>.model1_score.json`, recorded of the live service: `scoringResult` is a text in which
tags mark insertions, deletions and substitutions.
"""

import json
import re
from dataclasses import dataclass

_EDIT = re.compile(r"<(insertion|deletion|substitution)>(.*?)</\1>", re.DOTALL)
_FILE = re.compile(r"(?P<recording>.+)\.model(?P<number>[12])_score\.json")

MAX_WORDS = 100_000
"""Words of one recording; a longer text is not a recognition result."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording as one model recognized it.

    Attributes:
        reference: The transcript.
        hypothesis: The recognized text.
        words: Words of the transcript.
        errors: Insertions, deletions and substitutions.
    """

    reference: str
    hypothesis: str
    words: int
    errors: int


def recording_of(file_name: str) -> tuple[str, int] | None:
    """Return the recording and the number of the model that a file of an evaluation is about, None for other files."""
    found = _FILE.fullmatch(file_name)
    return (found["recording"], int(found["number"])) if found else None


def read_scoring_result(content: bytes) -> Utterance | None:
    """Return what a file says about its recording, None where it has another shape."""
    try:
        phrases = json.loads(content)["recognizedPhrases"]
        texts = [str(phrase["nBest"][0]["scoringResult"]) for phrase in phrases]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None
    return parse_scoring_result(" ".join(texts))


def parse_scoring_result(text: str) -> Utterance:
    """Return the transcript, the recognized text and the number of edits of a tagged text."""
    reference, hypothesis, errors, end = list[str](), list[str](), 0, 0
    for edit in _EDIT.finditer(text):
        between = text[end : edit.start()].split()
        said, heard = _sides(edit[1], edit[2])
        reference += between + said
        hypothesis += between + heard
        errors += max(len(said), len(heard))
        end = edit.end()
    rest = text[end:].split()
    reference, hypothesis = (reference + rest)[:MAX_WORDS], (hypothesis + rest)[:MAX_WORDS]
    return Utterance(" ".join(reference), " ".join(hypothesis), len(reference), errors)


def _sides(kind: str, content: str) -> tuple[list[str], list[str]]:
    """Return the words of the transcript and of the recognition that an edit stands for."""
    if kind == "insertion":
        return [], content.split()
    if kind == "deletion":
        return content.split(), []
    said, bar, heard = content.partition("|")
    return said.split(), (heard if bar else said).split()
