"""Transcriptions: jobs (batch), and the answer about one recording (fast)."""

from typing import Annotated, Any

from pydantic import Field

from custom_speech_tools.speech.schemas.entities import Count, Entity, EntityError, Moment, Reference, Schema


class Transcription(Entity):
    """A batch transcription: the job; its texts are files."""

    status: str
    last_action_date_time: Moment | None = None
    model: Reference | None = None
    dataset: Reference | None = None
    project: Reference | None = None
    properties: Annotated[dict[str, Any], Field(max_length=200)] | None = None

    @property
    def audio_seconds(self) -> float | None:
        """Seconds of audio; None if the service does not say."""
        milliseconds = (self.properties or {}).get("durationMilliseconds")
        return milliseconds / 1000 if isinstance(milliseconds, int) and milliseconds > 0 else None

    @property
    def error(self) -> EntityError | None:
        """The reason why the job failed."""
        error = (self.properties or {}).get("error")
        return EntityError.model_validate(error) if isinstance(error, dict) else None


class TranscriptionLocales(Schema):
    """The locales of batch (`Submit`) and fast (`Transcribe`) transcription."""

    submit: Annotated[list[str], Field(alias="Submit", default_factory=list)]
    transcribe: Annotated[list[str], Field(alias="Transcribe", default_factory=list)]


class FastPhrase(Schema):
    """Some words in a row; fast transcription has no confidence of single words."""

    text: str
    confidence: float | None = None


class FastText(Schema):
    """The whole text of one channel."""

    text: str


class FastTranscription(Schema):
    """The answer of fast transcription."""

    duration_milliseconds: Count
    combined_phrases: list[FastText] = Field(default_factory=list)
    phrases: list[FastPhrase] = Field(default_factory=list)
