"""Duration and format of WAV files, read from the header alone.

The standard library's `wave` refuses WAVE_FORMAT_EXTENSIBLE on Python 3.11, hence this small RIFF reader.
"""

import struct
from typing import IO

from custom_speech_data.findings import Unusable

LONGEST_HEADER = 4 * 1024 * 1024
"""Bytes of metadata before the sound that are skipped; a guess, it bounds the work for each file."""
LONGEST_FORMAT = 1024
LONGEST_AUDIO = 2 * 60 * 60 * 1000
"""Milliseconds (page on test and train data)."""

RIFF_BYTES, CHUNK_BYTES = 12, 8
PCM, EXTENSIBLE = 0x0001, 0xFFFE
PCM_IN_EXTENSIBLE = bytes.fromhex("0100000000001000800000aa00389b71")
BYTES_PER_SAMPLE = 2


def read_duration(stream: IO[bytes], size: int) -> int:
    """Return the milliseconds of sound in a WAV of `size` bytes; raises Unusable.

    Where a header claims more than there is (a cut file, or one written to a pipe), what is there counts.
    """
    riff = _read(stream, RIFF_BYTES)
    if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        raise Unusable("it is no RIFF WAV file")
    rate, position = None, RIFF_BYTES
    while position < LONGEST_HEADER:
        chunk = _read(stream, CHUNK_BYTES)
        kind, length = chunk[:4], int.from_bytes(chunk[4:], "little")
        position += CHUNK_BYTES
        if kind == b"data":
            return _duration(min(length, size - position), rate)
        padded = length + length % 2
        if kind == b"fmt ":
            rate = _sample_rate(_read(stream, min(padded, LONGEST_FORMAT)))
            _skip(stream, padded - min(padded, LONGEST_FORMAT))
        else:  # metadata, such as LIST, bext or iXML, which may be large
            _skip(stream, padded)
        position += padded
    raise Unusable(f"its first {LONGEST_HEADER} bytes hold no sound")


def _duration(length: int, rate: int | None) -> int:
    if rate is None:
        raise Unusable("its sound comes before its format")
    duration = length // BYTES_PER_SAMPLE * 1000 // rate
    if duration <= 0:
        raise Unusable("it holds no sound")
    if duration > LONGEST_AUDIO:
        raise Unusable("it is longer than two hours")
    return duration


def _sample_rate(body: bytes) -> int:
    """Return the samples per second of a format chunk, if it is one that the service takes."""
    if len(body) < struct.calcsize("<HHIIHH"):
        raise Unusable("its format is cut off")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag != PCM and not (tag == EXTENSIBLE and body[24:40] == PCM_IN_EXTENSIBLE):
        raise Unusable("it is not PCM")
    if (bits, channels) != (8 * BYTES_PER_SAMPLE, 1) or rate not in (8_000, 16_000):
        raise Unusable(f"it has {bits} bit, {channels} channels, {rate} Hz; wanted: 16 bit, 1, 8000 or 16000 Hz")
    return int(rate)


def _skip(stream: IO[bytes], length: int) -> None:
    while length > 0:
        part = len(stream.read(min(length, 64 * 1024)))
        if not part:
            raise Unusable("it ends within its header")
        length -= part


def _read(stream: IO[bytes], length: int) -> bytes:
    body = stream.read(length)
    if len(body) < length:
        raise Unusable("it ends within its header")
    return body
