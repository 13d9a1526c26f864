"""What the service sends, reduced to what we use; unknown properties and values never break it.

Names are Azure's. Source: the definitions of the same names in the published specifications.
"""

from datetime import datetime, timedelta
from typing import Annotated, Generic, TypeVar

import pydantic
from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from custom_speech_tools.speech.addresses import entity_of

Item = TypeVar("Item")


def _id_of_self(value: object) -> object:
    """The id that a `self` URI ends its path with."""
    found = entity_of(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("names no entity")
    return found.id


def _empty_for_null(value: object) -> object:
    return {} if value is None else value


Id = Annotated[str, BeforeValidator(_id_of_self), Field(alias="self")]
OrEmpty = BeforeValidator(_empty_for_null)


class Wire(pydantic.BaseModel):
    """An object of the wire: camelCase outside, snake_case inside, unchangeable."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class Reference(Wire):
    """A reference to an entity by its `self`."""

    id: Id


class Entity(Wire):
    """What has an id, a name and a locale."""

    id: Id
    display_name: str
    locale: str


class EntityError(Wire):
    """Why an entity failed: free text on both sides."""

    code: str | None = None
    message: str | None = None


class DeprecationDates(Wire):
    """Until when a model may be trained on (base models only) and used."""

    adaptation_date_time: datetime | None = None
    transcription_date_time: datetime | None = None


class Features(Wire):
    """What a base model can be trained with."""

    supports_adaptations_with: list[str] = []


class BaseModelProperties(Wire):
    """The properties of a base model."""

    deprecation_dates: Annotated[DeprecationDates, OrEmpty] = DeprecationDates()
    features: Annotated[Features, OrEmpty] = Features()
    charge_for_adaptation: bool | None = None


class BaseModel(Entity):
    """A model of Microsoft's that custom models are trained on."""

    created_date_time: datetime | None = None
    properties: Annotated[BaseModelProperties, OrEmpty] = BaseModelProperties()


class CustomModelProperties(Wire):
    """The properties of a custom model."""

    deprecation_dates: Annotated[DeprecationDates, OrEmpty] = DeprecationDates()
    error: EntityError | None = None


class CustomModel(Entity):
    """A model that was trained on this resource or copied to it."""

    status: str
    description: str | None = None
    created_date_time: datetime | None = None
    last_action_date_time: datetime | None = None
    base_model: Reference | None = None
    datasets: list[Reference] | None = None
    project: Reference | None = None
    custom_properties: dict[str, str] | None = None
    properties: Annotated[CustomModelProperties, OrEmpty] = CustomModelProperties()


class Project(Entity):
    """A folder of the portal, in one locale."""

    description: str | None = None
    created_date_time: datetime | None = None


class DatasetProperties(Wire):
    """What the import of a dataset found; v3.2 tells the duration in ISO 8601."""

    accepted_line_count: int | None = None
    rejected_line_count: int | None = None
    duration_milliseconds: int | None = None
    duration: timedelta | None = None
    error: EntityError | None = None

    @property
    def audio_seconds(self) -> float:
        """Seconds of audio, whichever way the version tells them; 0 where it tells none."""
        if self.duration is not None:
            return self.duration.total_seconds()
        return (self.duration_milliseconds or 0) / 1000


class Dataset(Entity):
    """Training or test data of one kind in one locale."""

    kind: str
    status: str
    created_date_time: datetime | None = None
    project: Reference | None = None
    properties: Annotated[DatasetProperties, OrEmpty] = DatasetProperties()


class OperationResult(Wire):
    """Where the finished copy is."""

    link: str | None = None


class Operation(Wire):
    """A running copy."""

    id: Annotated[str, Field(alias="id")]
    status: str
    result: OperationResult | None = None
    error: EntityError | None = None


class ModelCopyAuthorization(Wire):
    """The target's permission to copy; it is handed to the source as it came."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[str, Field(alias="id")]


class Page(Wire, Generic[Item]):
    """One page of a list."""

    values: list[Item]
    next_link: str | None = Field(default=None, validation_alias=AliasChoices("@nextLink", "nextLink"))


class InnerError(Wire):
    """The finer code of an error."""

    code: str | None = None
    message: str | None = None


class Error(Wire):
    """The body of an answer that is no success."""

    code: str | None = None
    message: str | None = None
    inner_error: InnerError | None = None
