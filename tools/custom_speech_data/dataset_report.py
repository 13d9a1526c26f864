"""The report of an import: accepted content, rejected content with reasons, or the error that prevents the import."""

import sys
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_REJECTIONS, MAX_TEXT_BYTES = 1_000, 64 * 1024 * 1024  # stored; the report counts the rest
MAX_NAME_LENGTH = 200

# Training uses only the transcript of a longer recording (page on test and train data).
MAX_TRAINING_MILLISECONDS = 40_000


class Rejection(NamedTuple):
    """A rejected line or file; `where` is a line number or file name."""

    where: str
    reason: str


class Unusable(Exception):
    """A line or file that cannot be used; the message is the reason."""


class ImportFailed(Exception):
    """A dataset that cannot be used; `code` and `message` are those of `properties.error` in the REST API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


class AudioFile(NamedTuple):
    """An accepted recording; `transcript` is None in a dataset of kind AudioFiles."""

    name: str
    duration_milliseconds: int
    transcript: str | None = None
    has_documented_format: bool = True  # False for 32-bit samples, which the service accepts nevertheless

    @property
    def trains(self) -> bool:
        """True if not only the transcript but also the audio can be used for training."""
        return self.duration_milliseconds <= MAX_TRAINING_MILLISECONDS


@dataclass
class DatasetReport:
    """A report of accepted and rejected content, of bounded size; with an `error`, nothing was accepted."""

    accepted_line_count: int = 0
    rejected_line_count: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    error: ImportFailed | None = None
    texts: list[str] = field(default_factory=list)
    audio: list[AudioFile] = field(default_factory=list)
    _text_bytes: int = 0

    @property
    def duration_milliseconds(self) -> int:
        """The total duration of the accepted recordings."""
        return sum(file.duration_milliseconds for file in self.audio)

    def accept(self, text: str = "") -> None:
        """Count an accepted line or file; `text` is the text that a model learns from, if any."""
        self.accepted_line_count += 1
        self._text_bytes += sys.getsizeof(text)
        if text and self._text_bytes <= MAX_TEXT_BYTES:
            self.texts.append(text)

    def reject(self, where: str, reason: object) -> None:
        """Count a rejected line or file."""
        self.rejected_line_count += 1
        if len(self.rejected) < MAX_REJECTIONS:
            self.rejected.append(Rejection(where[:MAX_NAME_LENGTH], str(reason)))

    def fail(self, code: str, message: str) -> None:
        """Set the error and discard the accepted content."""
        self.error = ImportFailed(code, message)
        self.accepted_line_count, self.texts, self.audio = 0, [], []
