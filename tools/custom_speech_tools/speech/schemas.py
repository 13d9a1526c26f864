"""Schemas of the service's answers, reduced to the fields that are used.

Names are Azure's (source: the definitions of the same names in the published specifications). Unknown properties and
values are ignored, so that a later version of the service does not break the client.
"""

import unicodedata
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Annotated, Any, NamedTuple

import pydantic
from pydantic import AfterValidator, AliasPath, BeforeValidator, ConfigDict, Field, WrapValidator
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from custom_speech_tools.speech.service_urls import ENTITY, GUID, entity_of

MAX_COUNT = 10**15  # a larger number is not believed: it would be a petabyte, or 30,000 years in milliseconds


def _or_none(value: Any, read: pydantic.ValidatorFunctionWrapHandler) -> Any:
    """Return a number, None for an incredible one, so that the rest of the entity can be used."""
    try:
        return read(value)
    except pydantic.ValidationError:
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


class Project(Entity):
    """A folder of the portals, in one locale."""


class Dataset(StatefulEntity):
    """Training or test data of one kind in one locale; its counts are None if the service does not say."""

    kind: str
    links: dict[str, str] | None = None
    lines: Count = property_field("acceptedLineCount")
    rejected_lines: Count = property_field("rejectedLineCount")
    duration: Duration = property_field("duration")  # as v3.2 writes it; later versions write milliseconds
    duration_milliseconds: Count = property_field("durationMilliseconds")

    @property
    def waits_for_blocks(self) -> bool:
        """True if its content has not been committed: only then the service names the address for that (recorded)."""
        return "commitBlocks" in (self.links or {})

    @property
    def audio_seconds(self) -> float:
        """Seconds of audio, 0 for text."""
        return self.duration.total_seconds() if self.duration else (self.duration_milliseconds or 0) / 1000

    @property
    def audio_hours(self) -> float | None:
        """Hours of audio, None for text."""
        return round(self.audio_seconds / 3600, 2) if self.audio_seconds else None


class Block(Schema):
    """A block of a dataset that is being uploaded."""

    name: str


class UploadedBlocks(Schema):
    """The blocks of a dataset that the service has."""

    uncommitted_blocks: list[Block] | None = None


class ModelFeatures(TypedDict, total=False):
    """The uses of a model; v3.2 has one name for transcription."""

    supportsTranscriptions: bool | None
    supportsTranscriptionsSubmit: bool | None
    supportsTranscriptionsTranscribe: bool | None


class Model(Entity):
    """A base model or custom model; it, and models trained on it, transcribe until `transcription_until`."""

    features: Annotated[ModelFeatures, BeforeValidator(lambda value: value or {})] = property_field(
        "features", default={}
    )
    transcription_until: Moment | None = property_field("deprecationDates", "transcriptionDateTime")


class BaseModel(Model):
    """A model of Microsoft's that custom models are trained on, until `adaptation_until`."""

    # The kinds of datasets it can be trained with; empty if it cannot be trained.
    trains_with: Annotated[list[str], BeforeValidator(lambda value: value or [])] = property_field(
        "features", "supportsAdaptationsWith", default=[]
    )
    adaptation_until: Moment | None = property_field("deprecationDates", "adaptationDateTime")
    charge_for_adaptation: bool | None = property_field("chargeForAdaptation")  # None if the service does not say

    @property
    def training_is_charged(self) -> bool:
        """True if training on it costs money, or if the service does not say."""
        return self.charge_for_adaptation is not False

    def is_trained_with(self, _: str) -> bool:
        """Return False: no dataset of this resource is in a model of Microsoft's."""
        return False


class CustomModel(Model, StatefulEntity):
    """A model that was trained on this resource or copied to it."""

    base_model: Reference | None = None
    datasets: list[Reference] | None = None
    supports_endpoints: bool | None = property_field("features", "supportsEndpoints")  # None: the service does not say

    def is_trained_with(self, dataset: str) -> bool | None:
        """Return whether it was trained with a dataset; None if the service names no training data."""
        return dataset in {part.id for part in self.datasets} if self.datasets else None


class Operation(Schema):
    """A copy that was started."""

    # The id is inserted into the path of a request, so it must be a GUID.
    id: Annotated[str, Field(alias="id", pattern=f"^{GUID.pattern}$")]
    status: str
    link: str | None = Field(default=None, validation_alias=AliasPath("result", "link"))  # to the new model
    error: EntityError | None = None
    created_date_time: Moment | None = None

    @property
    def copy_link(self) -> str | None:
        """The URI of the new model, None until the copy has succeeded."""
        return self.link if self.status == "Succeeded" else None


class ModelCopyAuthorization(Schema):
    """The target's permission to copy; it is passed to the source unchanged."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[str, Field(alias="id")]


class Score(NamedTuple):
    """The result of one model; rates are fractions, None until the evaluation has succeeded."""

    word_error_rate: float | None
    sentence_error_rate: float | None
    words: int | None
    insertions: int | None
    deletions: int | None
    substitutions: int | None


_RATES = ("wordErrorRate", "sentenceErrorRate")
_COUNTS = ("wordCount", "wordInsertionCount", "wordDeletionCount", "wordSubstitutionCount")


class Evaluation(StatefulEntity):
    """A test of two models, which may be the same, with one dataset."""

    model1: Reference
    model2: Reference
    dataset: Reference
    properties: Annotated[dict[str, Any], Field(max_length=200)] | None = None

    def score(self, number: int) -> Score:
        """Return the result of model 1 or 2; the service writes -1 for unknown values."""
        values: list[Any] = [(self.properties or {}).get(f"{name}{number}") for name in _RATES + _COUNTS]
        known = [value if type(value) in (int, float) and 0 <= value <= MAX_COUNT else None for value in values]
        return Score(*known[:2], *(None if value is None else int(value) for value in known[2:]))


class Endpoint(StatefulEntity):
    """A deployed model; with `logging` it keeps recordings, None if the service does not say."""

    model: Reference | None = None
    links: dict[str, str] | None = None
    logging: bool | None = property_field("loggingEnabled")

    @property
    def url(self) -> str | None:
        """The address for WebSocket clients; v3.2 has one per mode, of which conversation is the general one."""
        links = self.links or {}
        return links.get("webSocket") or links.get("webSocketConversation") or next(iter(links.values()), None)


class Transcription(StatefulEntity):
    """A batch transcription: the job; its texts are files."""

    model: Reference | None = None
    dataset: Reference | None = None
    duration_milliseconds: Count = property_field("durationMilliseconds")

    @property
    def audio_seconds(self) -> float | None:
        """Seconds of audio; None if the service does not say."""
        milliseconds = self.duration_milliseconds or 0
        return milliseconds / 1000 if milliseconds > 0 else None


class TranscriptionLocales(Schema):
    """The locales of batch (`Submit`) and fast (`Transcribe`) transcription."""

    submit: Annotated[list[str], Field(alias="Submit", default_factory=list)]
    transcribe: Annotated[list[str], Field(alias="Transcribe", default_factory=list)]


class FastPhrase(Schema):
    """Some words in a row; single words have no confidence in fast transcription."""

    text: str
    confidence: float | None = None


class FastTranscription(Schema):
    """The answer of fast transcription."""

    duration_milliseconds: Count
    phrases: list[FastPhrase] = Field(default_factory=list)
