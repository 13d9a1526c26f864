"""The words that a model misses most over the recordings of an evaluation."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from custom_speech_data.scoring_result import Recognition, align
from custom_speech_data.word_errors import normalized_words

MAX_RECOGNIZED_AS = 5
"""Different recognitions of one word that are kept, the most frequent first."""


@dataclass(slots=True)
class MissedWord:
    """A word with its errors.

    Attributes:
        missed: How often it was substituted or deleted.
        of: How often it stands in the transcripts.
        inserted: How often it was recognized and is not in the transcript.
        recognized_as: What was recognized in its place, with counts; nothing for deletions.
    """

    word: str
    missed: int = 0
    of: int = 0
    inserted: int = 0
    recognized_as: Counter[str] = field(default_factory=Counter)

    @property
    def alternatives(self) -> list[str]:
        """The most frequent recognitions in its place."""
        return [word for word, _ in self.recognized_as.most_common(MAX_RECOGNIZED_AS)]


def missed_words(utterances: Iterable[tuple[str, Recognition]], locale: str, most: int) -> list[MissedWord]:
    """Return the words with errors, the most often missed first, then the most often inserted.

    Args:
        utterances: The transcript and the recognition of each recording.
    """
    found: dict[str, MissedWord] = {}
    for transcript, recognition in utterances:
        for kind, said, recognized in align(normalized_words(transcript, locale), recognition, locale):
            name = said or "".join(normalized_words(recognized, locale)) or recognized
            word = found.get(name) or found.setdefault(name, MissedWord(name))
            word.of += kind != "insertion"
            word.missed += kind in ("substitution", "deletion")
            word.inserted += kind == "insertion"
            if kind == "substitution":
                word.recognized_as[recognized] += 1
    wrong = [word for word in found.values() if word.missed or word.inserted]
    return sorted(wrong, key=lambda word: (-word.missed, -word.inserted, word.word))[:most]
