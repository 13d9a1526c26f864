"""The words that a model misses most over the recordings of an evaluation."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from custom_speech_data.scoring_result import Recognition, service_edits
from custom_speech_data.word_errors import alignment, normalized_words

MAX_RECOGNIZED_AS = 5  # different recognitions of one word that are kept, the most frequent first

# Pairs of words that are compared, about four seconds; one recording may take a tenth, as 1,400 words do.
MAX_STEPS = 20_000_000


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
