"""What the tools answer: what a caller needs for the next step, and nothing else."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import pydantic
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from custom_speech_tools.speech.sanitize import plain

Plain = Annotated[str, PlainSerializer(plain)]
"""A text of the service's, shown plainly."""

Sentence = Annotated[str, AfterValidator(lambda text: plain(text, 1_000))]
"""A text of ours that may hold some of the service's."""


def _utc(characters: int, end: str = "") -> PlainSerializer:
    return PlainSerializer(lambda moment: _in_utc(moment).isoformat()[:characters] + end, return_type=str)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # so near to the first or the last year that UTC has no name for it
        return moment


Moment = Annotated[datetime, _utc(len("2026-12-31T23:59:59"), "Z")]
Day = Annotated[datetime, _utc(len("2026-12-31"))]


MOST_PARTS = 100
"""Parts of an entity that are shown; the service has no more of any."""


class Result(pydantic.BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(frozen=True, from_attributes=True, populate_by_name=True)


Created = Field(validation_alias="created_date_time")
"""A date under the service's name for it."""


class Finding(Result):
    """One thing that a guardrail has to say.

    Levels: `block` and `stop` keep anything from being created, `confirm` needs a person's yes, `warn` informs.
    """

    rule: str
    level: Literal["block", "stop", "confirm", "warn"]
    message: Sentence
    fix: Sentence


class Named(Result):
    """An entity by id; the name is null where it would have cost another request."""

    id: Annotated[str, PlainSerializer(lambda uri: plain(uri, 64), return_type=str)]
    """The id, or the beginning of a URI that names none."""
    display_name: Plain | None


class NamedDataset(Named):
    """A dataset by id."""

    kind: Plain | None


class Failure(Result):
    """The service's own reason for a failure."""

    code: Plain | None
    message: Plain | None


def failure(error: object) -> Failure | None:
    """The service's reason, from what it said."""
    return None if error is None else Failure.model_validate(error)


Reason = Annotated[Failure, WithJsonSchema({"type": "object"}, mode="serialization")]
"""A failure, whose two fields every schema need not repeat."""


class Where(Result):
    """Which resource an answer is about."""

    resource: str
    region: str | None
    emulated: bool


class Model(Where):
    """A custom model."""

    id: str
    display_name: Plain
    locale: Plain
    status: Plain
    description: Plain | None
    base_model: Named | None
    datasets: list[NamedDataset]
    project: Named | None
    created: Moment | None
    last_action: Moment | None
    transcription_until: Day | None
    error: Reason | None
    already_existed: bool = False
    findings: list[Finding] = []
    next_steps: list[str]


class ListedModel(Result):
    """A custom model in a list."""

    id: str
    display_name: Plain
    locale: Plain
    status: Plain
    created: Moment | None = Created
    transcription_until: Day | None


class BaseModel(Result):
    """A base model; `training_is_charged` counts as true where the service does not say."""

    id: str
    display_name: Plain
    locale: Plain
    created: Day | None = Created
    trains_with: Annotated[list[Plain], BeforeValidator(lambda kinds: kinds[:MOST_PARTS])]
    adaptation_until: Day | None
    transcription_until: Day | None
    training_is_charged: bool


class Project(Result):
    """A project in a list."""

    id: str
    display_name: Plain
    locale: Plain
    description: Plain | None
    created: Moment | None = Created


class Dataset(Result):
    """A dataset in a list; `audio_hours` is null for text."""

    id: str
    display_name: Plain
    locale: Plain
    kind: Plain
    status: Plain
    lines: int | None
    audio_hours: float | None
    created: Moment | None = Created
    error: Reason | None


class Listed(Where):
    """What all lists say: `total` is null where not every page was read, `truncated` says how to narrow."""

    total: int | None
    truncated: str | None
    note: str | None


class BaseModels(Listed):
    """The base models of a locale, newest first."""

    base_models: list[BaseModel]


class Models(Listed):
    """The custom models of a resource, newest first."""

    models: list[ListedModel]


class Projects(Listed):
    """The projects of a resource, newest first."""

    projects: list[Project]


class Datasets(Listed):
    """The datasets of a resource, newest first."""

    datasets: list[Dataset]


class Resource(Result):
    """A configured Speech resource; `trains_audio` is null where its region is not known."""

    name: str
    region: str | None
    api_version: str
    emulated: bool
    trains_audio: bool | None
    has_projects: bool
    can_copy: bool
    is_default: bool


class Resources(Result):
    """The configured Speech resources."""

    resources: list[Resource]
    total: int


class Plan(Where):
    """What creating a model would do; `ok` says that nothing stands against it."""

    ok: bool
    findings: list[Finding]
    base_model: Named | None
    audio_hours: float
    estimated_training_days: float
    training_is_charged: bool
    confirm: str | None
    next_steps: list[str]


class CopiedModel(Result):
    """A model that was copied, on the resource it was copied to."""

    resource: str
    id: str
    display_name: Plain
    locale: Plain
    status: Plain
    project: Named | None
    already_existed: bool


class Copy(Where):
    """A copy on its way from a resource; `model` is on another one, and null until it is there."""

    operation: str | None
    status: Plain
    model: CopiedModel | None
    error: Reason | None
    findings: list[Finding]
    next_steps: list[str]
