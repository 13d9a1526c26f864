"""Transcriptions in answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

from custom_speech_data.transcripts import Transcript
from custom_speech_tools.runtime.presenters.evaluation import Rate
from custom_speech_tools.runtime.results import (
    FailureField,
    Findings,
    Moment,
    ReferenceField,
    ResourceAnswer,
    Result,
    ServiceText,
    optional,
)
from custom_speech_tools.speech.sanitize import sanitize

MAX_FILES = 20
"""Files whose text is shown."""

MAX_TEXT, MAX_TEXT_OF_MANY = 12_000, 200
"""Characters of the text of one recording, and of each of several; `output` has the rest."""


class TranscribedFile(Result):
    """One recording; `unsure` are words of low confidence."""

    file: ServiceText
    text: Annotated[str, PlainSerializer(lambda text: sanitize(text, MAX_TEXT))]
    confidence: Rate | None
    unsure: list[ServiceText]


class FailedFile(Result):
    """A recording without a text."""

    file: ServiceText
    reason: ServiceText


class Transcription(ResourceAnswer):
    """A transcription.

    `id` is null if the answer came at once; `total` counts the recordings, `done` those with text.
    """

    id: str | None
    status: ServiceText
    locale: ServiceText
    model: ReferenceField | None
    done: int
    total: int | None
    files: Annotated[list[TranscribedFile], WithJsonSchema({"type": "array"}, mode="serialization")]
    failed: Annotated[list[FailedFile], WithJsonSchema({"type": "array"}, mode="serialization")]
    word_error_rate: Rate | None
    audio_hours: float | None
    output: str | None
    error: FailureField | None
    already_existed: bool
    findings: Findings
    now: Moment
    check_again_after_seconds: int | None = optional()


@dataclass(frozen=True, slots=True)
class Transcripts:
    """The texts of a transcription, and why others are missing."""

    read: Sequence[Transcript] = ()
    failed: Sequence[tuple[str, str]] = ()
    total: int | None = None

    def present(self) -> tuple[list[TranscribedFile], list[FailedFile]]:
        """Return the first texts and the first failures."""
        most = MAX_TEXT if len(self.read) == 1 else MAX_TEXT_OF_MANY
        shown = [
            TranscribedFile(
                file=one.file, text=sanitize(one.text, most), confidence=one.confidence, unsure=list(one.unsure[:20])
            )
            for one in self.read[:MAX_FILES]
        ]
        return shown, [FailedFile(file=file, reason=reason) for file, reason in self.failed[:MAX_FILES]]
