"""The report of an import: what was accepted, what was left out and why, or why nothing can be used."""

import sys
from dataclasses import dataclass
from typing import NamedTuple

KEPT_REJECTIONS = 1_000
KEPT_BYTES = 64 * 1024 * 1024
LONGEST_NAME = 200

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


class Unusable(Exception):
    """One line or file cannot be used; its text is the reason."""


class ImportFailed(Exception):
    """The dataset as a whole cannot be used."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = DatasetError(code, message)


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

    The counts are exact; `rejected` and `texts` keep only the first so many (see `ReportBuilder`).
    """

    accepted_line_count: int = 0
    rejected_line_count: int = 0
    duration_milliseconds: int = 0
    rejected: tuple[Rejection, ...] = ()
    error: DatasetError | None = None
    texts: tuple[str, ...] = ()
    audio: tuple[AudioFile, ...] = ()


class ReportBuilder:
    """Counts everything and keeps the first 1,000 rejections and 64 MiB of texts, as they lie in memory.

    So a file of any size is read in bounded memory.
    """

    def __init__(self) -> None:
        self._accepted = self._rejected = self._bytes = 0
        self._rejections: list[Rejection] = []
        self._texts: list[str] = []
        self._audio: list[AudioFile] = []

    def accept(self, text: str = "") -> None:
        """Count one accepted line; `text` is what it teaches a model, if it teaches words."""
        self._accepted += 1
        self._bytes += sys.getsizeof(text)
        if text and self._bytes <= KEPT_BYTES:
            self._texts.append(text)

    def accept_audio(self, file: AudioFile) -> None:
        """Count one accepted recording, and its transcript if it has one."""
        self.accept(file.transcript or "")
        self._audio.append(file)

    def reject(self, where: str, reason: object) -> None:
        """Count one line or file that was left out."""
        self._rejected += 1
        if len(self._rejections) < KEPT_REJECTIONS:
            self._rejections.append(Rejection(where[:LONGEST_NAME], str(reason)))

    def finish(self) -> DatasetReport:
        """Return the finished report, a failed one if nothing was accepted (a guess of the emulator)."""
        if not self._accepted:
            message = "The dataset is empty."
            if self._rejections:
                (where, reason), count = self._rejections[0], self._rejected
                message = f"Nothing in the dataset can be used; {count} rejected, the first ({where}): {reason}."
            return self.fail(DatasetError("DataImportFailed", message))
        return DatasetReport(
            accepted_line_count=self._accepted,
            rejected_line_count=self._rejected,
            duration_milliseconds=sum(file.duration_milliseconds for file in self._audio),
            rejected=tuple(self._rejections),
            texts=tuple(self._texts),
            audio=tuple(self._audio),
        )

    def fail(self, error: DatasetError) -> DatasetReport:
        """Return the report of an import that failed: nothing accepted, the rejections so far."""
        return DatasetReport(rejected_line_count=self._rejected, rejected=tuple(self._rejections), error=error)
