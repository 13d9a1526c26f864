"""The simulated recognizer, and the error rates that truly follow from what it heard.

Nothing is recognized. Whether a word is misheard is drawn from a hash of the word and its place, so that it is the
same every time, and from what the model learnt: words of its training data are missed four times less often, and
training with recordings helps everywhere. The rates are then counted, not invented.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from custom_speech_data import word_errors
from custom_speech_data.word_errors import alignment
from custom_speech_emulator.resources.model_training import Skill, plain

_MISSED = 0.24
_KNOWN_WORD = 0.25
_WITH_RECORDINGS = 0.6
_EACH_YEAR = 0.02


@dataclass(frozen=True)
class Score:
    """Counts over all utterances of a test."""

    sentences: int = 0
    wrong_sentences: int = 0
    words: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0


def hypothesis(reference: str, place: int, skill: Skill) -> str:
    """Return what a model of this skill recognizes in an utterance."""
    heard = [_recognized(word, f"{place}/{n}", skill) for n, word in enumerate(plain(reference).split())]
    return " ".join(word for word in heard if word)


def _recognized(word: str, place: str, skill: Skill) -> str:
    draw = int.from_bytes(hashlib.blake2b(f"{place}/{word}".encode(), digest_size=4).digest(), "big") / 2**32
    missed = max(0.04, _MISSED - _EACH_YEAR * max(0, skill.year - 2023))
    missed *= (_KNOWN_WORD if word in skill.words else 1) * (_WITH_RECORDINGS if skill.heard else 1)
    if draw >= missed:
        return word
    how = int(draw * 2**32) % 10
    return "" if how < 2 else f"{word} {word}" if how == 2 else f"{word[:-1]}x"


def score(references: Sequence[str], skill: Skill) -> Score:
    """Return the counts of a model over the transcripts of a test."""
    found = [word_errors(plain(text), hypothesis(text, n, skill)) for n, text in enumerate(references)]
    return Score(
        sentences=len(found),
        wrong_sentences=sum(any(errors[:3]) for errors in found),
        words=sum(errors.words for errors in found),
        substitutions=sum(errors.substitutions for errors in found),
        deletions=sum(errors.deletions for errors in found),
        insertions=sum(errors.insertions for errors in found),
    )


def details(name: str, reference: str, place: int, skill: Skill) -> dict[str, object]:
    """Return the file of one recording, in the shape of a transcription result (recorded live).

    `scoringResult` marks the edits with tags. It holds recognized words only, never the transcript's.
    """
    heard = hypothesis(reference, place, skill)
    best = {"confidence": 0.9, "lexical": heard, "display": heard, "scoringResult": tagged(plain(reference), heard)}
    return {
        "source": name,
        "combinedRecognizedPhrases": [{"channel": 0, "lexical": heard, "display": heard}],
        "recognizedPhrases": [{"recognitionStatus": "Success", "channel": 0, "nBest": [best]}],
    }


def tagged(reference: str, heard: str) -> str:
    """Return what was heard, with the edits against the reference in tags; as many as `word_errors` counts.

    A deletion has no recognized word and holds `@` instead (recorded live).
    """
    edits = alignment(reference.split(), heard.split())
    return " ".join(word if kind == "correct" else f"<{kind}>{word or '@'}</{kind}>" for kind, _, word in edits)


def rates(score: Score | None, which: str, *, tokens: bool = True) -> dict[str, object]:
    """Return the properties of an evaluation for model 1 or 2; figures that do not exist are -1.

    Args:
        tokens: Whether the locale has token scoring.
    """
    if score is None:
        return {f"{name}{which}": -1 for name in (*_RATES, *_COUNTS)}
    errors = score.substitutions + score.deletions + score.insertions
    rate = round(errors / score.words, 4) if score.words else 0.0
    sentence_rate = round(score.wrong_sentences / score.sentences, 3) if score.sentences else 0.0
    right = score.words - score.substitutions - score.deletions
    words = (score.words, right, score.substitutions, score.deletions, score.insertions)
    values = (rate, sentence_rate, rate if tokens else -1, score.sentences, *words, *(words if tokens else (-1,) * 5))
    named = {f"{name}{which}": value for name, value in zip((*_RATES, *_COUNTS), values, strict=True)}
    return named | ({f"tokenErrors{which}": _token_errors(errors)} if tokens else {})


def _token_errors(errors: int) -> dict[str, object]:
    """Return all five categories, in percent of all edits (recorded live); the simulation makes lexical errors only."""
    share = {"lexical": (errors, 100.0 if errors else 0.0)}
    return {
        category: {
            "numberOfEdits": share.get(category, (0, 0.0))[0],
            "percentageOfAllEdits": share.get(category, (0, 0.0))[1],
        }
        for category in ("punctuation", "capitalization", "inverseTextNormalization", "lexical", "others")
    }


_RATES = ("wordErrorRate", "sentenceErrorRate", "tokenErrorRate")
_COUNTS = (
    "sentenceCount",
    "wordCount",
    "correctWordCount",
    "wordSubstitutionCount",
    "wordDeletionCount",
    "wordInsertionCount",
    "tokenCount",
    "correctTokenCount",
    "tokenSubstitutionCount",
    "tokenDeletionCount",
    "tokenInsertionCount",
)
