"""A structured-text dataset (kind LanguageMarkdown) …"""

import pytest

from custom_speech_data import read_dataset
from custom_speech_data.dataset_report import DatasetReport

WHOLE = """\
// what can be ordered
@ list food =
- pizza
- ice cream

@list pet=
- cat

@ speech:phoneticlexicon
- cat/k ae t

#Orders_1
- my {@pet} likes {@food}
- a sentence of its own
"""


def read(text: str) -> DatasetReport:
    """The report of a structured text with the byte order mark."""
    return read_dataset("LanguageMarkdown", text.encode("utf-8-sig"))


def reasons(report: DatasetReport) -> list[str]:
    """Why lines were rejected."""
    return [rejection.reason for rejection in report.rejected]


def test_structured_text_dataset_accepts_items_pronunciations_and_sentences() -> None:
    """Comments and headings are not counted."""
    report = read(WHOLE)
    assert report.texts == ["pizza", "ice cream", "cat", "cat", "my {@pet} likes {@food}", "a sentence of its own"]
    assert (report.accepted_line_count, report.rejected_line_count, report.error) == (6, 0, None)


def test_structured_text_dataset_may_refer_to_a_list_that_comes_later() -> None:
    """Lists and sentences stand in any order."""
    report = read("# Orders\n- bring {@food}\n@ list food =\n- pizza\n")
    assert report.texts == ["bring {@food}", "pizza"]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("# Orders\n- bring {@drink}", "does not have"),
        ("# Orders\n- bring {food}", "does not have"),
        ("# Orders\n- bring {@food", "curly braces"),
        ("# Orders\n- yeah yeah yeah yeah", "repeats"),
        ("# Orders\n- see http://contoso.example", "URI"),
        ("@ speech:phoneticlexicon\n- cat", "slash"),
        ("@ speech:phoneticlexicon\n- cat/ ", "slash"),
        ("@ list food =\n- ★", "U+2605"),
        ("@ regex food", "neither a comment"),
        ("a line of prose", "neither a comment"),
        ("# No-Such name", "letters, digits and underscores"),
    ],
)
def test_structured_text_dataset_rejects_a_line_and_says_why(entry: str, why: str) -> None:
    """The rest of the file is kept."""
    report = read(f"@ list food =\n- pizza\n{entry}\n")
    assert report.texts == ["pizza"]
    assert [why in reason for reason in reasons(report)] == [True]


def test_structured_text_dataset_rejects_what_stands_under_a_refused_heading() -> None:
    """Entries never slip into the section before."""
    report = read("# Good\n- one\n# Not-good\n- two\n")
    assert report.texts == ["one"]
    assert report.rejected_line_count == 2


def test_structured_text_dataset_has_at_most_twenty_lists() -> None:
    """The heading of the twenty-first and its items are rejected."""
    report = read("".join(f"@ list names{n} =\n- item\n" for n in range(21)))
    assert (report.accepted_line_count, report.rejected_line_count) == (20, 2)
    assert "more than 20 lists" in reasons(report)[0]


def test_structured_text_dataset_has_at_most_35000_items_in_a_list() -> None:
    """Each list has its own count."""
    report = read("@ list long =\n" + "- item\n" * 35_001 + "@ list short =\n- item\n")
    assert (report.accepted_line_count, report.rejected_line_count) == (35_001, 1)
    assert "35000 items" in reasons(report)[0]


def test_structured_text_dataset_has_at_most_15000_pronunciations() -> None:
    """The lexicon is full after that many entries."""
    entries = "".join(f"- word{n}/w er d\n" for n in range(15_001))
    report = read("@ speech:phoneticlexicon\n" + entries)
    assert (report.accepted_line_count, report.rejected_line_count) == (15_000, 1)


def test_structured_text_dataset_has_at_most_two_pronunciations_of_a_word() -> None:
    """The third is rejected."""
    report = read("@ speech:phoneticlexicon\n- cat/k ae t\n- cat/k a t\n- cat/k e t\n")
    assert (report.accepted_line_count, report.rejected_line_count) == (2, 1)


def test_structured_text_dataset_fails_in_another_encoding() -> None:
    """The text must be UTF-8, as plain text must."""
    error = read_dataset("LanguageMarkdown", WHOLE.encode("utf-16")).error
    assert error is not None
    assert error.code == "NoUtf8WithBom"
