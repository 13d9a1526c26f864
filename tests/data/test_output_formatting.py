"""An output-formatting dataset …"""

import pytest

from custom_speech_data import read_dataset

WHOLE = """\
// rules for displayed text
# ITN
\\d\\d{to>-}\\d\\d
(AB|CD)-(\\d)+
\\(\\d
#rewrite
end to end\tE2E
# profanity
made up word
#test
twenty to thirty\t20-30
"""


def test_output_formatting_dataset_accepts_rules_and_tests_under_their_sections() -> None:
    """They are counted, but teach a model no words."""
    report = read_dataset("OutputFormatting", WHOLE.encode("utf-8-sig"))
    assert (report.accepted_line_count, report.rejected_line_count, report.texts) == (6, 0, [])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("#itn\n(AB|CD", "brackets"),
        ("#itn\n{to>-)", "brackets"),
        ("#rewrite\nend to end", "one tab"),
        ("#rewrite\na\tb\tc", "one tab"),
        ("#rewrite\n\tE2E", "one tab"),
        ("#profanity\nwhat, this", "punctuation"),
        ("#test\nonly one sentence", "one tab"),
        ("#sounds", "#itn"),
    ],
)
def test_output_formatting_dataset_rejects_a_line_and_says_why(line: str, why: str) -> None:
    """Each section has its own form."""
    report = read_dataset("OutputFormatting", f"#itn\n\\d-\\d\n{line}\n".encode())
    assert report.accepted_line_count == 1
    assert [why in rejection.reason for rejection in report.rejected] == [True]


@pytest.mark.parametrize(
    ("section", "rule", "most"), [("itn", "\\d-\\d", 200), ("rewrite", "old\tnew", 1_000), ("profanity", "word", 1_000)]
)
def test_output_formatting_dataset_has_a_largest_number_of_lines_in_each_section(
    section: str, rule: str, most: int
) -> None:
    """The line after the last allowed one is rejected."""
    report = read_dataset("OutputFormatting", f"#{section}\n".encode() + f"{rule}\n".encode() * (most + 1))
    assert (report.accepted_line_count, report.rejected_line_count) == (most, 1)


def test_output_formatting_dataset_rejects_a_line_before_the_first_section() -> None:
    """It could be a rule of any kind."""
    report = read_dataset("OutputFormatting", b"\\d-\\d\n#itn\n\\d-\\d\n")
    assert (report.accepted_line_count, report.rejected_line_count) == (1, 1)


def test_output_formatting_dataset_has_at_most_ten_megabytes() -> None:
    """The size alone fails the import."""
    error = read_dataset("OutputFormatting", b"\n" * (10 * 1024 * 1024 + 1)).error
    assert error is not None
    assert error.code == "QuotaViolation"
