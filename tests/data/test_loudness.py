"""Recordings that are silent or clipped."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_data.recordings import loudness_problem, loudness_problems
from support.recordings import chunk, pcm, riff, zipped


def samples(*values: int) -> bytes:
    """Return 16-bit samples."""
    return struct.pack(f"<{len(values)}h", *values)


@pytest.mark.parametrize(
    ("sound", "fault"),
    [
        (samples(*[1_000, -1_000] * 500), None),
        (samples(*[20, -20] * 500), "it is silent"),
        (samples(*[32_767] * 160, *[200] * 1_440), "it is clipped: 10.0% of its samples are at the limit"),
        (b"", None),
        (b"\x00", None),
    ],
)
def test_loudness_of_samples(sound: bytes, fault: str | None) -> None:
    assert loudness_problem(sound, "h") == fault


@given(st.binary(max_size=2_000))
def test_loudness_of_any_bytes_raises_nothing(sound: bytes) -> None:
    assert all(loudness_problem(sound, sample) is None or sound for sample in "hif")


def test_loudness_names_the_recordings_of_an_archive() -> None:
    """Files that are no recordings are left to the check of the format."""
    loud = riff(chunk(b"fmt ", pcm()), chunk(b"data", samples(*[1_000, -1_000] * 8_000)))
    silent = riff(chunk(b"fmt ", pcm()), chunk(b"LIST", bytes(5)), chunk(b"data", bytes(32_000)))
    content = zipped({"loud.wav": loud, "silent.wav": silent, "broken.wav": b"RIFF", "trans.txt": "x\ty"})

    assert list(loudness_problems(content)) == [("silent.wav", "it is silent")]
