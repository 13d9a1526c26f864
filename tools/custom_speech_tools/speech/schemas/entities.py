"""Elements of all schemas: spelling, dates, references and entities."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any

import pydantic
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

from custom_speech_tools.speech.addresses import ENTITY, GUID, entity_of

MAX_COUNT = 10**15
"""A larger number in an answer is not believed: a petabyte of bytes, or 30,000 years in milliseconds."""


def _aware(moment: datetime) -> datetime:
    """Take a date without an offset as UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]


def or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Return a number, None for one that cannot be believed: the rest of the entity is as good as before."""
    try:
        return read(value)
    except ValidationError:
        return None


Count = Annotated[Annotated[int, Field(ge=-1, le=MAX_COUNT)] | None, WrapValidator(or_none)]


class Schema(pydantic.BaseModel):
    """An object of the wire: camelCase outside, snake_case inside, immutable."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, defer_build=True)


class Reference(Schema):
    """An entity that is only known by its `self` URI."""

    uri: Annotated[str, Field(alias="self")]

    @cached_property
    def id(self) -> str:
        """The id at the end of the URI's path; the URI itself where it names no entity."""
        found = entity_of(self.uri)
        return found.id if found else self.uri


class EntityError(Schema):
    """The reason why an entity or an operation failed; code and message are free text."""

    code: str | None = None
    message: str | None = None


class Entity(Reference):
    """An entity with an id, a name and a locale."""

    uri: Annotated[str, Field(alias="self", pattern=f"^[^?#]*{ENTITY.pattern}{GUID.pattern}([?#]|$)")]
    """The id is inserted into the paths of requests, so it must be a GUID."""

    display_name: str
    locale: str
    description: str | None = None
    created_date_time: Moment | None = None
    custom_properties: dict[str, str] | None = None
