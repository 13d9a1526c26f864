"""Uploads of datasets: arguments and facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import pydantic
from pydantic import Field, StrictBool, StringConstraints

from custom_speech_data.dataset_kinds import DatasetKind
from custom_speech_tools.guardrails import content_url
from custom_speech_tools.guardrails.entity_lookup import find_project
from custom_speech_tools.guardrails.local_data import CheckedData
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.tasks_and_threads import task_group


class UploadArguments(parameters.Arguments):
    """The arguments of upload_dataset."""

    display_name: parameters.DisplayName
    locale: Annotated[parameters.LocaleText, Field(description="Such as en-US")]
    kind: Annotated[DatasetKind, Field(description="check_data explains the kinds")]
    path: Annotated[parameters.LocalText | None, Field(description="Local file or folder")] = None
    content_url: Annotated[
        Annotated[str, StringConstraints(max_length=4096, strip_whitespace=True)] | None,
        Field(description="Or an address for Azure"),
    ] = None
    lines: parameters.TextLines = None
    project: Annotated[parameters.Identifier | None, Field(description="Id or exact name")] = None
    description: parameters.Description = None
    repair: Annotated[StrictBool, Field(description="Repair a copy")] = True
    allow_duplicate: Annotated[StrictBool, Field(description="Import again on purpose")] = False
    wait_seconds: parameters.WaitSeconds = 0
    resource: parameters.ResourceName = None

    @pydantic.model_validator(mode="after")
    def _has_one_source(self) -> "UploadArguments":
        parameters.require_one_source(path=self.path, content_url=self.content_url, lines=self.lines)
        parameters.require_text_kind(self.kind, self.lines)
        content_url.require_valid_url(self.content_url)
        return self


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """The facts about a requested upload. A Finding replaces a project that was not found."""

    request: UploadArguments
    speech: Speech
    now: datetime  # the service's time
    data: CheckedData | None  # None for a `content_url`
    project: schemas.Project | Finding | None = None
    same_name: Sequence[schemas.Dataset] = ()  # datasets of the locale that have the requested name


async def gather_upload_facts(call: CallContext, request: UploadArguments, data: CheckedData | None) -> UploadFacts:
    """Fetch the project and possible duplicates concurrently, unless Azure cannot read the `content_url`."""
    speech, url = call.speech(request.resource), request.content_url
    if url and not content_url.is_web_url(url):
        return UploadFacts(request, speech, call.now(speech), data)
    async with task_group() as tasks:
        project = tasks.create_task(find_project(speech, request.project))
        listed = tasks.create_task(speech.datasets_list(display_name=request.display_name, locale=request.locale))
    # The service's time is known from its responses.
    now = call.now(speech)
    return UploadFacts(request, speech, now, data, project.return_value, listed.return_value.entities)
