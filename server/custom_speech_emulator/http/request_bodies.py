"""Request bodies, checked strictly: an unknown property or a wrong type is refused.

Properties that the specification marks as read only may be sent back as they were received; they are ignored.
"""

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.responses import invalid

Status = Literal["NotStarted", "Running", "Succeeded", "Failed"]
Profanity = Literal["None", "Removed", "Tags", "Masked"]
Name = Annotated[str, Field(min_length=1)]
_Key = Annotated[str, Field(max_length=64)]
_Value = Annotated[str, Field(max_length=256)]
ENTRIES = 10
_KINDS = "dataset|model|evaluation|transcription|endpoint"
_EVENT = rf"^(ping|challenge|({_KINDS})(Creation|Processing|Completion|Deletion))$"
Events = dict[Annotated[str, Field(pattern=_EVENT)], bool]
_ENTITY = ("self", "links", "createdDateTime", "lastActionDateTime")
# The types of the read-only properties; those not named are objects.
_NUMBERS = ("acceptedLineCount", "rejectedLineCount", "durationMilliseconds")
_STRINGS = ("self", "createdDateTime", "lastActionDateTime", "duration", "apiVersion")
_READ_ONLY: dict[str, type] = {**dict.fromkeys(_NUMBERS, int), **dict.fromkeys(_STRINGS, str)}


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    read_only: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for name in value.keys() & set(cls.read_only):
            if not isinstance(value[name], _READ_ONLY.get(name, dict)):
                raise ValueError(f"{name} has another type")
        return {name: part for name, part in value.items() if name not in cls.read_only}


class Reference(Body):
    uri: Name = Field(alias="self")


class New(Body):  # the properties that every create has
    read_only: ClassVar[tuple[str, ...]] = _ENTITY
    displayName: Name
    description: str | None = None
    customProperties: Annotated[dict[_Key, _Value], Field(max_length=ENTRIES)] | None = None


class NewEntity(New):  # and those of everything that can belong to a project
    locale: Name
    project: Reference | None = None
    status: Status | None = None


class ModelProperties(Body):
    read_only = ("deprecationDates", "features", "error")
    customModelWeightPercent: Annotated[int, Field(ge=1, le=100)] | None = None
    email: str | None = None


class NewModel(NewEntity):
    baseModel: Reference | None = None
    datasets: list[Reference] | None = None
    text: str | None = None
    properties: ModelProperties | None = None


class DatasetSettings(Body):
    read_only = ("acceptedLineCount", "rejectedLineCount", "durationMilliseconds", "duration", "error")
    textNormalizationKind: Literal["Default", "None"] | None = None
    email: str | None = None


class NewDataset(NewEntity):
    kind: Literal["Language", "Acoustic", "Pronunciation", "AudioFiles", "LanguageMarkdown", "OutputFormatting"]
    contentUrl: Name | None = None
    properties: DatasetSettings | None = None


class EndpointChanges(Body):
    contentLoggingEnabled: bool | None = None


class EndpointSettings(EndpointChanges):
    read_only = ("error",)
    loggingEnabled: bool | None = None
    timeToLive: str | None = None
    email: str | None = None


class Block(Body):
    kind: Literal["Committed", "Uncommitted", "Latest"]
    id: Name


Blocks = RootModel[Annotated[list[Block], Field(min_length=1)]]


class NewEndpoint(NewEntity):
    model: Reference | None = None
    text: str | None = None
    properties: EndpointSettings | None = None


class NewEvaluation(NewEntity):
    read_only = (*_ENTITY, "transcription1", "transcription2", "properties")
    model1: Reference
    model2: Reference
    dataset: Reference


class Diarization(Body):
    enabled: bool | None = None
    maxSpeakers: Annotated[int, Field(ge=2, le=35)] | None = None
    speakers: dict[str, int] | None = None


class LanguageIdentification(Body):
    candidateLocales: list[str]
    speechModelMapping: dict[str, Reference] | None = None
    mode: Literal["Continuous", "Single"] | None = None


class TranscriptionSettings(Body):
    read_only = ("duration", "durationMilliseconds", "error")
    timeToLiveHours: int | None = None
    timeToLive: str | None = None
    wordLevelTimestampsEnabled: bool | None = None
    displayFormWordLevelTimestampsEnabled: bool | None = None
    channels: list[int] | None = None
    destinationContainerUrl: str | None = None
    punctuationMode: Literal["None", "Dictated", "Automatic", "DictatedAndAutomatic"] | None = None
    profanityFilterMode: Profanity | None = None
    languageIdentification: LanguageIdentification | None = None
    diarization: Diarization | None = None
    diarizationEnabled: bool | None = None
    email: str | None = None


class NewTranscription(NewEntity):
    contentUrls: list[str] | None = None
    contentContainerUrl: str | None = None
    dataset: Reference | None = None
    model: Reference | None = None
    properties: TranscriptionSettings | None = None


class PhraseList(Body):
    phrases: list[str] = []
    biasingWeight: float | int | None = None


class TranscribeDefinition(Body):
    locales: list[str] | None = None
    models: dict[str, str] = {}
    audioUrl: str | None = None
    enhancedMode: dict[str, Any] | None = None
    phraseList: PhraseList | None = None
    profanityFilterMode: Profanity | None = None
    diarization: Diarization | None = None
    channels: list[int] | None = None


class WebHookSettings(Body):
    read_only = ("apiVersion", "error")
    secret: str | None = None


class NewWebHook(New):
    webUrl: Name
    events: Events
    status: Status | None = None
    properties: WebHookSettings | None = None


class NewProject(New):
    read_only = ("self", "links", "createdDateTime", "properties")
    locale: Name
    foundryProjectName: str | None = None


class Changes(Body):  # a merge patch: what is left out stays, null takes away
    displayName: Name = ""
    description: str | None = None
    customProperties: dict[_Key, _Value | None] | None = None


class Update(Changes):
    project: Reference | None = None


class ProjectUpdate(Changes):
    foundryProjectName: str | None = None


class EndpointUpdate(Update):
    model: Reference | None = None
    properties: EndpointChanges | None = None


class WebHookUpdate(Changes):
    webUrl: Name | None = None
    events: Events | None = None
    properties: WebHookSettings | None = None


class CopyDefinition(Body):
    sourceResourceId: Name


class CopyAuthorization(CopyDefinition):
    targetResourceRegion: Name
    targetResourceId: Name
    targetResourceEndpoint: Name
    expirationDateTime: Name
    id: Name


class CopyToKey(Body):
    targetSubscriptionKey: Name


B = TypeVar("B", bound=BaseModel)


def read(call: Call, kind: type[B]) -> B:
    """Return the body of a call as `kind`; 400 `InvalidPayload` naming the first property that is wrong."""
    return checked(call, kind, call.json())


def checked(call: Call, kind: type[B], value: Any) -> B:
    """Return a JSON value as `kind`, without what the API version does not have."""
    if isinstance(value, dict):
        inner = value.get("properties")
        for name in (*value, *(inner if isinstance(inner, dict) else ())):
            if name in call.version.absent:
                raise invalid("InvalidPayload", f"The property {name!r} is not known in {call.version.name}.", name)
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]  # repeats no value
        where = ".".join(str(part)[:100] for part in first["loc"] if part != "[key]") or "body"
        unknown = dict.fromkeys(("extra_forbidden", "string_pattern_mismatch"), "is not known")
        what = {**unknown, "model_type": "a JSON object is expected"}.get(first["type"], first["msg"])
        raise invalid("InvalidPayload", f"The property {where!r}: {what}.", where) from None
