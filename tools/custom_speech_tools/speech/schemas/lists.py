"""Pages of lists."""

from typing import Generic, TypeVar

from pydantic import Field

from custom_speech_tools.speech.schemas.entities import Reference, Schema

Listed = TypeVar("Listed", bound=Reference)


class Page(Schema, Generic[Listed]):
    """One page of a list."""

    values: list[Listed]
    next_link: str | None = Field(default=None, alias="@nextLink")
