"""A pronunciation dataset …"""

import pytest

from custom_speech_data import read_dataset


def test_pronunciation_dataset_accepts_a_written_form_a_tab_and_a_spoken_form() -> None:
    """Its texts are the words as they are written."""
    report = read_dataset("Pronunciation", "\ufeffCNTK\tc n t k\nGrüß\tg r ü s\n".encode())
    assert report.texts == ["CNTK", "Grüß"]
    assert (report.accepted_line_count, report.rejected_line_count) == (2, 0)


@pytest.mark.parametrize("line", ["CNTK c n t k", "CNTK\tc n\tt k", "\tc n t k", "CNTK\t", "CNTK\t★"])
def test_pronunciation_dataset_rejects_a_line_of_another_form(line: str) -> None:
    """One tab, and something that can be said on both sides of it."""
    report = read_dataset("Pronunciation", f"IEEE\ti triple e\n{line}\n".encode())
    assert (report.accepted_line_count, report.rejected_line_count) == (1, 1)
    assert report.rejected[0].where == "2"


@pytest.mark.parametrize(("tier", "largest"), [("F0", 1024), ("S0", 1024 * 1024)])
def test_pronunciation_dataset_has_a_largest_size_on_each_tier(tier: str, largest: int) -> None:
    """One byte more than 1 KB (free) or 1 MB (standard) fails the import."""
    content = b"IEEE\ti triple e\n".ljust(largest, b"\n")
    assert read_dataset("Pronunciation", content, tier).error is None
    error = read_dataset("Pronunciation", content + b"\n", tier).error
    assert error is not None
    assert error.code == "QuotaViolation"
    assert str(largest) in error.message
