"""Duration and format of WAV files, read from the header.

The documentation requires 16-bit PCM; the service also imports 32-bit float and 32-bit PCM (recorded live).
The standard library's `wave` rejects WAVE_FORMAT_EXTENSIBLE on Python 3.11, hence this small RIFF reader.
"""

import struct
from typing import IO, NamedTuple

from custom_speech_data.dataset_report import Unusable

MAX_HEADER_BYTES = 4 * 1024 * 1024  # before the audio data; a guess, which bounds the work for each file
MAX_FORMAT_BYTES = 1024
MAX_AUDIO_MILLISECONDS = 2 * 60 * 60 * 1000  # page on test and train data

RIFF_BYTES, CHUNK_BYTES, PART_BYTES = 12, 8, 64 * 1024
PCM, FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
GUID_END = bytes.fromhex("000000001000800000aa00389b71")  # follows the two format bytes of an extensible format
# Type codes of `array` for the formats that the service accepts.
SAMPLES = {(PCM, 16): "h", (PCM, 32): "i", (FLOAT, 32): "f"}

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
LFS_REASON = "it is a Git LFS pointer, not the data; run git lfs pull in the repository that it came from"


class Sound(NamedTuple):
    """The duration and format of a recording; `sample` is a type code of `array`."""

    milliseconds: int
    sample: str


def read_sound(stream: IO[bytes], size: int) -> Sound:
    """Return the duration and format of a WAV file of `size` bytes; raises Unusable."""
    riff = _read(stream, RIFF_BYTES)
    if LFS_POINTER.startswith(riff):
        raise Unusable(LFS_REASON)
    if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        raise Unusable("it is not a RIFF WAV file")
    rate, sample, position = 0, "", RIFF_BYTES
    while position < MAX_HEADER_BYTES:
        chunk = _read(stream, CHUNK_BYTES)
        kind, length = chunk[:4], int.from_bytes(chunk[4:], "little")
        position += CHUNK_BYTES
        if kind == b"data":  # the length is too large in a truncated file, or one written to a pipe
            return _sound(min(length, size - position), rate, sample)
        length += length % 2
        body = b""
        if kind == b"fmt ":
            body = _read(stream, min(length, MAX_FORMAT_BYTES))
            rate, sample = _format(body)
        for skipped in range(len(body), length, PART_BYTES):  # metadata such as LIST, bext or iXML may be large
            _read(stream, min(length - skipped, PART_BYTES))
        position += length
    raise Unusable(f"its first {MAX_HEADER_BYTES} bytes contain no sound")


def _sound(length: int, rate: int, sample: str) -> Sound:
    if not sample:
        raise Unusable("its sound comes before its format")
    milliseconds = length // struct.calcsize(sample) * 1000 // rate
    if milliseconds <= 0:
        raise Unusable("it contains no sound")
    if milliseconds > MAX_AUDIO_MILLISECONDS:
        raise Unusable("it is longer than two hours")
    return Sound(milliseconds, sample)


def _format(body: bytes) -> tuple[int, str]:
    """Return the sampling rate and sample type in a format chunk; raises Unusable for unsupported formats."""
    if len(body) < struct.calcsize("<HHIIHH"):
        raise Unusable("its format is incomplete")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == EXTENSIBLE and body[26:40] == GUID_END:
        tag = int.from_bytes(body[24:26], "little")
    if tag not in (PCM, FLOAT):
        raise Unusable("it is not PCM")
    sample = SAMPLES.get((tag, bits))
    if sample is None or channels != 1 or rate not in (8_000, 16_000):
        raise Unusable(f"it has {bits} bit, {channels} channels, {rate} Hz; required: 16 bit, 1, 8000 or 16000 Hz")
    return rate, sample


def _read(stream: IO[bytes], length: int) -> bytes:
    body = stream.read(length)
    if len(body) < length:
        raise Unusable("it ends within its header")
    return body
