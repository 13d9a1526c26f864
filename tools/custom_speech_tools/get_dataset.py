"""get_dataset: one dataset, with the lines that the service rejected."""

import json
from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.references import DATASET, get_entity
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.parameters import Arguments, Identifier, ResourceName, WaitSeconds
from custom_speech_tools.runtime.polling import (
    DEFAULT_WAIT_SECONDS,
    check_again_after,
    is_terminal,
    poll_until_terminal,
)
from custom_speech_tools.runtime.presenters.dataset import OneDataset, RejectedPart
from custom_speech_tools.runtime.presenters.references import load_references, present_reference
from custom_speech_tools.runtime.presenters.resource import resource_fields
from custom_speech_tools.runtime.results import present_failure
from custom_speech_tools.runtime.tool import Effect, declare
from custom_speech_tools.speech import Speech, SpeechError, schemas

MAX_REJECTED = 20


class GetDatasetArguments(Arguments):
    """The arguments of get_dataset."""

    dataset: Annotated[Identifier, Field(description="Id, self URI or exact display name")]
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None


async def get_dataset(arguments: GetDatasetArguments, call: CallContext) -> OneDataset:
    """Get a dataset: status, size, and the first twenty lines or files that the service rejected, with reasons.

    With wait_seconds it answers as soon as the import has ended.
    """
    speech = call.speech(arguments.resource)
    first = await get_entity(speech, DATASET, arguments.dataset)
    last = await poll_until_terminal(call, first, lambda: speech.datasets_get(first.id), arguments.wait_seconds)
    await load_references(speech, [last.project])
    now = call.now(speech)
    return OneDataset(
        **resource_fields(speech),
        id=last.id,
        display_name=last.display_name,
        locale=last.locale,
        kind=last.kind,
        status=last.status,
        lines=last.lines,
        rejected_lines=last.rejected_lines,
        audio_hours=last.audio_hours,
        description=last.description,
        project=present_reference(speech, last.project),
        created=last.created_date_time,
        last_action=last.last_action_date_time,
        error=present_failure(last.error),
        rejected=await read_rejected(speech, last) if is_terminal(last) else [],
        now=now,
        check_again_after_seconds=None if is_terminal(last) else check_again_after(last.created_date_time, now),
        next_steps=_steps(speech, last),
    )


async def read_rejected(speech: Speech, dataset: schemas.Dataset) -> list[RejectedPart]:
    """Return the first rejected lines or files of the service's report; none where it cannot be read."""
    if dataset.rejected_lines == 0:
        return []
    try:
        files = (await speech.datasets_list_files(dataset.id)).entities
        report = next((file for file in files if file.kind == "DatasetReport"), None)
        content = json.loads(await speech.read_file("Datasets_GetFile", report)) if report else {}
        return [
            RejectedPart(where=str(part["where"]), reason=str(part["reason"]))
            for part in content.get("rejected", [])[:MAX_REJECTED]
        ]
    except (SpeechError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _steps(speech: Speech, dataset: schemas.Dataset) -> list[str]:
    here = speech.resource.name
    if not is_terminal(dataset):
        return [call_step("get_dataset", dataset=dataset.id, wait_seconds=DEFAULT_WAIT_SECONDS, resource=here)]
    if dataset.status == "Failed":
        return ["Correct what `error` names in the data, then upload it again."]
    return [call_step("plan_model", locale=dataset.locale, datasets=[dataset.id], resource=here)]


tool = declare(get_dataset, "Get a dataset", Effect.READ, "data")
