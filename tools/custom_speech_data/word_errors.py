"""Word errors between reference and hypothesis."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

# Languages without spaces between words, in which characters are counted. How the service counts is unknown.
_WITHOUT_SPACES = frozenset({"ja", "zh", "yue", "wuu", "th", "lo", "km", "my"})


class Edit(NamedTuple):
    """One edit of an alignment."""

    kind: str  # correct, substitution, deletion or insertion
    reference: str  # a word, empty for an insertion
    recognized: str  # a word, empty for a deletion


class WordErrors(NamedTuple):
    """The errors of one alignment."""

    substitutions: int
    deletions: int
    insertions: int
    words: int  # in the reference


def word_errors(reference: str | Sequence[str], hypothesis: str | Sequence[str]) -> WordErrors:
    """Count the fewest errors that turn the reference into the hypothesis; text is split at blanks.

    Among alignments with equally few errors, the alignment with the fewest substitutions is counted. Words are compared
    exactly. The time grows with the product of both lengths, the memory with the length of the hypothesis.
    """
    reference, hypothesis = (text.split() if isinstance(text, str) else text for text in (reference, hypothesis))
    # One number encodes both counts: errors * unit + substitutions.
    unit = min(len(reference), len(hypothesis)) + 1
    row = [unit * column for column in range(len(hypothesis) + 1)]
    for word in reference:
        row = _next_row(row, word, hypothesis, unit)
    errors, substitutions = divmod(row[-1], unit)
    deletions = (errors - substitutions + len(reference) - len(hypothesis)) // 2
    return WordErrors(substitutions, deletions, errors - substitutions - deletions, len(reference))


def alignment(reference: str | Sequence[str], hypothesis: str | Sequence[str]) -> list[Edit]:
    """Return the edits of the alignment that `word_errors` counts, in order."""
    reference, hypothesis = (text.split() if isinstance(text, str) else text for text in (reference, hypothesis))
    unit = min(len(reference), len(hypothesis)) + 1
    rows = [[unit * column for column in range(len(hypothesis) + 1)]]
    for word in reference:
        rows.append(_next_row(rows[-1], word, hypothesis, unit))
    edits: list[Edit] = []
    row, column = len(reference), len(hypothesis)
    while row or column:
        here = rows[row][column]
        is_same = row > 0 and column > 0 and reference[row - 1] == hypothesis[column - 1]
        if row and column and here == rows[row - 1][column - 1] + (0 if is_same else unit + 1):
            row, column = row - 1, column - 1
            edits.append(Edit("correct" if is_same else "substitution", reference[row], hypothesis[column]))
        elif row and here == rows[row - 1][column] + unit:
            row -= 1
            edits.append(Edit("deletion", reference[row], ""))
        else:
            column -= 1
            edits.append(Edit("insertion", "", hypothesis[column]))
    return edits[::-1]


class _Letters(dict[int, str | int]):
    """A lazily filled table for `str.translate` that replaces every character outside words by a space."""

    def __missing__(self, code: int) -> str | int:
        is_part = unicodedata.category(chr(code))[0] in "LMN"
        kept = self[code] = code if is_part else "'" if chr(code) in "'\u2019" else " "
        return kept


_LETTERS = _Letters()


def normalized_words(text: str, locale: str) -> list[str]:
    """Return the words of a text for comparison, without case, punctuation and symbols; "don't" is one word."""
    spaced = unicodedata.normalize("NFC", text).casefold().translate(_LETTERS)
    words = [word for part in spaced.split() if (word := part.strip("'"))]
    if locale.partition("-")[0].lower() not in _WITHOUT_SPACES:
        return words
    characters = list[str]()
    for character in "".join(words):
        if characters and unicodedata.category(character).startswith("M"):
            characters[-1] += character
        else:
            characters.append(character)
    return characters


def _next_row(above: list[int], word: str, hypothesis: Sequence[str], unit: int) -> list[int]:
    row = [above[0] + unit]
    for column, other in enumerate(hypothesis):
        right = above[column] + (0 if word == other else unit + 1)
        row.append(min(right, above[column + 1] + unit, row[column] + unit))
    return row
