"""Details of an evaluation: recordings as one model recognized them, and the words that it misses most.

The shape is that of files `<wav>.model1_score.json`, recorded of the live service. `scoringResult` is a text in which
tags mark the edits: an insertion and a substitution hold the recognized word, a deletion holds the placeholder `@`.
The transcript is therefore not in the file; `service_edits` brings both together.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from custom_speech_data.word_errors import Edit, alignment, normalized_words

_TAG = re.compile(r"<(/?)(insertion|deletion|substitution)>")

MAX_BYTES = 4 * 1024 * 1024  # of a file; a longer text is not the result of one recording
MAX_RECOGNIZED_AS = 5  # different recognitions of one word that are kept, the most frequent first

# Pairs of words that are compared, about four seconds; one recording may take a tenth, as 1,400 words do.
MAX_STEPS = 20_000_000


@dataclass(frozen=True, slots=True)
class Recognition:
    """One recording as one model recognized it: the service's edits in order, each with the word, empty if deleted."""

    edits: tuple[tuple[str, str], ...]

    @property
    def hypothesis(self) -> str:
        """The recognized text."""
        return " ".join(word for _, word in self.edits if word)

    @property
    def words(self) -> int:
        """Words of the transcript, as the service counts them."""
        return sum(kind != "insertion" for kind, _ in self.edits)

    @property
    def errors(self) -> int:
        """Insertions, deletions and substitutions."""
        return sum(kind != "correct" for kind, _ in self.edits)


def recording_of(file_name: str) -> tuple[str, int] | None:
    """Return the recording and the number of the model that a file of an evaluation is about, None for other files."""
    found = re.fullmatch(r"(.+)\.model([12])_score\.json", file_name)
    return (found[1], int(found[2])) if found else None


def read_scoring_result(content: bytes) -> Recognition | None:
    """Return the recognition of the recording of a file, None if it has another shape."""
    if len(content) > MAX_BYTES:
        return None
    try:
        phrases = json.loads(content)["recognizedPhrases"]
        return parse_scoring_result(" ".join(str(phrase["nBest"][0]["scoringResult"]) for phrase in phrases))
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None


def parse_scoring_result(text: str) -> Recognition:
    """Return the words of a tagged text with their edits; linear in its length, whatever it holds."""
    edits: list[tuple[str, str]] = []
    kind, end = "correct", 0
    for tag in [*_TAG.finditer(text), None]:
        for word in text[end : tag.start() if tag else len(text)].split():
            edits.append((kind, "" if kind == "deletion" else word))
        if tag:
            kind, end = "correct" if tag[1] else tag[2], tag.end()
    return Recognition(tuple(edits))


def service_edits(transcript: Sequence[str], recognition: Recognition, locale: str) -> list[Edit] | None:
    """Return the edits of the service with the normalized words of the transcript, None if they do not fit."""
    if recognition.words != len(transcript):
        return None
    left = iter(transcript)
    edits = [Edit(kind, "" if kind == "insertion" else next(left), word) for kind, word in recognition.edits]
    fit = all(kind != "correct" or normalized_words(word, locale) == [said] for kind, said, word in edits)
    return edits if fit else None


@dataclass(slots=True)
class MissedWord:
    """A word with the number of its errors."""

    word: str
    missed: int = 0  # substituted or deleted
    of: int = 0  # in the transcripts
    inserted: int = 0  # recognized and not in the transcript
    recognized_as: Counter[str] = field(default_factory=Counter)  # in its place; nothing for deletions

    @property
    def alternatives(self) -> list[str]:
        """The most frequent recognitions in its place."""
        return [word for word, _ in self.recognized_as.most_common(MAX_RECOGNIZED_AS)]


def missed_words(utterances: Iterable[tuple[str, Recognition]], locale: str, most: int) -> tuple[list[MissedWord], int]:
    """Return the words with errors, the most often missed first, and how many recordings are too long to compare."""
    found: dict[str, MissedWord] = {}
    too_long, steps = 0, MAX_STEPS
    for transcript, recognition in utterances:
        words, heard = normalized_words(transcript, locale), normalized_words(recognition.hypothesis, locale)
        edits = service_edits(words, recognition, locale)
        if edits is None and len(words) * len(heard) > min(steps, MAX_STEPS // 10):
            too_long += 1
            continue
        if edits is None:  # the service normalizes numbers and abbreviations before it counts
            steps -= len(words) * len(heard)
            edits = alignment(words, heard)
        for kind, said, recognized in edits:
            name = said or "".join(normalized_words(recognized, locale)) or recognized
            word = found.get(name) or found.setdefault(name, MissedWord(name))
            word.of += kind != "insertion"
            word.missed += kind in ("substitution", "deletion")
            word.inserted += kind == "insertion"
            if kind == "substitution":
                word.recognized_as[recognized] += 1
    wrong = [word for word in found.values() if word.missed or word.inserted]
    return sorted(wrong, key=lambda word: (-word.missed, -word.inserted, word.word))[:most], too_long
