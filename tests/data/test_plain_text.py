"""A plain-text dataset (kind Language) …"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_data import read_dataset
from custom_speech_data.dataset_report import Rejection
from custom_speech_data.file_access import open_inside

BOM = b"\xef\xbb\xbf"


def test_plain_text_dataset_accepts_each_line_of_a_file_with_a_byte_order_mark() -> None:
    """Every line is an utterance, and the mark is part of none."""
    report = read_dataset("Language", BOM + b"turn on the heating\r\nturn it off\r\n")
    assert report.accepted_line_count == 2
    assert report.texts == ["turn on the heating", "turn it off"]
    assert (report.rejected, report.error, report.duration_milliseconds) == ([], None, 0)


@pytest.mark.parametrize("text", ["plain ascii", "Größe und Gewicht", "こんにちは", "l’hôtel de ville", "नमस्ते दुनिया"])
def test_plain_text_dataset_accepts_utf_8_without_a_mark_in_any_script(text: str) -> None:
    """The mark is documented as required; the emulator guesses that it is not insisted on."""
    assert read_dataset("Language", text.encode()).texts == [text]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "shift-jis"])
def test_plain_text_dataset_fails_in_another_encoding(encoding: str) -> None:
    """One byte that is no UTF-8 fails the whole import, whatever was read before it."""
    report = read_dataset("Language", b"a good line\n" + "日本é".encode(encoding, "ignore"))
    assert report.error is not None
    assert report.error.code == "NoUtf8WithBom"
    assert (report.accepted_line_count, report.texts) == (0, [])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("see https://contoso.example/a", "URI"),
        ("write to mailto:someone", "URI"),
        ("go to WWW.contoso.example", "URI"),
        ("aaaa", "repeats"),
        ("yeah yeah yeah yeah", "repeats"),
        ("well that's it that's it that's it that's it", "repeats"),
        ("five stars ★", "U+2605"),
        ("a price of 5 €", "U+20AC"),
        ("bell \x07 rings", "U+0007"),
        ("broken \ufffd character", "U+FFFD"),
        ("-- !", "it has no letters or digits"),
        ("word " * 10_000, "longer"),
    ],
)
def test_plain_text_dataset_rejects_a_line_and_says_why(line: str, why: str) -> None:
    """The other lines are kept, and the rejection names the line's number."""
    report = read_dataset("Language", f"first\n\n{line}\nlast".encode())
    assert (report.accepted_line_count, report.rejected_line_count, report.error) == (2, 1, None)
    assert report.texts == ["first", "last"]
    assert report.rejected[0].where == "3"
    assert why in report.rejected[0].reason


@pytest.mark.parametrize("line", ["aaa", "yeah yeah yeah", "10000 metres", "no no yes no no yes no no yes"])
def test_plain_text_dataset_accepts_what_comes_at_most_three_times(line: str) -> None:
    """Three repetitions are allowed, and the digits of a number are not repetitions."""
    assert read_dataset("Language", line.encode()).accepted_line_count == 1


@pytest.mark.parametrize("nothing", [b"", BOM, b"\n \n\t\n", b"aaaa\n"])
def test_plain_text_dataset_fails_when_nothing_can_be_used(nothing: bytes) -> None:
    """An import without one accepted line is a failed one."""
    report = read_dataset("Language", nothing)
    assert report.error is not None
    assert report.error.code == "DataImportFailed"


def test_plain_text_dataset_counts_every_rejection_but_lists_only_the_first_thousand() -> None:
    """A hostile file cannot make the report as large as itself."""
    report = read_dataset("Language", b"good\n" + b"aaaa\n" * 1_500)
    assert report.rejected_line_count == 1_500
    assert len(report.rejected) == 1_000
    assert report.rejected[0] == Rejection("2", report.rejected[0].reason)


@pytest.mark.parametrize(("tier", "error"), [("F0", "QuotaViolation"), ("S0", "DataImportFailed")])
def test_plain_text_dataset_may_be_larger_than_200_mb_on_the_paid_tier_only(
    tier: str, error: str, tmp_path: Path
) -> None:
    """The size alone decides on F0; on S0 the file is read, and one line of zeros is too long."""
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(200 * 1024 * 1024 + 1)
    with open_inside(tmp_path, large) as opened:
        report = read_dataset("Language", opened, tier)
    assert report.error is not None
    assert report.error.code == error


def test_plain_text_dataset_is_read_from_a_file_as_from_bytes(tmp_path: Path) -> None:
    """A file and its bytes give the same report."""
    file = tmp_path / "text.txt"
    file.write_bytes(b"one\naaaa\n")
    with open_inside(tmp_path, file) as opened:
        assert read_dataset("Language", opened) == read_dataset("Language", b"one\naaaa\n")


def test_open_below_refuses_what_is_no_file_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "folder" / "inner").mkdir()
    for name in ("", "inner", "missing", "../secret.txt"):
        with pytest.raises((OSError, ValueError)):
            open_inside(tmp_path / "folder", tmp_path / "folder" / name)


@given(st.lists(st.text(max_size=40), max_size=20))
def test_plain_text_dataset_counts_each_line_that_is_not_blank_exactly_once(lines: list[str]) -> None:
    """Accepted and rejected lines add up to the lines of the file."""
    text = "\n".join(lines).encode("utf-8", "ignore")
    report = read_dataset("Language", b"start\n" + text)
    universal = text.decode().replace("\r\n", "\n").replace("\r", "\n")
    assert report.accepted_line_count + report.rejected_line_count == 1 + sum(
        bool(line.strip()) for line in universal.split("\n")
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("so no no no no more", "it repeats 'no' 4 times; at most 3 are accepted"),
        ("one two one two one two one two", "it repeats 'one two' 4 times; at most 3 are accepted"),
        ("aaaah", "it repeats 'a' 4 times; at most 3 are accepted"),
    ],
)
def test_plain_text_dataset_says_what_a_line_repeats(line: str, reason: str) -> None:
    assert read_dataset("Language", f"good\n{line}".encode()).rejected == [Rejection("2", reason)]
