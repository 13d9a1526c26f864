"""Lengths of recordings (rule recording-length).

Training uses the sound of recordings up to 40 s, or 30 s for Whisper, and only the transcripts of longer recordings. If
all are longer, the training fails (page on test and train data). The service states only the total length of a dataset,
so uploads store the distribution in its `customProperties`. For others only the average is known.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from custom_speech_tools.speech import schemas

LENGTH_PROPERTY = "custom-speech-mcp-recordings"  # in the `customProperties` of a dataset

LONGEST_SECONDS, LONGEST_WHISPER_SECONDS = 40, 30
CUT_RECORDINGS = (
    f"For training, cut long recordings into parts of at most {LONGEST_SECONDS} s ({LONGEST_WHISPER_SECONDS} s for "
    "Whisper base models) with their transcripts. For testing up to two hours is fine."
)
_NOTE = re.compile(r"count=(\d{1,9}) over30=(\d{1,9}) used30=(\d{1,9}) over40=(\d{1,9}) used40=(\d{1,9})")


class RecordingLengths(NamedTuple):
    """Statistics of the recordings of a dataset; `used_seconds` excludes recordings that are too long for training."""

    total: int
    too_long: int
    used_seconds: float


def note_lengths(milliseconds: Iterable[int]) -> str:
    """Return the value of LENGTH_PROPERTY for recordings of these durations."""
    lengths = sorted(milliseconds)
    parts = [f"count={len(lengths)}"]
    for limit in (LONGEST_WHISPER_SECONDS, LONGEST_SECONDS):
        used = [length for length in lengths if length <= limit * 1000]
        parts.append(f"over{limit}={len(lengths) - len(used)} used{limit}={sum(used) // 1000}")
    return " ".join(parts)


def lengths_of(dataset: schemas.Dataset, longest: int = LONGEST_SECONDS) -> RecordingLengths:
    """Return the lengths from LENGTH_PROPERTY, unless they contradict the service's total, or else an estimate."""
    total, count = dataset.audio_seconds, dataset.lines or 0
    note = _NOTE.fullmatch((dataset.custom_properties or {}).get(LENGTH_PROPERTY, ""))
    if note:
        numbers = list(map(int, note.groups()))
        over, used = numbers[3:] if longest == LONGEST_SECONDS else numbers[1:3]
        if over <= numbers[0] and used <= total + 1 and (total - used >= over * longest - 1):
            return RecordingLengths(numbers[0], over, used if over else total)
    return RecordingLengths(1, 1, 0.0) if count == 1 and total > longest else RecordingLengths(count, 0, total)


def too_long_message(recordings: str, longest: int = LONGEST_SECONDS, *, are_all: bool) -> str:
    """Return a sentence about recordings, perhaps all of them, that are too long for training."""
    effect = "training with them alone fails" if are_all else "training uses only their transcripts"
    return f"{recordings} are longer than {longest} s: {effect}."
