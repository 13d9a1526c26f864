"""Word errors between reference and hypothesis."""

from collections.abc import Sequence
from typing import NamedTuple


class WordErrors(NamedTuple):
    """The errors of one alignment; `words` is the number of words in the reference."""

    substitutions: int
    deletions: int
    insertions: int
    words: int


def word_errors(reference: str | Sequence[str], hypothesis: str | Sequence[str]) -> WordErrors:
    """Count the fewest errors that turn the reference into the hypothesis; text is split at blanks.

    Among several such alignments the one with the fewest substitutions, thus the most right words, counts.
    Words are compared as they are; whoever wants case or punctuation ignored takes them away before.
    The time grows with the product of both lengths, the memory with the hypothesis.
    """
    said, heard = _words(reference), _words(hypothesis)
    # One number carries both counts: errors in units, substitutions below the unit.
    unit = min(len(said), len(heard)) + 1
    row = [unit * column for column in range(len(heard) + 1)]
    for word in said:
        row = _next_row(row, word, heard, unit)
    errors, substitutions = divmod(row[-1], unit)
    deletions = (errors - substitutions + len(said) - len(heard)) // 2
    return WordErrors(substitutions, deletions, errors - substitutions - deletions, len(said))


def alignment(reference: str | Sequence[str], hypothesis: str | Sequence[str]) -> list[tuple[str, str, str]]:
    """Return the edits of the alignment that `word_errors` counts, in order.

    Returns:
        Triples of the kind (`correct`, `substitution`, `deletion`, `insertion`), the word of the reference and the
        word of the hypothesis; one of the words is empty for deletions and insertions.
    """
    said, heard = _words(reference), _words(hypothesis)
    unit = min(len(said), len(heard)) + 1
    rows = [[unit * column for column in range(len(heard) + 1)]]
    for word in said:
        rows.append(_next_row(rows[-1], word, heard, unit))
    edits: list[tuple[str, str, str]] = []
    row, column = len(said), len(heard)
    while row or column:
        here = rows[row][column]
        is_same = row > 0 and column > 0 and said[row - 1] == heard[column - 1]
        if is_same and here == rows[row - 1][column - 1]:
            row, column = row - 1, column - 1
            edits.append(("correct", said[row], heard[column]))
        elif row and column and not is_same and here == rows[row - 1][column - 1] + unit + 1:
            row, column = row - 1, column - 1
            edits.append(("substitution", said[row], heard[column]))
        elif row and here == rows[row - 1][column] + unit:
            row -= 1
            edits.append(("deletion", said[row], ""))
        else:
            column -= 1
            edits.append(("insertion", "", heard[column]))
    return edits[::-1]


def _words(text: str | Sequence[str]) -> Sequence[str]:
    return text.split() if isinstance(text, str) else text


def _next_row(above: list[int], word: str, heard: Sequence[str], unit: int) -> list[int]:
    row = [above[0] + unit]
    for column, other in enumerate(heard):
        right = above[column] + (0 if word == other else unit + 1)
        row.append(min(right, above[column + 1] + unit, row[column] + unit))
    return row
