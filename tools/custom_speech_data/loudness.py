"""Recordings that are silent or clipped: the service takes them, but they teach a model nothing, or the wrong thing."""

import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

from custom_speech_data.findings import Findings, Unusable
from custom_speech_data.report import Rejection
from custom_speech_data.wav import read_duration
from custom_speech_data.zip_archive import open_archive, open_file, usable_files

EXAMINED_BYTES = 256 * 1024
"""The beginning of a recording that is examined: 8 s at 16 kHz."""

_STEP = 16
"""Every sixteenth sample is looked at: silence and clipping last longer, and 2,000 recordings take a second."""

SILENT_PEAK = 100
"""Of 32,767; below it nothing can be heard."""

CLIPPED_SHARE = 0.001
"""Share of samples at the limit from which a recording counts as clipped."""

LARGEST, SMALLEST = 32_767, -32_768


def loudness_faults(archive_file: Path) -> Iterator[Rejection]:
    """Return the recordings of an archive that are silent or clipped; raises ImportFailed for no archive."""
    with open_archive(archive_file) as archive:
        for entry in usable_files(archive, Findings()).values():
            try:
                with open_file(archive, entry) as stream:
                    read_duration(stream, entry.file_size)  # stops where the samples begin
                    reason = loudness_fault(stream.read(EXAMINED_BYTES))
            except Unusable:
                continue
            if reason:
                yield Rejection(entry.orig_filename, reason)


def loudness_fault(sound: bytes) -> str | None:
    """Return what is wrong with 16-bit samples, None where nothing is."""
    samples = array("h", sound[: len(sound) // 2 * 2])[::_STEP]
    if sys.byteorder == "big":
        samples.byteswap()
    if not samples:
        return None
    highest, lowest = max(samples), min(samples)
    if max(highest, -lowest) < SILENT_PEAK:
        return "it is silent"
    at_limit = samples.count(LARGEST) + samples.count(SMALLEST)
    if at_limit / len(samples) > CLIPPED_SHARE:
        return f"it is clipped: {at_limit / len(samples):.1%} of its samples are at the limit"
    return None
