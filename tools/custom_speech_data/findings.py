"""Findings of an import so far, and the two ways in which content can be refused."""

import sys

from custom_speech_data.report import AudioFile, DatasetError, DatasetReport, Rejection

KEPT_REJECTIONS = 1_000
KEPT_BYTES = 64 * 1024 * 1024
LONGEST_NAME = 200


class Unusable(Exception):
    """One line or file cannot be used; its text is the reason."""


class ImportFailed(Exception):
    """The dataset as a whole cannot be used."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = DatasetError(code, message)


class Findings:
    """Counts everything and keeps the first 1,000 rejections and 64 MiB of texts, as they lie in memory.

    So a file of any size is read in bounded memory.
    """

    def __init__(self) -> None:
        self._accepted = 0
        self._rejected = 0
        self._bytes = 0
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
        """Count one accepted recording, and its transcript where it has one."""
        self.accept(file.transcript or "")
        self._audio.append(file)

    def reject(self, where: str, reason: str) -> None:
        """Count one line or file that was left out."""
        self._rejected += 1
        if len(self._rejections) < KEPT_REJECTIONS:
            self._rejections.append(Rejection(where[:LONGEST_NAME], reason))

    def report(self) -> DatasetReport:
        """Return the finished report; raises ImportFailed when nothing was accepted (a guess of the emulator)."""
        if not self._accepted:
            raise ImportFailed("DataImportFailed", self._nothing())
        return DatasetReport(
            accepted_line_count=self._accepted,
            rejected_line_count=self._rejected,
            duration_milliseconds=sum(file.duration_milliseconds for file in self._audio),
            rejected=tuple(self._rejections),
            texts=tuple(self._texts),
            audio=tuple(self._audio),
        )

    def failed(self, error: DatasetError) -> DatasetReport:
        """Return the report of an import that failed: nothing accepted, the rejections so far."""
        return DatasetReport(rejected_line_count=self._rejected, rejected=tuple(self._rejections), error=error)

    def _nothing(self) -> str:
        if not self._rejections:
            return "The dataset is empty."
        where, reason = self._rejections[0]
        return f"Nothing in the dataset can be used; {self._rejected} rejected, the first ({where}): {reason}."
