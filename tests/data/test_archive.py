"""A hostile zip archive …"""

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_data import read_dataset
from custom_speech_data.dataset_report import DatasetReport
from custom_speech_data.file_access import Content, open_inside
from support.recordings import wav, zipped

GOOD = {"a.wav": wav(), "trans.txt": "a.wav\thello"}
CENTRAL = b"PK\1\2"
END = b"PK\5\6"


def patched(content: bytes, signature: bytes, offset: int, new: bytes) -> bytes:
    """The archive with some bytes of its first record of a kind replaced."""
    at = content.index(signature) + offset
    return content[:at] + new + content[at + len(new) :]


def message(content: Content, kind: str = "AudioFiles") -> str:
    """Why the import failed."""
    error = read_dataset(kind, content).error
    assert error is not None
    return error.message


def only_reason(report: DatasetReport) -> str:
    """The reason of the one rejection, beside one accepted recording."""
    assert (report.accepted_line_count, report.rejected_line_count) == (1, 1)
    return report.rejected[0].reason


@pytest.mark.parametrize(
    "name",
    ["../b.wav", "x/../../b.wav", "/etc/b.wav", "C:/b.wav", "c:b.wav", "..\\b.wav", "\\\\host\\b.wav", "b\x07.wav"],
)
def test_zip_archive_has_a_file_rejected_whose_name_leads_out(name: str) -> None:
    """Parents, roots, drives, backslashes and control characters are not followed."""
    report = read_dataset("AudioFiles", zipped({"a.wav": wav(), name: wav()}))
    assert "leads out" in only_reason(report)
    assert report.rejected[0].where == name


def test_zip_archive_has_a_name_rejected_that_hides_its_end_behind_a_nul() -> None:
    """What stands after the NUL would be cut off silently."""
    content = zipped({"a.wav": wav(), "b.wav_.txt": wav()}).replace(b"b.wav_.txt", b"b.wav\0.txt")
    assert "leads out" in only_reason(read_dataset("AudioFiles", content))


def test_zip_archive_has_a_file_without_a_name_rejected() -> None:
    """Python 3.11 itself stumbles over an empty name."""
    content = zipped({"a.wav": wav(), "unnamed": wav()}).replace(b"unnamed", bytes(7))
    assert "leads out" in only_reason(read_dataset("AudioFiles", content))


def test_zip_archive_has_the_second_of_two_files_of_one_name_rejected() -> None:
    """In other folders and other case too, as the transcript could mean either."""
    report = read_dataset("AudioFiles", zipped([("a.wav", wav()), ("x/A.WAV", wav())]))
    assert "an earlier file of that name" in only_reason(report)


def test_zip_archive_fails_when_it_is_encrypted() -> None:
    """There is no password to read it with."""
    content = patched(zipped(GOOD), CENTRAL, 8, b"\1\0")
    assert "encrypted" in message(content, "Acoustic")


@pytest.mark.parametrize("content", [b"", b"no zip at all", wav(), zipped(GOOD)[:-30], END + bytes(18)])
def test_zip_archive_fails_when_it_is_none(content: bytes) -> None:
    """No directory, or an empty one, is a failed import."""
    assert message(content)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_archive_has_a_file_rejected_that_is_not_deflated(method: int) -> None:
    """Other methods can ask for gigabytes of memory before they give a byte."""
    buffer = io.BytesIO(zipped({"a.wav": wav()}))
    with zipfile.ZipFile(buffer, "a", method) as archive:
        archive.writestr("b.wav", wav())
    assert "deflate" in only_reason(read_dataset("AudioFiles", buffer.getvalue()))


def test_zip_archive_has_a_damaged_file_rejected() -> None:
    """The others are read."""
    files = zipped({"b.wav": wav(), "a.wav": wav()})
    body = files.index(b"b.wav") + len(b"b.wav")
    assert "damaged" in only_reason(read_dataset("AudioFiles", files[:body] + b"\xff" * 8 + files[body + 8 :]))


def test_zip_archive_fails_when_its_transcript_is_damaged() -> None:
    """A wrong checksum is found as the transcript is read to its end."""
    content = patched(zipped({"trans.txt": "a.wav\thello", "a.wav": wav()}), CENTRAL, 16, b"\0\0\0\0")
    assert "transcript cannot be read" in message(content, "Acoustic")


def test_zip_archive_has_a_file_rejected_that_declares_more_than_deflate_can_make() -> None:
    """Else a lie in the directory would become hours of sound."""
    content = patched(zipped({"b.wav": wav(), "a.wav": wav()}), CENTRAL, 24, struct.pack("<I", 500_000_000))
    assert "size is implausible" in only_reason(read_dataset("AudioFiles", content))


def test_zip_archive_fails_when_it_would_unpack_to_far_more_than_it_is() -> None:
    """It may declare 1 GiB, or a hundred times its own size if that is more."""
    content = patched(zipped({"a.wav": wav()}), CENTRAL, 24, struct.pack("<I", 2 * 1024**3))
    assert "an implausible size" in message(content)


def test_zip_archive_fails_when_its_transcript_is_a_bomb() -> None:
    """Text does not compress a hundredfold."""
    content = zipped({"a.wav": wav(), "trans.txt": b"\n" * (8 * 1024 * 1024)})
    assert "an implausible size" in message(content, "Acoustic")


def test_zip_archive_fails_when_its_files_share_their_bytes() -> None:
    """Entries that overlap are how a small archive holds much."""
    content = patched(zipped({"a.wav": wav()}), CENTRAL, 20, struct.pack("<I", 1_000_000))
    assert "overlap" in message(content)


def test_zip_archive_fails_with_more_than_ten_thousand_files() -> None:
    """Ten thousand are read; the next one is one too many."""
    files = {f"{number}.wav": wav(0.001) for number in range(10_000)}
    assert read_dataset("AudioFiles", zipped(files)).accepted_line_count == 10_000
    assert "10000 files" in message(zipped(files | {"one.wav": wav()}))


def test_zip_archive_fails_when_it_is_larger_than_two_gigabytes(tmp_path: Path) -> None:
    """The size is looked at before anything is read."""
    large = tmp_path / "large.zip"
    with large.open("wb") as file:
        file.truncate(2 * 1024**3 + 1)
    with open_inside(tmp_path, large) as opened:
        error = read_dataset("Acoustic", opened).error
    assert error is not None
    assert error.code == "QuotaViolation"


def test_zip_archive_has_no_directory_of_a_gigabyte_in_memory(tmp_path: Path) -> None:
    """The directory is refused for the length it claims, before it is read."""
    huge = tmp_path / "huge.zip"
    with huge.open("wb") as file:
        file.truncate(1024**3)
        file.seek(0, io.SEEK_END)
        file.write(struct.pack("<4sHHHHIIH", END, 0, 0, 1, 1, 1024**3, 0, 0))
    tracemalloc.start()
    try:
        with open_inside(tmp_path, huge) as opened:
            assert "not a zip archive" in message(opened)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024**2
    finally:
        tracemalloc.stop()


@given(st.data())
def test_zip_archive_gives_a_report_whichever_bytes_are_wrong(data: st.DataObject) -> None:
    """Any few bytes of a good archive may be changed, or its end cut off."""
    content = bytearray(zipped(GOOD))
    places = st.integers(0, len(content) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        content[place] = value
    end = data.draw(st.integers(0, 40))
    report = read_dataset("Acoustic", bytes(content[: len(content) - end]))
    assert (report.error is None) == (report.accepted_line_count > 0)
