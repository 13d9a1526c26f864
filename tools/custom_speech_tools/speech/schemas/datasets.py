"""Datasets."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, WrapValidator
from typing_extensions import TypedDict

from custom_speech_tools.speech.schemas.entities import (
    Count,
    Entity,
    EntityError,
    Moment,
    Reference,
    Schema,
    or_none,
)


class DatasetProperties(TypedDict, total=False):
    """The result of importing a dataset."""

    acceptedLineCount: Count
    rejectedLineCount: Count
    durationMilliseconds: Count
    duration: Annotated[
        Annotated[timedelta, Field(ge=timedelta(), le=timedelta(days=365_000))] | None, WrapValidator(or_none)
    ]
    error: EntityError | None


class Block(Schema):
    """A block of a dataset that is being uploaded."""

    name: str


class UploadedBlocks(Schema):
    """The blocks of a dataset that the service has."""

    uncommitted_blocks: list[Block] | None = None


class Dataset(Entity):
    """Training or test data of one kind in one locale."""

    kind: str
    status: str
    last_action_date_time: Moment | None = None
    project: Reference | None = None
    properties: DatasetProperties | None = None
    links: dict[str, str] | None = None

    @property
    def waits_for_blocks(self) -> bool:
        """True if its content has not been committed: only then the service names the address for that (recorded)."""
        return "commitBlocks" in (self.links or {})

    @property
    def lines(self) -> int | None:
        """Lines that the import accepted; None where the service does not say."""
        return (self.properties or {}).get("acceptedLineCount")

    @property
    def rejected_lines(self) -> int | None:
        """Lines that the import rejected; None where the service does not say."""
        return (self.properties or {}).get("rejectedLineCount")

    @property
    def audio_seconds(self) -> float:
        """Seconds of audio, 0 for text; v3.2 uses ISO 8601 and later versions milliseconds."""
        properties = self.properties or {}
        duration = properties.get("duration")
        return duration.total_seconds() if duration else (properties.get("durationMilliseconds") or 0) / 1000

    @property
    def audio_hours(self) -> float | None:
        """Hours of audio, None for text."""
        return round(self.audio_seconds / 3600, 2) if self.audio_seconds else None

    @property
    def error(self) -> EntityError | None:
        """The reason why the import failed."""
        return (self.properties or {}).get("error")
