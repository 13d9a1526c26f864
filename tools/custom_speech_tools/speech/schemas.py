"""What the service sends, reduced to what we use; unknown properties and values never break it.

Names are Azure's. Source: the definitions of the same names in the published specifications.
"""

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Generic, TypeVar

import pydantic
from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from custom_speech_tools.speech.addresses import ENTITY, GUID, entity_of


def _aware(moment: datetime) -> datetime:
    """A date without an offset is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]


class Wire(pydantic.BaseModel):
    """An object of the wire: camelCase outside, snake_case inside, unchangeable."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, defer_build=True)


class Reference(Wire):
    """What is known by its `self` URI."""

    uri: Annotated[str, Field(alias="self")]

    @cached_property
    def id(self) -> str:
        """The id that the URI ends its path with; the URI itself where it names no entity."""
        found = entity_of(self.uri)
        return found.id if found else self.uri


class Entity(Reference):
    """What has an id, a name and a locale."""

    uri: Annotated[str, Field(alias="self", pattern=f"^[^?#]*{ENTITY.pattern}{GUID.pattern}([?#]|$)")]
    """Its id goes into the paths of requests, so it must be one."""

    display_name: str
    locale: str


class EntityError(Wire):
    """Why an entity or an operation failed: free text on both sides."""

    code: str | None = None
    message: str | None = None


# Properties are TypedDicts: decoding a list of thousands costs half of what it would with models.


class DeprecationDates(TypedDict, total=False):
    """Until when a model may be trained on (base models only) and used."""

    adaptationDateTime: Moment | None
    transcriptionDateTime: Moment | None


class Features(TypedDict, total=False):
    """What a base model can be trained with."""

    supportsAdaptationsWith: list[str] | None


class BaseModelProperties(TypedDict, total=False):
    """The properties of a base model."""

    deprecationDates: DeprecationDates | None
    features: Features | None
    chargeForAdaptation: bool | None


class BaseModel(Entity):
    """A model of Microsoft's that custom models are trained on."""

    created_date_time: Moment | None = None
    properties: BaseModelProperties | None = None

    @property
    def trains_with(self) -> list[str]:
        """The kinds of datasets it can be trained with; empty where it can be trained with none."""
        features = (self.properties or {}).get("features") or {}
        return features.get("supportsAdaptationsWith") or []

    @property
    def adaptation_until(self) -> datetime | None:
        """Until when it can be trained on."""
        return _dates(self.properties).get("adaptationDateTime")

    @property
    def transcription_until(self) -> datetime | None:
        """Until when models trained on it transcribe."""
        return _dates(self.properties).get("transcriptionDateTime")

    @property
    def training_is_charged(self) -> bool:
        """Whether training on it costs money; where the service does not say, it does."""
        return (self.properties or {}).get("chargeForAdaptation") is not False


class CustomModelProperties(TypedDict, total=False):
    """The properties of a custom model."""

    deprecationDates: DeprecationDates | None
    error: EntityError | None


class CustomModel(Entity):
    """A model that was trained on this resource or copied to it."""

    status: str
    description: str | None = None
    created_date_time: Moment | None = None
    last_action_date_time: Moment | None = None
    base_model: Reference | None = None
    datasets: list[Reference] | None = None
    project: Reference | None = None
    custom_properties: dict[str, str] | None = None
    properties: CustomModelProperties | None = None

    @property
    def transcription_until(self) -> datetime | None:
        """Until when it transcribes."""
        return _dates(self.properties).get("transcriptionDateTime")

    @property
    def error(self) -> EntityError | None:
        """Why it failed."""
        return (self.properties or {}).get("error")


class Project(Entity):
    """A folder of the portal, in one locale."""

    description: str | None = None
    created_date_time: Moment | None = None


class DatasetProperties(TypedDict, total=False):
    """What the import of a dataset found."""

    acceptedLineCount: int | None
    rejectedLineCount: int | None
    durationMilliseconds: int | None
    duration: timedelta | None
    error: EntityError | None


class Dataset(Entity):
    """Training or test data of one kind in one locale."""

    kind: str
    status: str
    description: str | None = None
    created_date_time: Moment | None = None
    project: Reference | None = None
    properties: DatasetProperties | None = None

    @property
    def lines(self) -> int | None:
        """Lines that the import accepted, None where it does not say."""
        return (self.properties or {}).get("acceptedLineCount")

    @property
    def audio_seconds(self) -> float:
        """Seconds of audio, which v3.2 tells in ISO 8601 and later versions in milliseconds; 0 where none is told."""
        properties = self.properties or {}
        duration = properties.get("duration")
        return duration.total_seconds() if duration else (properties.get("durationMilliseconds") or 0) / 1000

    @property
    def audio_hours(self) -> float | None:
        """Hours of audio, None where there is none."""
        return round(self.audio_seconds / 3600, 2) if self.audio_seconds else None

    @property
    def error(self) -> EntityError | None:
        """Why the import failed."""
        return (self.properties or {}).get("error")


class OperationResult(Wire):
    """Where the finished copy is."""

    link: str | None = None


class Operation(Wire):
    """A running copy."""

    id: Annotated[str, Field(alias="id", pattern=f"^{GUID.pattern}$")]
    """It goes into the path of a request."""

    status: str
    result: OperationResult | None = None
    error: EntityError | None = None


class ModelCopyAuthorization(Wire):
    """The target's permission to copy; it is handed to the source as it came."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[str, Field(alias="id")]


Listed = TypeVar("Listed", bound=Entity)


class Page(Wire, Generic[Listed]):
    """One page of a list."""

    values: list[Listed]
    next_link: str | None = Field(default=None, alias="@nextLink")


def _dates(properties: BaseModelProperties | CustomModelProperties | None) -> DeprecationDates:
    return (properties or {}).get("deprecationDates") or {}


class InnerError(Wire):
    """The finer code of an error."""

    code: str | None = None
    message: str | None = None


class Error(Wire):
    """The body of an answer that is no success."""

    code: str | None = None
    message: str | None = None
    inner_error: InnerError | None = None
