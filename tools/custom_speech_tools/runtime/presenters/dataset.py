"""Datasets in answers."""

from pydantic import Field

from custom_speech_tools.runtime.results import (
    Created,
    EntityReference,
    FailureField,
    Listing,
    Moment,
    ResourceAnswer,
    Result,
    ServiceText,
    optional,
)


class Dataset(Result):
    """A dataset in a list; `audio_hours` is null for text."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    kind: ServiceText
    status: ServiceText
    lines: int | None
    rejected_lines: int | None
    audio_hours: float | None
    description: ServiceText | None
    created: Moment | None = Created
    last_action: Moment | None = Field(validation_alias="last_action_date_time")
    error: FailureField | None
    resource: str | None = optional()


class RejectedPart(Result):
    """A line or file that the service rejected."""

    where: ServiceText
    reason: ServiceText


class OneDataset(ResourceAnswer):
    """A dataset with what was rejected of it."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    kind: ServiceText
    status: ServiceText
    lines: int | None
    rejected_lines: int | None
    audio_hours: float | None
    description: ServiceText | None
    project: EntityReference | None
    created: Moment | None
    last_action: Moment | None
    error: FailureField | None
    rejected: list[RejectedPart]
    now: Moment
    check_again_after_seconds: int | None = optional()


class Datasets(Listing):
    """The datasets of a resource, newest first."""

    datasets: list[Dataset]
