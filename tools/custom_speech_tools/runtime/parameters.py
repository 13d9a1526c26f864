"""Parameters that tools share, and lenient reading of arguments.

Clients send arguments in many forms. For an optional argument, null and "" mean that it is left out. A single value for
a list is read as a list with one item, and a number beyond its limits is clamped with a note.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args, get_origin

import pydantic
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool, StringConstraints

from custom_speech_data.dataset_kinds import AUDIO_KINDS, DatasetKind
from custom_speech_tools.speech.sanitize import has_invisible

Status = Literal["NotStarted", "Running", "Succeeded", "Failed"]

MAX_LINES, MAX_LINE_BYTES = 5_000, 1024 * 1024  # of text in one call

_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?-([A-Za-z]{2}|\d{3})(-[A-Za-z0-9]{3,12})?")


@dataclass(frozen=True, slots=True)
class Limits:
    """The lower and the upper limit of a number."""

    minimum: int
    maximum: int | None  # None for the longest wait that the operator allows


class Arguments(pydantic.BaseModel):
    """Base class for the arguments of a tool."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True, defer_build=True)

    @classmethod
    def read(cls, given: Mapping[str, Any], max_wait: int) -> tuple[Self, list[str]]:
        """Validate the arguments, and return them with a note about each adjusted number.

        Raises:
            pydantic.ValidationError: Arguments are missing, unknown or invalid; the error lists all of them.
        """
        fields, notes, adjusted = cls.model_fields, list[str](), dict[str, Any]()
        for name, value in given.items():
            field = fields.get(name)
            if field is None:
                adjusted[name] = value
            elif field.is_required() or not (value is None or value == ""):
                adjusted[name] = _adjust(name, value, field, max_wait, notes)
        return cls.model_validate(adjusted), notes


def _adjust(name: str, value: Any, field: pydantic.fields.FieldInfo, max_wait: int, notes: list[str]) -> Any:
    if _is_list(field.annotation):
        if isinstance(value, str):
            with suppress(ValueError, RecursionError):  # a list that was sent as JSON text
                parsed = json.loads(value)
                value = parsed if isinstance(parsed, list) else value
        return value if isinstance(value, list) else [value]
    limits = next((item for item in field.metadata if isinstance(item, Limits)), None)
    if limits is None:
        return value
    if isinstance(value, bool):
        return str(value)  # pydantic would take true for 1
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return value
    maximum = max_wait if limits.maximum is None else limits.maximum
    clamped = min(max(number, limits.minimum), maximum)
    if clamped != number:
        notes.append(f"{name} is limited to {limits.minimum} to {maximum}; {clamped} was used.")
    return clamped if number == value or isinstance(value, str) else value


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))


def _restore_text(value: object) -> object:
    """Restore the text of a value that a client parsed as JSON, such as the name 20230614 or {}.

    A float is left as it is, because its text is not known: 1.0 and 1.00 are the same number.
    """
    return json.dumps(value) if isinstance(value, int) or value in ({}, []) else value


def _clean_text(text: str) -> str:
    """Strip the text and normalize it to NFC; raises ValueError if it is empty or has invisible characters."""
    if not text.strip():
        raise ValueError("must not be empty")
    if has_invisible(text):
        raise ValueError("must not contain control characters or invisible characters; remove them")
    return unicodedata.normalize("NFC", text.strip())


def _normalize_locale(text: str) -> str:
    """Return a locale in the letter case of the service, such as `en-US` for `EN-us`, or raise ValueError."""
    if not _LOCALE.fullmatch(text.strip()):
        raise ValueError("is not a valid locale; write language and region, such as en-US or de-DE")
    language, *parts = text.strip().lower().split("-")
    parts = [part.title() if len(part) == 4 and part.isalpha() else part for part in parts]
    return "-".join([language, *(part.upper() if len(part) == 2 else part for part in parts)])


def _normalize_locale_or_language(text: str) -> str:
    is_language = text.strip().isascii() and text.strip().isalpha() and 2 <= len(text.strip()) <= 3
    return text.strip().lower() if is_language else _normalize_locale(text)


ShortText = Annotated[
    str, StringConstraints(max_length=256), BeforeValidator(_restore_text), AfterValidator(_clean_text)
]
Identifier = Annotated[
    str, StringConstraints(max_length=1024), BeforeValidator(_restore_text), AfterValidator(_clean_text)
]
LocaleText = Annotated[str, AfterValidator(_normalize_locale)]
LocaleOrLanguage = Annotated[str, AfterValidator(_normalize_locale_or_language)]

# Names, descriptions, locales
DisplayName = Annotated[ShortText, Field(description="Name of the new entity")]
Description = Annotated[Identifier | None, Field(description="What it is for")]
Locale = Annotated[LocaleText, Field(description="Locale, e.g. en-US; every part must have it")]
LocaleFilter = Annotated[LocaleOrLanguage | None, Field(description="Only this locale (en-US) or language (en)")]
RequiredLocaleFilter = Annotated[LocaleOrLanguage, Field(description="Locale (en-US) or language (en)")]

# References to entities
_REFERENCE = "Id, self URI or exact display name"
Reference = Annotated[Identifier, Field(description=_REFERENCE)]
OptionalReference = Annotated[Identifier | None, Field(description=_REFERENCE)]
BaseModelReference = Annotated[Identifier | None, Field(description=f"{_REFERENCE}; default: the service chooses")]
DatasetReferences = Annotated[
    list[Identifier],
    Field(min_length=1, max_length=100, description="One or more ids, self URIs or exact display names"),
]

# Filters
ExactName = Annotated[ShortText | None, Field(description="Only this exact display name")]
ProjectFilter = Annotated[Identifier | None, Field(description="Only of this project: id, self URI or exact name")]
StatusFilter = Annotated[Status | None, Field(description="Only this status")]
KindsFilter = Annotated[list[DatasetKind] | None, Field(description="Only these kinds")]
TrainWith = Annotated[list[DatasetKind] | None, Field(description="Only models trainable with all of these kinds")]
Limit = Annotated[int, Limits(1, 1000), Field(description="Most items to return, 1 to 1000")]


# Content
def _limit_lines(lines: object) -> object:
    """Reject a list with too many lines before each line is validated."""
    size = sum(len(str(line).encode(errors="replace")) for line in lines) if isinstance(lines, list) else 0
    if isinstance(lines, list) and (len(lines) > MAX_LINES or size > MAX_LINE_BYTES):
        raise ValueError(
            f"{len(lines)} lines of {size} bytes are too many for a call, which takes {MAX_LINES} lines and "
            f"{MAX_LINE_BYTES} bytes; write a file and pass path, or pass a content_url"
        )
    return lines


def require_one_source(**sources: object) -> None:
    """Raise ValueError unless exactly one source of the content is given."""
    if sum(source is not None for source in sources.values()) != 1:
        *others, last = sources
        raise ValueError(f"exactly one of {', '.join(others)} and {last} is needed")


def require_text_kind(kind: str | None, lines: list[str] | None) -> None:
    """Raise ValueError if lines of text are given for an audio kind."""
    if lines is not None and kind in AUDIO_KINDS:
        raise ValueError(f"lines are text, and {kind} has recordings; pass path or content_url")


LocalText = Annotated[str, StringConstraints(max_length=4096)]
TextLines = Annotated[
    Annotated[list[str], Field(min_length=1)] | None,
    BeforeValidator(_limit_lines),
    Field(description="Or text, 1 to 5,000 lines"),
]

# Execution
WaitSeconds = Annotated[int, Limits(0, None), Field(description="Seconds to wait for the end; 25 suits most clients")]
AllowDuplicate = Annotated[StrictBool, Field(description="Make the same again on purpose")]
Confirm = Annotated[
    Annotated[str, StringConstraints(max_length=512)] | None,
    Field(description="Token from the refusal, once your user has agreed"),
]
Output = Annotated[
    Annotated[str, StringConstraints(max_length=4096)] | None,
    Field(description="New local file for draft transcripts"),
]
ResourceText = Annotated[str, StringConstraints(max_length=256)]
ResourceName = Annotated[ResourceText | None, Field(description="Resource name; default: the default resource")]
ResourceNameOrAll = Annotated[
    ResourceText | None, Field(description="Resource name, or * for all; default: the default resource")
]
SourceResource = Annotated[ResourceText | None, Field(description="Where the model is; default: the default resource")]


class ListArguments(Arguments):
    """The arguments that all list tools share."""

    limit: Limit = 20
    resource: ResourceNameOrAll = None
