"""The result of importing a dataset."""

from dataclasses import dataclass
from typing import NamedTuple

LONGEST_TRAINING_AUDIO = 40_000
"""Milliseconds; of a longer file only the transcript is trained (page on test and train data)."""


class Rejection(NamedTuple):
    """A line or file that was left out: `where` is a line number or a file name."""

    where: str
    reason: str


class DatasetError(NamedTuple):
    """The reason why the whole import failed, as in a dataset's `properties.error`."""

    code: str
    message: str


class AudioFile(NamedTuple):
    """A recording that was accepted; `transcript` is None in a dataset of kind AudioFiles."""

    name: str
    duration_milliseconds: int
    transcript: str | None = None
    has_documented_format: bool = True
    """False for 32-bit samples, which the service takes although its documentation names 16 bit."""

    @property
    def trains(self) -> bool:
        """True if its sound, not only its transcript, can be used for training."""
        return self.duration_milliseconds <= LONGEST_TRAINING_AUDIO


@dataclass(frozen=True)
class DatasetReport:
    """Accepted and rejected content; with an `error` nothing was accepted.

    The counts are exact; `rejected` and `texts` keep only the first so many (see `Findings`).
    """

    accepted_line_count: int = 0
    rejected_line_count: int = 0
    duration_milliseconds: int = 0
    rejected: tuple[Rejection, ...] = ()
    error: DatasetError | None = None
    texts: tuple[str, ...] = ()
    audio: tuple[AudioFile, ...] = ()
