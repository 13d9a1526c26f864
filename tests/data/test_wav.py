"""A WAV …"""

import contextlib
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_data.dataset_report import Unusable
from custom_speech_data.wav import read_sound
from support.recordings import chunk, extensible, pcm, riff, wav

SECOND = bytes(32_000)
"""A second of silence at 16 kHz."""
FORMAT = chunk(b"fmt ", pcm())


def duration(content: bytes) -> int:
    """The milliseconds of a WAV in memory."""
    return read_sound(io.BytesIO(content), len(content)).milliseconds


@pytest.mark.parametrize(
    "content",
    [
        riff(FORMAT, chunk(b"data", SECOND)),
        riff(chunk(b"fmt ", extensible()), chunk(b"data", SECOND)),
        riff(chunk(b"LIST", b"INFO odd"), FORMAT, chunk(b"fact", b"\0\0\0\0"), chunk(b"data", SECOND)),
        riff(chunk(b"junk", b"odd"), FORMAT, chunk(b"data", SECOND), chunk(b"LIST", b"after the sound")),
    ],
)
def test_wav_is_as_long_as_its_sound_chunk(content: bytes) -> None:
    """The extensible form and chunks of other kinds, of odd length too, are read past."""
    assert duration(content) == 1000


@pytest.mark.parametrize(("bits", "tag", "sample"), [(16, 1, "h"), (32, 1, "i"), (32, 3, "f")])
def test_wav_may_have_32_bit_samples_as_recorded_live(bits: int, tag: int, sample: str) -> None:
    content = riff(chunk(b"fmt ", pcm(bits=bits, tag=tag)), chunk(b"data", bytes(16_000 * bits // 8)))
    assert read_sound(io.BytesIO(content), len(content)) == (1000, sample)


@pytest.mark.parametrize("claim", [64_000, 0xFFFFFFFF])
def test_wav_is_as_long_as_what_is_there_when_its_header_claims_more(claim: int) -> None:
    """A cut file, or one that was written to a pipe, has the sound that it has."""
    assert duration(riff(FORMAT, b"data" + struct.pack("<I", claim) + SECOND)) == 1000


@pytest.mark.parametrize("kind", [b"LIST", b"bext", b"iXML", b"id3 "])
def test_wav_may_have_large_metadata_before_its_sound(kind: bytes) -> None:
    assert duration(riff(chunk(kind, bytes(1_000_000)), FORMAT, chunk(b"data", SECOND))) == 1000


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "ends within"),
        (wav()[:30], "ends within"),
        (wav()[:40], "ends within"),
        (b"RIFX" + wav()[4:], "RIFF"),
        (b"ID3\x04" + bytes(100), "RIFF"),
        (riff(FORMAT), "ends within"),
        (riff(FORMAT, chunk(b"data", b"")), "no sound"),
        (riff(chunk(b"data", SECOND), FORMAT), "before its format"),
        (riff(chunk(b"fmt ", b"\1\0"), chunk(b"data", SECOND)), "incomplete"),
        (riff(b"LIST\xff\xff\xff\xff", FORMAT, chunk(b"data", SECOND)), "ends within"),
        (riff(chunk(b"fmt ", pcm(44_100)), chunk(b"data", SECOND)), "44100 Hz"),
        (riff(chunk(b"fmt ", pcm(channels=2)), chunk(b"data", SECOND)), "2 channels"),
        (riff(chunk(b"fmt ", pcm(bits=8)), chunk(b"data", SECOND)), "8 bit"),
        (riff(chunk(b"fmt ", pcm(bits=24)), chunk(b"data", SECOND)), "24 bit"),
        (riff(chunk(b"fmt ", pcm(bits=64, tag=3)), chunk(b"data", SECOND)), "64 bit"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS pointer"),
        (riff(chunk(b"fmt ", pcm(tag=7)), chunk(b"data", SECOND)), "not PCM"),
        (riff(chunk(b"fmt ", extensible(guid=bytes(16))), chunk(b"data", SECOND)), "not PCM"),
    ],
)
def test_wav_is_refused_with_a_reason(content: bytes, why: str) -> None:
    """PCM of 16 or 32 bit or 32-bit float, mono, 8 or 16 kHz, and a header that leads to sound."""
    with pytest.raises(Unusable, match=why):
        duration(content)


def test_wav_is_two_hours_long_at_most() -> None:
    """The header is enough to see it."""
    hours = 2 * 60 * 60 * 32_000
    header = io.BytesIO(riff(FORMAT, b"data\xff\xff\xff\xff"))
    assert read_sound(header, header.getbuffer().nbytes + hours).milliseconds == 7_200_000
    header.seek(0)
    with pytest.raises(Unusable, match="two hours"):
        read_sound(header, header.getbuffer().nbytes + hours + 32)


@given(st.binary(max_size=200), st.booleans())
def test_wav_has_a_duration_or_a_reason_whatever_its_bytes(tail: bytes, whole: bool) -> None:
    """A lying header raises nothing else and never gives more sound than there are bytes."""
    content = (wav(0)[:36] if whole else b"RIFF\0\0\0\0WAVE") + tail
    with contextlib.suppress(Unusable):
        assert 0 < duration(content) <= len(content) * 1000 // 2 // 8_000 + 1
