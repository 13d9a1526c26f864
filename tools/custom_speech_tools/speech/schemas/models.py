"""Base models, custom models and copies."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from custom_speech_tools.speech.addresses import GUID
from custom_speech_tools.speech.schemas.entities import Entity, EntityError, Moment, Reference, Schema

# Properties are TypedDicts: decoding a list of thousands costs half of what it costs with models.


class DeprecationDates(TypedDict, total=False):
    """Until when a model may be trained on (base models only) and used."""

    adaptationDateTime: Moment | None
    transcriptionDateTime: Moment | None


class TranscriptionFeatures(TypedDict, total=False):
    """How a model can be used for transcription; v3.2 has one name for it."""

    supportsTranscriptions: bool | None
    supportsTranscriptionsSubmit: bool | None
    supportsTranscriptionsTranscribe: bool | None


class BaseModelFeatures(TranscriptionFeatures, total=False):
    """The data that a base model can be trained with."""

    supportsAdaptationsWith: list[str] | None


class BaseModelProperties(TypedDict, total=False):
    """The properties of a base model."""

    deprecationDates: DeprecationDates | None
    features: BaseModelFeatures | None
    chargeForAdaptation: bool | None


class BaseModel(Entity):
    """A model of Microsoft's that custom models are trained on."""

    properties: BaseModelProperties | None = None

    @property
    def features(self) -> BaseModelFeatures:
        """What it can be used for."""
        return (self.properties or {}).get("features") or {}

    @property
    def trains_with(self) -> list[str]:
        """The kinds of datasets it can be trained with; empty where it cannot be trained."""
        features = self.features
        return features.get("supportsAdaptationsWith") or []

    @property
    def adaptation_until(self) -> datetime | None:
        """Until when it can be trained on."""
        return _deprecation_dates(self.properties).get("adaptationDateTime")

    @property
    def transcription_until(self) -> datetime | None:
        """Until when it, and models trained on it, transcribe."""
        return _deprecation_dates(self.properties).get("transcriptionDateTime")

    @property
    def training_is_charged(self) -> bool:
        """True if training on it costs money; true where the service does not say."""
        return (self.properties or {}).get("chargeForAdaptation") is not False

    def is_trained_with(self, _: str) -> bool:
        """Return False: no dataset of this resource is in a model of Microsoft's."""
        return False


class CustomModelFeatures(TranscriptionFeatures, total=False):
    """The uses of a custom model."""

    supportsEndpoints: bool | None


class CustomModelProperties(TypedDict, total=False):
    """The properties of a custom model."""

    deprecationDates: DeprecationDates | None
    features: CustomModelFeatures | None
    error: EntityError | None


class CustomModel(Entity):
    """A model that was trained on this resource or copied to it."""

    status: str
    last_action_date_time: Moment | None = None
    base_model: Reference | None = None
    datasets: list[Reference] | None = None
    project: Reference | None = None
    properties: CustomModelProperties | None = None

    @property
    def transcription_until(self) -> datetime | None:
        """Until when it transcribes."""
        return _deprecation_dates(self.properties).get("transcriptionDateTime")

    @property
    def features(self) -> CustomModelFeatures:
        """What it can be used for."""
        return (self.properties or {}).get("features") or {}

    @property
    def supports_endpoints(self) -> bool | None:
        """True if it can be deployed; None where the service does not say."""
        return self.features.get("supportsEndpoints")

    def is_trained_with(self, dataset: str) -> bool | None:
        """Return whether it was trained with a dataset; None if the service names no training data."""
        return dataset in {part.id for part in self.datasets} if self.datasets else None

    @property
    def error(self) -> EntityError | None:
        """The reason why training failed."""
        return (self.properties or {}).get("error")


class OperationResult(Schema):
    """The address of the result of a finished operation."""

    link: str | None = None


class Operation(Schema):
    """A copy that was started."""

    id: Annotated[str, Field(alias="id", pattern=f"^{GUID.pattern}$")]
    """The id is inserted into the path of a request, so it must be a GUID."""

    status: str
    result: OperationResult | None = None
    error: EntityError | None = None
    created_date_time: Moment | None = None


class ModelCopyAuthorization(Schema):
    """The target's permission to copy; it is passed to the source unchanged."""

    model_config = ConfigDict(extra="allow")

    id: Annotated[str, Field(alias="id")]


def _deprecation_dates(properties: BaseModelProperties | CustomModelProperties | None) -> DeprecationDates:
    return (properties or {}).get("deprecationDates") or {}
