"""A dataset of recordings (kinds Acoustic and AudioFiles) …"""

import pytest

from custom_speech_data import read_dataset
from custom_speech_data.dataset_report import AudioFile, DatasetReport
from support.recordings import wav, zipped


def rejected(report: DatasetReport) -> dict[str, str]:
    """Why each file or line was rejected."""
    return dict(report.rejected)


def test_audio_dataset_pairs_each_recording_with_its_line_of_the_transcript() -> None:
    """The durations come from the headers, the texts from the transcript."""
    report = read_dataset(
        "Acoustic", zipped({"a.wav": wav(1.5), "b.wav": wav(2, 8_000), "trans.txt": "a.wav\thello\nb.wav\tgood day\n"})
    )
    assert report.audio == [AudioFile("a.wav", 1500, "hello"), AudioFile("b.wav", 2000, "good day")]
    assert report.texts == ["hello", "good day"]
    assert (report.accepted_line_count, report.rejected_line_count, report.duration_milliseconds) == (2, 0, 3500)


def test_audio_dataset_needs_no_transcript_as_audio_files() -> None:
    """Each recording counts as a line."""
    report = read_dataset("AudioFiles", zipped({"a.wav": wav(1), "b.WAV": wav(3)}))
    assert report.audio == [AudioFile("a.wav", 1000), AudioFile("b.WAV", 3000)]
    assert (report.accepted_line_count, report.texts) == (2, [])


def test_audio_dataset_rejects_a_recording_without_a_line_and_a_line_without_a_recording() -> None:
    """Both halves of a missing pair are named."""
    report = read_dataset(
        "Acoustic", zipped({"a.wav": wav(), "b.wav": wav(), "trans.txt": "a.wav\thello\nc.wav\tlost"})
    )
    assert report.accepted_line_count == 1
    assert "no line" in rejected(report)["b.wav"]
    assert "does not contain it" in rejected(report)["c.wav"]


@pytest.mark.parametrize(
    ("line", "where", "why"),
    [
        ("b.wav hello", "2", "a tab"),
        ("\thello", "2", "a tab"),
        ("a.wav\tagain", "2", "earlier line"),
        ("b.wav\t", "b.wav", "it has no letters or digits"),
        ("b.wav\tyeah yeah yeah yeah", "b.wav", "repeats"),
        ("b.wav\tfive ★", "b.wav", "U+2605"),
    ],
)
def test_audio_dataset_rejects_a_line_of_the_transcript_and_says_why(line: str, where: str, why: str) -> None:
    """A line without a file is named by its number, the others by their file."""
    report = read_dataset("Acoustic", zipped({"a.wav": wav(), "b.wav": wav(), "trans.txt": f"a.wav\thello\n{line}"}))
    assert [audio.name for audio in report.audio] == ["a.wav"]
    assert why in rejected(report)[where]


@pytest.mark.parametrize("name", ["trans.txt", "Transcript.TXT", "lines.tsv", "inner/trans.txt"])
def test_audio_dataset_finds_the_transcript_by_its_name_or_as_the_only_text(name: str) -> None:
    """Folders and case do not matter."""
    report = read_dataset("Acoustic", zipped({"inner/A.wav": wav(), name: "a.WAV\thello"}))
    assert report.audio == [AudioFile("A.wav", 1000, "hello")]


@pytest.mark.parametrize("texts", [{}, {"one.txt": "a.wav\thello", "two.txt": "a.wav\thello"}])
def test_audio_dataset_fails_without_one_transcript(texts: dict[str, str]) -> None:
    """None, or several to choose from, fail the import."""
    error = read_dataset("Acoustic", zipped({"a.wav": wav()} | texts)).error
    assert error is not None
    assert f"{len(texts)} text files" in error.message


def test_audio_dataset_fails_when_the_transcript_is_not_utf_8() -> None:
    """The transcript obeys the rule for text."""
    error = read_dataset("Acoustic", zipped({"a.wav": wav(), "trans.txt": "a.wav\thello".encode("utf-16")})).error
    assert error is not None
    assert error.code == "NoUtf8WithBom"


def test_audio_dataset_passes_over_folders_and_what_macos_adds() -> None:
    """They are nobody's mistake."""
    content = zipped({"set/": "", "set/a.wav": wav(), "__MACOSX/set/._a.wav": "x", "set/.DS_Store": "x"})
    report = read_dataset("AudioFiles", content)
    assert (report.accepted_line_count, report.rejected_line_count) == (1, 0)


def test_audio_dataset_rejects_what_is_neither_recording_nor_transcript() -> None:
    """An archive within the archive is not opened."""
    files = {"a.wav": wav(), "more.zip": zipped({"b.wav": wav()}), "song.mp3": "x", "notes.txt": "x"}
    report = read_dataset("AudioFiles", zipped(files))
    assert report.accepted_line_count == 1
    assert set(rejected(report)) == {"more.zip", "song.mp3", "notes.txt"}
    assert "archive within an archive" in rejected(report)["more.zip"]


def test_audio_dataset_trains_with_the_sound_of_up_to_forty_seconds() -> None:
    """A longer recording is accepted, as it serves for tests and its transcript for training."""
    report = read_dataset("AudioFiles", zipped({"a.wav": wav(40), "b.wav": wav(40.5)}))
    assert [audio.trains for audio in report.audio] == [True, False]
