"""word_errors …"""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_data.word_errors import WordErrors, alignment, word_errors

WORDS = st.lists(st.sampled_from("abcd"), max_size=12)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors"),
    [
        ("", "", (0, 0, 0, 0)),
        ("turn it on", "turn it on", (0, 0, 0, 3)),
        ("turn it on", "turn it off", (1, 0, 0, 3)),
        ("turn it on", "turn on", (0, 1, 0, 3)),
        ("turn it on", "turn it on now", (0, 0, 1, 3)),
        ("", "two words", (0, 0, 2, 0)),
        ("two words", "", (0, 2, 0, 2)),
        ("a b", "b a", (0, 1, 1, 2)),
    ],
)
def test_word_errors_counts_substitutions_deletions_insertions_and_words(
    reference: str, hypothesis: str, errors: tuple[int, int, int, int]
) -> None:
    """Where two alignments have as few errors, the one with more right words counts."""
    assert word_errors(reference, hypothesis) == WordErrors(*errors)


def test_word_errors_takes_words_as_well_as_text() -> None:
    """Text is split at blanks of any kind."""
    assert word_errors(["a", "b c"], ["a", "b c"]) == (0, 0, 0, 2)
    assert word_errors("a\tb\n c", ["a", "b", "c"]) == (0, 0, 0, 3)


def full_matrix(said: list[str], heard: list[str]) -> int:
    """The edit distance in its plainest form, with the whole matrix."""
    cost = [[row + column for column in range(len(heard) + 1)] for row in range(len(said) + 1)]
    for row in range(1, len(said) + 1):
        for column in range(1, len(heard) + 1):
            cost[row][column] = min(
                cost[row - 1][column] + 1,
                cost[row][column - 1] + 1,
                cost[row - 1][column - 1] + (said[row - 1] != heard[column - 1]),
            )
    return cost[-1][-1]


def distance(said: list[str], heard: list[str]) -> int:
    """All errors together."""
    errors = word_errors(said, heard)
    return errors.substitutions + errors.deletions + errors.insertions


@given(WORDS, WORDS)
def test_word_errors_finds_as_few_errors_as_the_full_matrix(said: list[str], heard: list[str]) -> None:
    """And its counts explain the difference in length."""
    errors = word_errors(said, heard)
    assert distance(said, heard) == full_matrix(said, heard)
    assert len(said) - errors.deletions + errors.insertions == len(heard)
    assert min(errors) >= 0
    assert errors.substitutions + errors.deletions <= errors.words == len(said)


@given(WORDS, WORDS)
def test_word_errors_mirrors_deletions_and_insertions(said: list[str], heard: list[str]) -> None:
    """Read backwards, what was left out was put in."""
    there, back = word_errors(said, heard), word_errors(heard, said)
    assert there[:3] == (back.substitutions, back.insertions, back.deletions)


@given(WORDS, WORDS, WORDS)
def test_word_errors_obeys_the_laws_of_a_distance(one: list[str], two: list[str], three: list[str]) -> None:
    """None to itself, some to anything else, and no detour is shorter."""
    assert (distance(one, two) == 0) == (one == two)
    assert distance(one, three) <= distance(one, two) + distance(two, three)


SENTENCES = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=30).map(" ".join)


@given(SENTENCES, SENTENCES)
def test_alignment_has_as_many_errors_as_an_independent_implementation(said: str, heard: str) -> None:
    expected = jiwer.process_words(said, heard)
    edits = alignment(said, heard)

    errors = sum(edit.kind != "correct" for edit in edits)
    assert errors == expected.substitutions + expected.deletions + expected.insertions
    assert " ".join(edit.reference for edit in edits if edit.reference) == said
    assert " ".join(edit.recognized for edit in edits if edit.recognized) == heard
