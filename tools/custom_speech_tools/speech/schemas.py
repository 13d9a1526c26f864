"""Schemas of the service's responses, reduced to the fields that are used.

Most names are those of the published specifications. Unknown properties and values are ignored, so that a later version
of the service does not break the client.
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

MAX_COUNT = 10**15  # a larger number is implausible: a petabyte, or 30,000 years in milliseconds


def _or_none(value: Any, read: pydantic.ValidatorFunctionWrapHandler) -> Any:
    """Return a number, or None if it is implausible, so that the rest of the entity can be used."""
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
    """An immutable object of the API: camelCase in JSON, snake_case in Python."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, defer_build=True)


class Reference(Schema):
    """A reference to an entity by its `self` URI."""

    uri: Annotated[str, Field(alias="self")]

    @cached_property
    def id(self) -> str:
        """The id in the URI, or the whole URI if it identifies no entity."""
        found = entity_of(self.uri)
        return found.id if found else self.uri


class File(Reference):
    """A file of a dataset, evaluation or transcription; `name` contains the name of a recording or a report."""

    name: str | None = None
    kind: str | None = None
    content_url: str | None = Field(default=None, validation_alias=AliasPath("links", "contentUrl"))  # signed


class EntityError(Schema):
    """The reason why an entity or operation failed, in free text."""

    code: str | None = None
    message: str | None = None


class Entity(Reference):
    """An entity with an id, a name and a locale."""

    # The id becomes part of request paths, so it must be a GUID.
    uri: Annotated[str, Field(alias="self", pattern=f"^[^?#]*{ENTITY.pattern}{GUID.pattern}([?#]|$)")]
    # Names that look the same must compare equal: macOS decomposes typed names.
    display_name: Annotated[str, AfterValidator(partial(unicodedata.normalize, "NFC"))]
    locale: str
    description: str | None = None
    created_date_time: Moment | None = None
    custom_properties: dict[str, str] | None = None

    @property
    def parts(self) -> list[Reference]:
        """The references to other entities."""
        values = [value for _, value in self]
        items = [item for value in values if isinstance(value, list) for item in value]
        return [value for value in values + items if isinstance(value, Reference)]


def property_field(*path: str, default: Any = None) -> Any:
    """Return a field with its path in the `properties` of the entity."""
    return Field(default=default, validation_alias=AliasPath("properties", *path))


class StatefulEntity(Entity):
    """An entity with a status and possibly a project; `error` is the reason if the status is Failed."""

    status: str
    last_action_date_time: Moment | None = None
    project: Reference | None = None
    error: EntityError | None = property_field("error")


class Project(Entity):
    """A group of entities of one locale."""


class Dataset(StatefulEntity):
    """Training or test data of one kind and locale; its counts are None if the service does not report them."""

    kind: str
    links: dict[str, str] | None = None
    lines: Count = property_field("acceptedLineCount")
    rejected_lines: Count = property_field("rejectedLineCount")
    duration: Duration = property_field("duration")  # v3.2; later versions have milliseconds
    duration_milliseconds: Count = property_field("durationMilliseconds")

    @property
    def waits_for_blocks(self) -> bool:
        """True if the upload has not been committed: only then `links` has the commit URL (recorded)."""
        return "commitBlocks" in (self.links or {})

    @property
    def audio_seconds(self) -> float:
        """The seconds of audio, 0 for text."""
        return self.duration.total_seconds() if self.duration else (self.duration_milliseconds or 0) / 1000

    @property
    def audio_hours(self) -> float | None:
        """The hours of audio, rounded to two decimals, or None for text."""
        return round(self.audio_seconds / 3600, 2) if self.audio_seconds else None


class Block(Schema):
    """A block of a dataset's upload."""

    name: str


class UploadedBlocks(Schema):
    """The uploaded blocks of a dataset."""

    uncommitted_blocks: list[Block] | None = None


class ModelFeatures(TypedDict, total=False):
    """The features of a model; v3.2 has a single feature for batch and fast transcription."""

    supportsTranscriptions: bool | None
    supportsTranscriptionsSubmit: bool | None
    supportsTranscriptionsTranscribe: bool | None


class Model(Entity):
    """A base or custom model, which transcribes until `transcription_until`."""

    features: Annotated[ModelFeatures, BeforeValidator(lambda value: value or {})] = property_field(
        "features", default={}
    )
    transcription_until: Moment | None = property_field("deprecationDates", "transcriptionDateTime")


class BaseModel(Model):
    """A Microsoft model, which can be the base of new custom models until `adaptation_until`."""

    # The kinds of datasets for training; empty if the model cannot be adapted.
    trains_with: Annotated[list[str], BeforeValidator(lambda value: value or [])] = property_field(
        "features", "supportsAdaptationsWith", default=[]
    )
    adaptation_until: Moment | None = property_field("deprecationDates", "adaptationDateTime")
    charge_for_adaptation: bool | None = property_field("chargeForAdaptation")  # None: not reported

    @property
    def training_is_charged(self) -> bool:
        """True unless the service reports that training on this model is free of charge."""
        return self.charge_for_adaptation is not False

    def is_trained_with(self, _: str) -> bool:
        """Return False: base models were not trained with datasets of this resource."""
        return False


class CustomModel(Model, StatefulEntity):
    """A model that was trained on this resource or copied to it."""

    base_model: Reference | None = None
    datasets: list[Reference] | None = None
    supports_endpoints: bool | None = property_field("features", "supportsEndpoints")  # None: not reported

    def is_trained_with(self, dataset: str) -> bool | None:
        """Return whether the model was trained with a dataset, or None if its training data is unknown."""
        return dataset in {part.id for part in self.datasets} if self.datasets else None


class CopyOperation(Schema):
    """The operation of copying a model to another resource."""

    # The id becomes part of a request path, so it must be a GUID.
    id: Annotated[str, Field(alias="id", pattern=f"^{GUID.pattern}$")]
    status: str
    link: str | None = Field(default=None, validation_alias=AliasPath("result", "link"))
    error: EntityError | None = None
    created_date_time: Moment | None = None

    @property
    def copy_link(self) -> str | None:
        """The URI of the new model, or None until the copy has succeeded."""
        return self.link if self.status == "Succeeded" else None


class ModelCopyAuthorization(Schema):
    """The permission to copy a model, issued by the target resource and passed unchanged to the source."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[str, Field(alias="id")]


class Score(NamedTuple):
    """The result of a model in an evaluation, with None for unknown values; rates are fractions."""

    word_error_rate: float | None
    sentence_error_rate: float | None
    words: int | None
    insertions: int | None
    deletions: int | None
    substitutions: int | None


_RATES = ("wordErrorRate", "sentenceErrorRate")
_COUNTS = ("wordCount", "wordInsertionCount", "wordDeletionCount", "wordSubstitutionCount")


class Evaluation(StatefulEntity):
    """A test of two models, or of one model twice, with one dataset."""

    model1: Reference
    model2: Reference
    dataset: Reference
    properties: Annotated[dict[str, Any], Field(max_length=200)] | None = None

    def score(self, number: int) -> Score:
        """Return the result of model 1 or 2, with None for unknown values, which the service reports as -1."""
        values: list[Any] = [(self.properties or {}).get(f"{name}{number}") for name in _RATES + _COUNTS]
        known = [value if type(value) in (int, float) and 0 <= value <= MAX_COUNT else None for value in values]
        return Score(*known[:2], *(None if value is None else int(value) for value in known[2:]))


class Endpoint(StatefulEntity):
    """An endpoint that hosts a model; `logging` tells if it stores recordings, or is None if not reported."""

    model: Reference | None = None
    links: dict[str, str] | None = None
    logging: bool | None = property_field("loggingEnabled")

    @property
    def url(self) -> str | None:
        """The WebSocket URL for clients; v3.2 has one for each mode, and this is the conversation URL."""
        links = self.links or {}
        return links.get("webSocket") or links.get("webSocketConversation") or next(iter(links.values()), None)


class Transcription(StatefulEntity):
    """A batch transcription, whose results are files."""

    model: Reference | None = None
    dataset: Reference | None = None
    duration_milliseconds: Count = property_field("durationMilliseconds")

    @property
    def audio_seconds(self) -> float | None:
        """The seconds of audio, or None if the service does not report them."""
        milliseconds = self.duration_milliseconds or 0
        return milliseconds / 1000 if milliseconds > 0 else None


class TranscriptionLocales(Schema):
    """The locales of batch transcription (`submit`) and fast transcription (`transcribe`)."""

    submit: Annotated[list[str], Field(alias="Submit", default_factory=list)]
    transcribe: Annotated[list[str], Field(alias="Transcribe", default_factory=list)]


class FastPhrase(Schema):
    """A phrase in a fast transcription, which reports no confidence for single words."""

    text: str
    confidence: float | None = None


class FastTranscription(Schema):
    """The result of a fast transcription."""

    duration_milliseconds: Count
    phrases: list[FastPhrase] = Field(default_factory=list)
