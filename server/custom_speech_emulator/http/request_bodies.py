"""Types of request bodies, validated strictly: unknown properties and wrong types are errors.

Properties that the specification marks as read-only are accepted and ignored.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, create_model

from custom_speech_emulator.http.api_versions import Json
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.responses import invalid

MAX_CUSTOM_PROPERTIES = 10  # of customProperties
_STRICT = ConfigDict(extra="forbid", strict=True)
_NAME = Annotated[str, Field(min_length=1)]
_KEY = Annotated[str, Field(max_length=64)]
_VALUE = Annotated[str, Field(max_length=256)]
_KINDS = "dataset|model|evaluation|transcription|endpoint"
_EVENT = rf"^(ping|challenge|({_KINDS})(Creation|Processing|Completion|Deletion))$"
_EVENTS = dict[Annotated[str, Field(pattern=_EVENT)], bool]
_DATA_KINDS = Literal["Language", "Acoustic", "Pronunciation", "AudioFiles", "LanguageMarkdown", "OutputFormatting"]
_PROFANITY = Literal["None", "Removed", "Tags", "Masked"]
_PUNCTUATION = Literal["None", "Dictated", "Automatic", "DictatedAndAutomatic"]


class Reference(BaseModel):
    """A reference to an entity by its URL."""

    model_config = _STRICT
    uri: _NAME = Field(alias="self")


class _Block(BaseModel):
    model_config = _STRICT
    kind: Literal["Committed", "Uncommitted", "Latest"]
    id: _NAME


BLOCKS = RootModel[Annotated[list[_Block], Field(min_length=1)]]


def _object(required: Json | None = None, /, **optional: Any) -> type[BaseModel]:
    """Return a type for JSON objects, whose optional properties can also be null."""
    fields: Json = {name: (kind | None, None) for name, kind in optional.items()}
    return create_model("Body", __config__=_STRICT, **(required or {}), **fields)


_NAMED = {"displayName": _NAME, "locale": _NAME}
_PROJECT: Json = {"self": str, "links": dict, "createdDateTime": str, "description": str}
_PROJECT["customProperties"] = Annotated[dict[_KEY, _VALUE], Field(max_length=MAX_CUSTOM_PROPERTIES)]
_STATUS = Literal["NotStarted", "Running", "Succeeded", "Failed"]
_ENTITY = _PROJECT | {"lastActionDateTime": str, "status": _STATUS}
_IN_PROJECT = _ENTITY | {"project": Reference}

NEW_PROJECT = _object(_NAMED, **_PROJECT, properties=dict, foundryProjectName=str)
NEW_MODEL = _object(
    _NAMED,
    **_IN_PROJECT,
    baseModel=Reference,
    datasets=list[Reference],
    text=str,
    properties=_object(
        **dict.fromkeys(("deprecationDates", "features", "error"), dict),
        customModelWeightPercent=Annotated[int, Field(ge=1, le=100)],
        email=str,
    ),
)
_RESULT: Json = {"duration": str, "durationMilliseconds": int, "error": dict, "email": str}
_COUNTS = dict.fromkeys(("acceptedLineCount", "rejectedLineCount"), int)
NEW_DATASET = _object(
    _NAMED | {"kind": _DATA_KINDS},
    **_IN_PROJECT,
    contentUrl=_NAME,
    properties=_object(**_RESULT, **_COUNTS, textNormalizationKind=Literal["Default", "None"]),
)
NEW_ENDPOINT = _object(
    _NAMED,
    **_IN_PROJECT,
    model=Reference,
    text=str,
    properties=_object(error=dict, loggingEnabled=bool, contentLoggingEnabled=bool, timeToLive=str, email=str),
)
NEW_EVALUATION = _object(
    _NAMED | dict.fromkeys(("model1", "model2", "dataset"), Reference),
    **_IN_PROJECT,
    **dict.fromkeys(("transcription1", "transcription2", "properties"), dict),
)
_DIARIZATION = _object(enabled=bool, maxSpeakers=Annotated[int, Field(ge=2, le=35)], speakers=dict[str, int])
_LANGUAGES = _object(
    {"candidateLocales": list[str]}, speechModelMapping=dict[str, Reference], mode=Literal["Continuous", "Single"]
)
NEW_TRANSCRIPTION = _object(
    _NAMED,
    **_IN_PROJECT,
    contentUrls=list[str],
    contentContainerUrl=str,
    dataset=Reference,
    model=Reference,
    properties=_object(
        **_RESULT,
        timeToLiveHours=int,
        timeToLive=str,
        wordLevelTimestampsEnabled=bool,
        displayFormWordLevelTimestampsEnabled=bool,
        channels=list[int],
        destinationContainerUrl=str,
        punctuationMode=_PUNCTUATION,
        profanityFilterMode=_PROFANITY,
        languageIdentification=_LANGUAGES,
        diarization=_DIARIZATION,
        diarizationEnabled=bool,
    ),
)
TRANSCRIBE_DEFINITION = _object(
    locales=list[str],
    models=dict[str, str],
    audioUrl=str,
    enhancedMode=dict,
    phraseList=_object(phrases=list[str], biasingWeight=float | int),
    profanityFilterMode=_PROFANITY,
    diarization=_DIARIZATION,
    channels=list[int],
)
_HOOK_SETTINGS = _object(apiVersion=str, error=dict, secret=str)
NEW_WEB_HOOK = _object({"displayName": _NAME, "webUrl": _NAME, "events": _EVENTS}, **_ENTITY, properties=_HOOK_SETTINGS)

# Merge patches: null removes a property, except `displayName`.
_RENAMED = {"displayName": (_NAME, "")}
_CHANGES = {"description": str, "customProperties": dict[_KEY, _VALUE | None]}
PROJECT_UPDATE = _object(_RENAMED, **_CHANGES, foundryProjectName=str)
UPDATE = _object(_RENAMED, **_CHANGES, project=Reference)
ENDPOINT_UPDATE = _object(
    _RENAMED, **_CHANGES, project=Reference, model=Reference, properties=_object(contentLoggingEnabled=bool)
)
WEB_HOOK_UPDATE = _object(_RENAMED, **_CHANGES, webUrl=_NAME, events=_EVENTS, properties=_HOOK_SETTINGS)

COPY_DEFINITION = _object({"sourceResourceId": _NAME})
_TARGET = ("targetResourceRegion", "targetResourceId", "targetResourceEndpoint")
COPY_AUTHORIZATION = _object(dict.fromkeys(("sourceResourceId", *_TARGET, "expirationDateTime", "id"), _NAME))
COPY_TO_KEY = _object({"targetSubscriptionKey": _NAME})


def get_property(body: Json, name: str) -> Any:
    """Return a value from the `properties` of a body, or None."""
    return (body.get("properties") or {}).get(name)


def read_body(call: OperationCall, kind: type[BaseModel], value: Any = None) -> Any:
    """Return the validated body of a call, or a validated `value`. Raises 400 naming the first invalid property."""
    value = call.json() if value is None else value
    if isinstance(value, dict):
        inner = value.get("properties")
        for name in (*value, *(inner if isinstance(inner, dict) else ())):
            if name in call.version.absent:
                raise invalid("InvalidPayload", f"The property {name!r} is not known in {call.version.name}.", name)
    try:
        return kind.model_validate(value).model_dump(by_alias=True, exclude_unset=True)
    except ValidationError as error:
        # The value is left out, because it can be a secret.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part)[:100] for part in first["loc"] if part != "[key]") or "body"
        unknown = dict.fromkeys(("extra_forbidden", "string_pattern_mismatch"), "is not known")
        what = {**unknown, "model_type": "a JSON object is expected"}.get(first["type"], first["msg"])
        raise invalid("InvalidPayload", f"The property {where!r}: {what}.", where) from None
