"""Schemas of the service's answers, reduced to the fields that are used.

Names are Azure's (source: the definitions of the same names in the published specifications). Unknown properties and
values are ignored, so that a later version of the service does not break the client.
"""

from typing import Annotated, Any, NamedTuple

from pydantic import AliasPath, BeforeValidator, ConfigDict, Field
from typing_extensions import TypedDict

from custom_speech_tools.speech.addresses import GUID
from custom_speech_tools.speech.entities import (
    MAX_COUNT,
    Count,
    Duration,
    EntityError,
    Moment,
    Schema,
    StatefulEntity,
    property_field,
)
from custom_speech_tools.speech.entities import Entity as Entity
from custom_speech_tools.speech.entities import File as File
from custom_speech_tools.speech.entities import Listed as Listed
from custom_speech_tools.speech.entities import Page as Page
from custom_speech_tools.speech.entities import Reference as Reference


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


_RATES_AND_COUNTS = (
    "wordErrorRate",
    "sentenceErrorRate",
    "wordCount",
    "wordInsertionCount",
    "wordDeletionCount",
    "wordSubstitutionCount",
)


class Evaluation(StatefulEntity):
    """A test of two models, which may be the same, with one dataset."""

    model1: Reference
    model2: Reference
    dataset: Reference
    properties: Annotated[dict[str, Any], Field(max_length=200)] | None = None

    def score(self, number: int) -> Score:
        """Return the result of model 1 or 2; the service writes -1 for unknown values."""
        values: list[Any] = [(self.properties or {}).get(f"{name}{number}") for name in _RATES_AND_COUNTS]
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
