"""The report of an import: accepted content, rejected content with reasons, or why nothing can be used."""

import sys
from dataclasses import dataclass, field
from typing import NamedTuple

KEPT_REJECTIONS, KEPT_BYTES = 1_000, 64 * 1024 * 1024
LONGEST_NAME = 200

# Milliseconds; of a longer file only the transcript is trained (page on test and train data).
LONGEST_TRAINING_AUDIO = 40_000


class Rejection(NamedTuple):
    """A line or file that was left out: `where` is a line number or a file name."""

    where: str
    reason: str


class Unusable(Exception):
    """One line or file cannot be used; its text is the reason."""


class ImportFailed(Exception):
    """The dataset as a whole cannot be used; code and message are those of its `properties.error`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


class AudioFile(NamedTuple):
    """A recording that was accepted; `transcript` is None in a dataset of kind AudioFiles."""

    name: str
    duration_milliseconds: int
    transcript: str | None = None
    has_documented_format: bool = True  # not if it has 32-bit samples, which the service takes all the same

    @property
    def trains(self) -> bool:
        """True if its sound, not only its transcript, can be used for training."""
        return self.duration_milliseconds <= LONGEST_TRAINING_AUDIO


@dataclass
class DatasetReport:
    """Accepted and rejected content; with an `error` nothing was accepted.

    Everything is counted, but only 1,000 rejections and 64 MiB of texts are kept: the memory for any file is bounded.
    """

    accepted_line_count: int = 0
    rejected_line_count: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    error: ImportFailed | None = None
    texts: list[str] = field(default_factory=list)
    audio: list[AudioFile] = field(default_factory=list)
    _text_bytes: int = 0

    @property
    def duration_milliseconds(self) -> int:
        """The length of all accepted recordings."""
        return sum(file.duration_milliseconds for file in self.audio)

    def accept(self, text: str = "") -> None:
        """Count one accepted line; `text` holds the words that it teaches a model, if any."""
        self.accepted_line_count += 1
        self._text_bytes += sys.getsizeof(text)
        if text and self._text_bytes <= KEPT_BYTES:
            self.texts.append(text)

    def reject(self, where: str, reason: object) -> None:
        """Count one line or file that was left out."""
        self.rejected_line_count += 1
        if len(self.rejected) < KEPT_REJECTIONS:
            self.rejected.append(Rejection(where[:LONGEST_NAME], str(reason)))

    def fail(self, code: str, message: str) -> None:
        """Accept nothing."""
        self.error = ImportFailed(code, message)
        self.accepted_line_count, self.texts, self.audio = 0, [], []
