"""Data sets as other systems write them: macOS, Windows, editors with metadata."""

import io
import unicodedata
import zipfile

import pytest

from custom_speech_data import read_dataset
from support.recordings import wav, zipped

NAME = "grüße.wav"


@pytest.mark.parametrize("in_archive", ["NFC", "NFD"])
@pytest.mark.parametrize("in_transcript", ["NFC", "NFD"])
def test_recordings_match_their_transcripts_in_either_unicode_form(in_archive: str, in_transcript: str) -> None:
    """macOS decomposes file names."""
    line = unicodedata.normalize(in_transcript, NAME) + "\tguten tag\n"
    content = zipped({"trans.txt": line.encode(), unicodedata.normalize(in_archive, NAME): wav()})

    report = read_dataset("Acoustic", content)

    assert (report.accepted_line_count, report.rejected_line_count, report.error) == (1, 0, None)


def powershell_archive() -> bytes:
    """Return an archive as PowerShell 5.1 writes it: backslashes between folders."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {"audio/trans.txt": b"a.wav\tone\n", "audio/a.wav": wav()}.items():
            entry = zipfile.ZipInfo(name)
            entry.filename = entry.orig_filename = name.replace("/", "\\")
            archive.writestr(entry, content)
    return buffer.getvalue()


def test_archive_with_backslashes_is_read() -> None:
    report = read_dataset("Acoustic", powershell_archive())

    assert (report.accepted_line_count, report.rejected_line_count, report.error) == (1, 0, None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["one line of text\n", "größe und gewicht\n"])
def test_utf_16_is_named_as_such_with_and_without_a_mark(encoding: str, text: str) -> None:
    report = read_dataset("Language", text.encode(encoding))

    assert report.error is not None
    assert report.error.code == "NoUtf8WithBom"
    assert "UTF-16" in report.error.message
