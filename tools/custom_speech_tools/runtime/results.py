"""Building blocks of answers: findings, references, dates, and the fields that all answers share."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AfterValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from custom_speech_tools.speech.sanitize import sanitize

ServiceText = Annotated[str, PlainSerializer(sanitize)]  # the service's, sanitized when it is shown
Sentence = Annotated[str, AfterValidator(lambda text: sanitize(text, 1_000))]  # ours, which may quote the service

MAX_PARTS = 100  # parts of an entity that are shown; the service allows no more


def _utc(characters: int, end: str = "") -> PlainSerializer:
    def write(moment: datetime) -> str:
        with suppress(OverflowError):  # a date in the first or last year whose UTC date is outside the calendar
            moment = moment.astimezone(UTC)
        return moment.isoformat()[:characters] + end

    return PlainSerializer(write)


Rate = Annotated[float, PlainSerializer(lambda rate: round(rate, 4), return_type=float)]  # a fraction, not percent
# The ends of a confidence interval.
Interval = Annotated[list[Rate] | None, WithJsonSchema({"type": ["array", "null"]}, mode="serialization")]

Moment = Annotated[datetime, _utc(len("2026-12-31T23:59:59"), "Z")]
Day = Annotated[datetime, _utc(len("2026-12-31"))]


def optional(**options: Any) -> Any:
    """Declare a field that is left out of the answer if it is null."""
    return Field(default=None, exclude_if=lambda value: value is None, **options)


class Result(pydantic.BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(frozen=True, from_attributes=True, populate_by_name=True)


Created = Field(validation_alias="created_date_time")  # the service's name for it

# `block`: nothing is created. `stop`: it exists already. `confirm`: the user must agree. `warn`: information only.
Level = Literal["block", "stop", "confirm", "warn"]
# A correction, a choice between entities of one name, only waiting, or nothing helps.
Remedy = Literal["correct", "choose", "wait", "none"]


class Finding(Result):
    """One statement of a guardrail; `remedy` is not shown, `fix` says it in words."""

    rule: str
    level: Level
    message: Sentence
    fix: Sentence
    remedy: Remedy = Field(default="correct", exclude=True)


def block(rule: str, message: str, fix: str, remedy: Remedy = "correct") -> Finding:
    """Return a finding that ends the call before anything is changed."""
    return Finding(rule=rule, level="block", message=message, fix=fix, remedy=remedy)


def warn(rule: str, message: str, fix: str) -> Finding:
    """Return a finding that is information only."""
    return Finding(rule=rule, level="warn", message=message, fix=fix)


# Their four fields are not repeated in every schema; neither are those of the next two.
Findings = Annotated[list[Finding], WithJsonSchema({"type": "array"}, mode="serialization")]


class EntityReference(Result):
    """An entity by id; the name is null if it could not be read."""

    # Or the beginning of a URI that names no entity.
    id: Annotated[str, PlainSerializer(lambda uri: sanitize(uri, 64), return_type=str)]
    display_name: ServiceText | None


ReferenceField = Annotated[EntityReference, WithJsonSchema({"type": "object"}, mode="serialization")]


class DatasetReference(EntityReference):
    """A dataset by id."""

    kind: ServiceText | None


class Failure(Result):
    """The service's own reason for a failure."""

    code: ServiceText | None
    message: ServiceText | None


FailureField = Annotated[Failure, WithJsonSchema({"type": "object"}, mode="serialization")]


def present_failure(error: object) -> Failure | None:
    """Return the service's reason, None if there is none."""
    return None if error is None else Failure.model_validate(error)


class ToolAnswer(Result):
    """Fields of every successful answer: the next steps with real values, and a note if the input was adjusted."""

    next_steps: list[Sentence]
    note: Sentence | None = optional()


class Unread(Result):
    """A resource that did not answer, or that was not read to the end."""

    resource: str
    reason: Sentence


class ResourceAnswer(ToolAnswer):
    """An answer about one Speech resource."""

    resource: str
    region: str | None
    emulated: bool


class EntityAnswer(ResourceAnswer):
    """An answer about one entity that runs and ends."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    status: ServiceText
    created: Moment | None
    last_action: Moment | None
    error: FailureField | None
    findings: Findings
    now: Moment
    check_again_after_seconds: int | None = optional()


class Row(Result):
    """An entity in a list; `resource` is named in a list of all resources."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    status: ServiceText
    created: Moment | None = Created
    resource: str | None = optional()


class Listing(ResourceAnswer):
    """Fields of every list.

    `resource` is `*` if all resources were asked; `unread` names those whose entities may be missing, and then
    `total` is null; `truncated` says how to see the rest of what was read.
    """

    total: int | None
    truncated: Sentence | None
    unread: Annotated[list[Unread], WithJsonSchema({"type": "array"}, mode="serialization")] = Field(
        default=[], exclude_if=lambda value: not value
    )
