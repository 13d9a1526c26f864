"""The parameters that tools share, each described once."""

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from custom_speech_tools.runtime.locales import is_locale
from custom_speech_tools.speech.sanitize import has_invisible

DatasetKind = Literal["Acoustic", "AudioFiles", "Language", "LanguageMarkdown", "Pronunciation", "OutputFormatting"]
Status = Literal["NotStarted", "Running", "Succeeded", "Failed"]


def _written(value: object) -> object:
    """The text of a value that a client took for JSON: base models are called 20230614, and models may be called {}.

    Only where the text is unmistakable: 1.0 and 1.00 are the same number.
    """
    return json.dumps(value) if isinstance(value, int) or value in ({}, []) else value


def _visible(text: str) -> str:
    """The text without blanks around it, which nobody sees in a name."""
    if not text.strip():
        raise ValueError("must not be empty")
    if has_invisible(text):
        raise ValueError("must not hold control characters or invisible marks; leave them out")
    return text.strip()


def _locale(text: str) -> str:
    if not is_locale(text):
        raise ValueError("is no locale; write language and region, such as en-US or de-DE")
    return text


Text = Annotated[str, Field(max_length=256), BeforeValidator(_written), AfterValidator(_visible)]
Identifier = Annotated[str, Field(max_length=1024), BeforeValidator(_written), AfterValidator(_visible)]

DisplayName = Annotated[Text, Field(description="Name of the model")]
ExactName = Annotated[Text | None, Field(description="Only models of exactly this display name")]
Description = Annotated[
    Identifier | None,
    Field(description="What it is for"),
]
Locale = Annotated[str, AfterValidator(_locale), Field(description="Locale of all parts, e.g. en-US")]
LocaleFilter = Annotated[
    Annotated[str, AfterValidator(_locale)] | None, Field(description="Only this locale, e.g. en-US")
]
BaseModelLocale = Annotated[str, AfterValidator(_locale), Field(description="Locale, e.g. en-US")]
StatusFilter = Annotated[Status | None, Field(description="Only models of this status")]
KindFilter = Annotated[DatasetKind | None, Field(description="Only datasets of this kind")]
TrainWith = Annotated[list[DatasetKind] | None, Field(description="Only those trainable with all of these")]
IncludeExpired = Annotated[bool, Field(description="Also those closed for training")]
Limit = Annotated[int, Field(ge=1, le=100, description="Most items to return")]
WaitSeconds = Annotated[int, Field(ge=0, le=45, description="Seconds to wait for the end")]

ModelName = Annotated[Identifier, Field(description="Id, self URI or exact display name")]
ProjectName = Annotated[Identifier, Field(description="Id, self URI or exact display name")]
OptionalProject = Annotated[Identifier | None, Field(description="Id, self URI or exact display name")]
TargetProject = Annotated[Identifier | None, Field(description="On to_resource: id, self URI or exact name")]
BaseModelName = Annotated[
    Identifier | None,
    Field(description="Id, self URI or exact display name; else the service chooses"),
]
Datasets = Annotated[
    list[Identifier],
    Field(min_length=1, max_length=100, description="Ids, self URIs or exact display names"),
]
CopyOperation = Annotated[Identifier, Field(description="`operation` of copy_model's answer")]
AllowDuplicate = Annotated[bool, Field(description="Train the same again on purpose")]
Confirm = Annotated[
    Annotated[str, Field(max_length=512)] | None,
    Field(description="Token of the refusal, after your user's yes"),
]
ResourceName = Annotated[
    Annotated[str, Field(max_length=256)] | None,
    Field(description="Resource name; default if left out"),
]
SourceResource = Annotated[
    Annotated[str, Field(max_length=256)] | None,
    Field(description="Where the model is; default if left out"),
]
TargetResource = Annotated[str, Field(min_length=1, max_length=256, description="Name of the resource to copy to")]
