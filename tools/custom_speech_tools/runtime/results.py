"""Building blocks of tool results: findings, references, dates, and the fields that all results share."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypedDict

import pydantic
from pydantic import AfterValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from custom_speech_tools.speech import Speech
from custom_speech_tools.speech.sanitize import sanitize

ServiceText = Annotated[str, PlainSerializer(sanitize)]  # text of the service, sanitized when it is shown
Sentence = Annotated[str, AfterValidator(lambda text: sanitize(text, 1_000))]  # may quote the service

MAX_REFERENCES = 100  # references of an entity that are shown; the service allows no more


def _utc(characters: int, end: str = "") -> PlainSerializer:
    def write(moment: datetime) -> str:
        with suppress(OverflowError):  # in UTC, a date in the first or last year may be outside the calendar
            moment = moment.astimezone(UTC)
        return moment.isoformat()[:characters] + end

    return PlainSerializer(write)


Rate = Annotated[float, PlainSerializer(lambda rate: round(rate, 4), return_type=float)]  # a fraction, not percent
# The ends of a confidence interval.
Interval = Annotated[list[Rate] | None, WithJsonSchema({"type": ["array", "null"]}, mode="serialization")]

Moment = Annotated[datetime, _utc(len("2026-12-31T23:59:59"), "Z")]
Day = Annotated[datetime, _utc(len("2026-12-31"))]


def optional(**options: Any) -> Any:
    """Declare a field that is left out of the result if it is null."""
    return Field(default=None, exclude_if=lambda value: value is None, **options)


class Result(pydantic.BaseModel):
    """Base class of tool results and their parts."""

    model_config = ConfigDict(frozen=True, from_attributes=True, populate_by_name=True)


Created = Field(validation_alias="created_date_time")  # the service's name of the field

# `block`: nothing is created. `stop`: it exists already. `confirm`: the user must agree. `warn`: information only.
Level = Literal["block", "stop", "confirm", "warn"]
# `correct`: change the request. `choose`: several entities have the name. `wait`: it needs time. `none`: nothing helps.
Remedy = Literal["correct", "choose", "wait", "none"]


class Finding(Result):
    """A finding of a guardrail, with the advice as text (`fix`) and as a category for programs (`remedy`)."""

    rule: str
    level: Level
    message: Sentence
    fix: Sentence
    remedy: Remedy = Field(default="correct", exclude=True)


def block(rule: str, message: str, fix: str, remedy: Remedy = "correct") -> Finding:
    """Return a finding that ends the call before anything is changed."""
    return Finding(rule=rule, level="block", message=message, fix=fix, remedy=remedy)


def warn(rule: str, message: str, fix: str) -> Finding:
    """Return an informational finding."""
    return Finding(rule=rule, level="warn", message=message, fix=fix)


class EstimatedCharge(Result):
    """An estimated amount of money, and its basis in a sentence."""

    amount: float
    currency: str
    basis: str


# The schema of a finding is not repeated in the schema of every tool; neither are those of the next two types.
Findings = Annotated[list[Finding], WithJsonSchema({"type": "array"}, mode="serialization")]


class EntityReference(Result):
    """A reference to an entity; the name is null if it could not be read."""

    # The id, or the beginning of a URI that does not name an entity.
    id: Annotated[str, PlainSerializer(lambda uri: sanitize(uri, 64), return_type=str)]
    display_name: ServiceText | None


ReferenceField = Annotated[EntityReference, WithJsonSchema({"type": "object"}, mode="serialization")]


class DatasetReference(EntityReference):
    """A reference to a dataset."""

    kind: ServiceText | None


class Failure(Result):
    """The service's reason for a failure."""

    code: ServiceText | None
    message: ServiceText | None


FailureField = Annotated[Failure, WithJsonSchema({"type": "object"}, mode="serialization")]


def present_failure(error: object) -> Failure | None:
    """Return the service's reason for a failure, or None if nothing failed."""
    return None if error is None else Failure.model_validate(error)


class ToolAnswer(Result):
    """The fields that all successful results share."""

    next_steps: list[Sentence]
    note: Sentence | None = optional()


class Unread(Result):
    """A resource that did not answer, or whose list was not read completely."""

    resource: str
    reason: Sentence


class ResourceAnswer(ToolAnswer):
    """A result about one Speech resource."""

    resource: str
    region: str | None
    emulated: bool


class ResourceFields(TypedDict):
    """The fields of `ResourceAnswer`."""

    resource: str
    region: str | None
    emulated: bool


def resource_fields(speech: Speech) -> ResourceFields:
    """Return the fields that describe a resource."""
    resource = speech.resource
    return ResourceFields(resource=resource.name, region=resource.known_region, emulated=speech.is_emulated)


class EntityAnswer(ResourceAnswer):
    """A result about one entity that has a status, such as Running or Succeeded."""

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
    """An entity in a list; `resource` is present only in lists of all resources."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    status: ServiceText
    created: Moment | None = Created
    resource: str | None = optional()


class Listing(ResourceAnswer):
    """Fields of every list.

    In a list of all resources `resource` is `*`. `unread` names the resources whose entities may be missing, in which
    case `total` is null. `truncated` says how to see the remaining items.
    """

    total: int | None
    truncated: Sentence | None
    unread: Annotated[list[Unread], WithJsonSchema({"type": "array"}, mode="serialization")] = Field(
        default=[], exclude_if=lambda value: not value
    )
