"""Elements of all schemas: counts, dates, references, entities, files and pages of lists."""

import unicodedata
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Annotated, Any, Generic, TypeVar

import pydantic
from pydantic import (
    AfterValidator,
    AliasPath,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

from custom_speech_tools.speech.addresses import ENTITY, GUID, entity_of

MAX_COUNT = 10**15  # a larger number is not believed: it would be a petabyte, or 30,000 years in milliseconds


def _or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Return a number, None for an incredible one, so that the rest of the entity can be used."""
    try:
        return read(value)
    except ValidationError:
        return None


Count = Annotated[Annotated[int, Field(ge=-1, le=MAX_COUNT)] | None, WrapValidator(_or_none)]
Duration = Annotated[
    Annotated[timedelta, Field(ge=timedelta(), le=timedelta(days=365_000))] | None, WrapValidator(_or_none)
]
Moment = Annotated[datetime, AfterValidator(lambda moment: moment if moment.tzinfo else moment.replace(tzinfo=UTC))]


class Schema(pydantic.BaseModel):
    """An object of the wire: camelCase outside, snake_case inside, immutable."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, defer_build=True)


class Reference(Schema):
    """An entity that is only known by its `self` URI."""

    uri: Annotated[str, Field(alias="self")]

    @cached_property
    def id(self) -> str:
        """The id at the end of the URI's path; the URI itself if it names no entity."""
        found = entity_of(self.uri)
        return found.id if found else self.uri


Listed = TypeVar("Listed", bound=Reference)


class Page(Schema, Generic[Listed]):
    """One page of a list."""

    values: list[Listed]
    next_link: str | None = Field(default=None, alias="@nextLink")


class File(Reference):
    """A file of a dataset, evaluation or transcription; `name` names its subject."""

    name: str | None = None
    kind: str | None = None
    content_url: str | None = Field(default=None, validation_alias=AliasPath("links", "contentUrl"))  # signed: no key


class EntityError(Schema):
    """The reason why an entity or an operation failed; code and message are free text."""

    code: str | None = None
    message: str | None = None


class Entity(Reference):
    """An entity with an id, a name and a locale."""

    # The id is inserted into the paths of requests, so it must be a GUID.
    uri: Annotated[str, Field(alias="self", pattern=f"^[^?#]*{ENTITY.pattern}{GUID.pattern}([?#]|$)")]
    # Two names that look the same are the same: a name typed on macOS may be decomposed.
    display_name: Annotated[str, AfterValidator(partial(unicodedata.normalize, "NFC"))]
    locale: str
    description: str | None = None
    created_date_time: Moment | None = None
    custom_properties: dict[str, str] | None = None

    @property
    def parts(self) -> list[Reference]:
        """The entities that it names."""
        values = [value for _, value in self]
        listed = [one for value in values if isinstance(value, list) for one in value]
        return [one for one in values + listed if isinstance(one, Reference)]


def property_field(*path: str, default: Any = None) -> Any:
    """Return a field that is read from within `properties`."""
    return Field(default=default, validation_alias=AliasPath("properties", *path))


class StatefulEntity(Entity):
    """An entity that the service works on, in a project or in none; `error` is the reason why the work failed."""

    status: str
    last_action_date_time: Moment | None = None
    project: Reference | None = None
    error: EntityError | None = property_field("error")
