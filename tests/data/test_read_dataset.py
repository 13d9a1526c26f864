"""read_dataset …"""

import builtins
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_data import read_dataset
from custom_speech_data.dataset_kinds import KINDS
from custom_speech_data.dataset_report import DatasetReport
from support.recordings import wav, zipped

ANY_KIND = st.sampled_from(sorted(KINDS)) | st.text(max_size=8)
FORMATTED = st.lists(st.sampled_from(["@", "#", "-", "{", "}", "/", "\t", "\n", " ", "list", "a", "=", "\\", "itn"]))


@given(ANY_KIND, st.binary() | FORMATTED.map(lambda parts: "".join(parts).encode()), st.sampled_from(["F0", "S0"]))
def test_read_dataset_never_raises(kind: str, data: bytes, tier: str) -> None:
    """Whatever the bytes and the kind, there is a report, and it fails if nothing was accepted."""
    report = read_dataset(kind, data, tier)
    assert (report.error is None) == (report.accepted_line_count > 0)
    assert len(report.rejected) == min(report.rejected_line_count, 1_000)


def test_read_dataset_fails_for_a_kind_that_there_is_not() -> None:
    """The error says so."""
    error = read_dataset("Video", b"x").error
    assert error is not None
    assert error.code == "InvalidDataset"


def test_read_dataset_counts_every_line_but_keeps_64_mib_of_texts() -> None:
    """A hundred million short lines would else fill the memory that their file does not."""
    report = DatasetReport()
    for _ in range(100):
        report.accept("x" * 1024**2)
    assert (report.accepted_line_count, len(report.texts)) == (100, 63)


def test_read_dataset_writes_nothing_to_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even for an archive; no file is made, opened for writing or named."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError(arguments)

    content = zipped({"a.wav": wav(), "../b.wav": wav(), "trans.txt": "a.wav\thello"})
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        for owner, name in ((builtins, "open"), (os, "open"), (os, "mkdir"), (Path, "open")):
            patch.setattr(owner, name, refuse)
        report = read_dataset("Acoustic", content)
    assert report.accepted_line_count == 1
    assert list(tmp_path.iterdir()) == []
