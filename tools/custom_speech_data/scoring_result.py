"""Scoring results of an evaluation: the recognized recordings, and the most frequently missed words.

The service provides a file `<wav>.model1_score.json` for each recording and model (recorded live). In its text
`scoringResult`, tags mark the edits: insertions and substitutions contain the recognized word, deletions the
placeholder `@`. The file does not contain the transcript, which `service_edits` adds.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from custom_speech_data.word_errors import Edit, alignment, normalized_words

_TAG = re.compile(r"<(/?)(insertion|deletion|substitution)>")

MAX_BYTES = 4 * 1024 * 1024  # more than the result of any recording
MAX_RECOGNIZED_AS = 5  # most frequent recognitions of a word in a result

# Comparisons of two words, about four seconds; a single recording may take a tenth, which is 1,400 words.
MAX_STEPS = 20_000_000


class Recognition(NamedTuple):
    """A recording as recognized by a model."""

    edits: Sequence[tuple[str, str]]  # kind and recognized word, which is empty for a deletion
    hypothesis: str  # the recognized text
    words: int  # in the transcript, as counted by the service
    errors: int  # insertions, deletions and substitutions


def recording_of(file_name: str) -> tuple[str, int] | None:
    """Return the recording and model number in the name of a result file, or None for other files."""
    found = re.fullmatch(r"(.+)\.model([12])_score\.json", file_name)
    return (found[1], int(found[2])) if found else None


def read_scoring_result(content: bytes) -> Recognition | None:
    """Return the recognition in a result file, or None if the file is malformed."""
    if len(content) > MAX_BYTES:
        return None
    try:
        phrases = json.loads(content)["recognizedPhrases"]
        return parse_scoring_result(" ".join(str(phrase["nBest"][0]["scoringResult"]) for phrase in phrases))
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None


def parse_scoring_result(text: str) -> Recognition:
    """Parse a tagged text, in linear time for any text."""
    edits: list[tuple[str, str]] = []
    kind, end = "correct", 0
    for tag in [*_TAG.finditer(text), None]:
        for word in text[end : tag.start() if tag else len(text)].split():
            edits.append((kind, "" if kind == "deletion" else word))
        if tag:
            kind, end = "correct" if tag[1] else tag[2], tag.end()
    hypothesis = " ".join(word for _, word in edits if word)
    words, errors = sum(kind != "insertion" for kind, _ in edits), sum(kind != "correct" for kind, _ in edits)
    return Recognition(edits, hypothesis, words, errors)


def service_edits(transcript: Sequence[str], recognition: Recognition, locale: str) -> list[Edit] | None:
    """Add the normalized words of the transcript to the service's edits, or return None if they do not match."""
    if recognition.words != len(transcript):
        return None
    left = iter(transcript)
    edits = [Edit(kind, "" if kind == "insertion" else next(left), word) for kind, word in recognition.edits]
    fit = all(kind != "correct" or normalized_words(word, locale) == [reference] for kind, reference, word in edits)
    return edits if fit else None


@dataclass(slots=True)
class MissedWord:
    """A word and the number of errors in it."""

    word: str
    missed: int = 0  # substituted or deleted
    of: int = 0  # occurrences in the transcripts
    inserted: int = 0  # recognized, but not in the transcript
    recognized_as: Counter[str] = field(default_factory=Counter)  # words recognized instead, except deletions

    @property
    def alternatives(self) -> list[str]:
        """The words most frequently recognized instead."""
        return [word for word, _ in self.recognized_as.most_common(MAX_RECOGNIZED_AS)]


def missed_words(utterances: Iterable[tuple[str, Recognition]], locale: str, most: int) -> tuple[list[MissedWord], int]:
    """Return the words with errors, most frequently missed first, and the number of recordings too long to compare."""
    found: dict[str, MissedWord] = {}
    too_long, steps = 0, MAX_STEPS
    for transcript, recognition in utterances:
        words, hypothesis = normalized_words(transcript, locale), normalized_words(recognition.hypothesis, locale)
        edits = service_edits(words, recognition, locale)
        if edits is None and len(words) * len(hypothesis) > min(steps, MAX_STEPS // 10):
            too_long += 1
            continue
        if edits is None:  # the service normalizes numbers and abbreviations before counting
            steps -= len(words) * len(hypothesis)
            edits = alignment(words, hypothesis)
        for kind, reference, recognized in edits:
            name = reference or "".join(normalized_words(recognized, locale)) or recognized
            word = found.get(name) or found.setdefault(name, MissedWord(name))
            word.of += kind != "insertion"
            word.missed += kind in ("substitution", "deletion")
            word.inserted += kind == "insertion"
            if kind == "substitution":
                word.recognized_as[recognized] += 1
    wrong = [word for word in found.values() if word.missed or word.inserted]
    return sorted(wrong, key=lambda word: (-word.missed, -word.inserted, word.word))[:most], too_long
