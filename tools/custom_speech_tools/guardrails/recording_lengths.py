"""Lengths of recordings (rule recording-length): training uses the sound of those up to 40 s, 30 s for Whisper.

Of a longer one only its transcript counts; if all are longer, the training fails (page on test and train data). For
testing up to two hours is fine. The service states only the sum of a dataset, so uploads note the rest in its
`customProperties`; of other datasets only the average is known.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from custom_speech_tools.speech import schemas

LENGTH_PROPERTY = "custom-speech-mcp-recordings"  # the name of the note in a dataset's `customProperties`

LONGEST_SECONDS, LONGEST_WHISPER_SECONDS = 40, 30
_NOTE = re.compile(r"count=(\d{1,9}) over30=(\d{1,9}) used30=(\d{1,9}) over40=(\d{1,9}) used40=(\d{1,9})")


class RecordingLengths(NamedTuple):
    """The recordings of a dataset, and how many of them are longer than training takes."""

    total: int
    too_long: int
    used_seconds: float


def note_lengths(milliseconds: Iterable[int]) -> str:
    """Return the note that a dataset carries."""
    lengths = sorted(milliseconds)
    parts = [f"count={len(lengths)}"]
    for limit in (LONGEST_WHISPER_SECONDS, LONGEST_SECONDS):
        used = [length for length in lengths if length <= limit * 1000]
        parts.append(f"over{limit}={len(lengths) - len(used)} used{limit}={sum(used) // 1000}")
    return " ".join(parts)


def lengths_of(dataset: schemas.Dataset, longest: int = LONGEST_SECONDS) -> RecordingLengths:
    """Return what is known of a dataset's recordings; a note that contradicts the service's sum is not believed."""
    total, count = dataset.audio_seconds, dataset.lines or 0
    note = _NOTE.fullmatch((dataset.custom_properties or {}).get(LENGTH_PROPERTY, ""))
    if note:
        numbers = list(map(int, note.groups()))
        over, used = numbers[3:] if longest == LONGEST_SECONDS else numbers[1:3]
        if over <= numbers[0] and used <= total + 1 and (total - used >= over * longest - 1):
            return RecordingLengths(numbers[0], over, used if over else total)
    return RecordingLengths(1, 1, 0.0) if count == 1 and total > longest else RecordingLengths(count, 0, total)
