"""Recordings that are silent or clipped: the service takes them, but they teach a model nothing, or the wrong thing."""

import sys
from array import array
from collections.abc import Iterator

from custom_speech_data.content import Content
from custom_speech_data.dataset_report import DatasetReport, Rejection, Unusable
from custom_speech_data.wav import read_sound
from custom_speech_data.zip_archive import open_archive, open_file, usable_files

EXAMINED_BYTES = 256 * 1024  # the beginning of a recording: 8 s at 16 kHz
SILENT_PEAK = 0.003  # of the largest value; below it nothing can be heard
CLIPPED_SHARE = 0.001  # share of samples at the limit from which a recording counts as clipped

# The largest and the smallest value of a sample, by type code of `array`.
LIMITS: dict[str, tuple[float, float]] = {"h": (2**15 - 1, -(2**15)), "i": (2**31 - 1, -(2**31)), "f": (1.0, -1.0)}


def loudness_faults(content: Content) -> Iterator[Rejection]:
    """Return the recordings of an archive that are silent or clipped; raises ImportFailed for no archive."""
    with open_archive(content) as archive:
        for entry in usable_files(archive, DatasetReport()).values():
            try:
                with open_file(archive, entry) as stream:
                    sound = read_sound(stream, entry.file_size)  # stops where the samples begin
                    if reason := loudness_fault(stream.read(EXAMINED_BYTES), sound.sample):
                        yield Rejection(entry.orig_filename, reason)
            except Unusable:
                continue


def loudness_fault(sound: bytes, sample: str) -> str | None:
    """Return the fault of a recording's beginning, None for a good one; `sample` is a type code of `array`."""
    whole = array(sample)
    whole.frombytes(sound[: len(sound) // whole.itemsize * whole.itemsize])
    # Every sixteenth is enough: silence and clipping last longer, and 2,000 recordings take a second.
    samples, (largest, smallest) = whole[::16], LIMITS[sample]
    if sys.byteorder == "big":
        samples.byteswap()
    if not samples:
        return None
    highest, lowest = max(samples), min(samples)
    if max(highest, -lowest) < SILENT_PEAK * largest:
        return "it is silent"
    if highest < largest and lowest > smallest:
        return None
    share = sum(value >= largest or value <= smallest for value in samples) / len(samples)
    return f"it is clipped: {share:.1%} of its samples are at the limit" if share > CLIPPED_SHARE else None
