"""Datasets in answers."""

import json
from datetime import datetime
from typing import TypedDict

from pydantic import Field

from custom_speech_tools.runtime.client_waits import suggested_wait
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.polling import check_again_after, is_terminal
from custom_speech_tools.runtime.presenters.references import load_references, present_reference
from custom_speech_tools.runtime.resources import resource_fields
from custom_speech_tools.runtime.results import (
    Created,
    Failure,
    FailureField,
    Finding,
    Findings,
    Listing,
    Moment,
    ReferenceField,
    ResourceAnswer,
    Result,
    Sentence,
    ServiceText,
    optional,
    present_failure,
)
from custom_speech_tools.speech import Speech, SpeechError, schemas

MAX_REJECTED = 20


class Dataset(Result):
    """A dataset in a list; `audio_hours` is null for text."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    kind: ServiceText
    status: ServiceText
    lines: int | None
    rejected_lines: int | None
    audio_hours: float | None
    description: ServiceText | None
    created: Moment | None = Created
    last_action: Moment | None = Field(validation_alias="last_action_date_time")
    error: FailureField | None
    resource: str | None = optional()


class RejectedPart(Result):
    """A line or file that the service rejected."""

    where: ServiceText
    reason: ServiceText


class DatasetDetails(ResourceAnswer):
    """A dataset with what was rejected of it."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    kind: ServiceText
    status: ServiceText
    lines: int | None
    rejected_lines: int | None
    audio_hours: float | None
    description: ServiceText | None
    project: ReferenceField | None
    created: Moment | None
    last_action: Moment | None
    error: FailureField | None
    rejected: list[RejectedPart]
    findings: Findings
    now: Moment
    check_again_after_seconds: int | None = optional()


class UploadedDataset(DatasetDetails):
    """A dataset that was uploaded; `uploaded_bytes` is less than `total_bytes` where the call has to be repeated."""

    already_existed: bool
    uploaded_bytes: int | None
    total_bytes: int | None
    repairs: list[Sentence]


class Datasets(Listing):
    """The datasets of a resource, newest first."""

    datasets: list[Dataset]


class DatasetFields(TypedDict):
    """The fields of DatasetDetails, apart from the next steps."""

    resource: str
    region: str | None
    emulated: bool
    id: str
    display_name: str
    locale: str
    kind: str
    status: str
    lines: int | None
    rejected_lines: int | None
    audio_hours: float | None
    description: str | None
    project: ReferenceField | None
    created: datetime | None
    last_action: datetime | None
    error: Failure | None
    rejected: list[RejectedPart]
    now: datetime
    check_again_after_seconds: int | None


async def dataset_fields(call: CallContext, speech: Speech, dataset: schemas.Dataset) -> DatasetFields:
    """Return what an answer says about a dataset, with what was rejected of it."""
    await load_references(speech, [dataset.project])
    now = call.now(speech)
    return DatasetFields(
        **resource_fields(speech),
        id=dataset.id,
        display_name=dataset.display_name,
        locale=dataset.locale,
        kind=dataset.kind,
        status=dataset.status,
        lines=dataset.lines,
        rejected_lines=dataset.rejected_lines,
        audio_hours=dataset.audio_hours,
        description=dataset.description,
        project=present_reference(speech, dataset.project),
        created=dataset.created_date_time,
        last_action=dataset.last_action_date_time,
        error=present_failure(dataset.error),
        rejected=await read_rejected(speech, dataset) if is_terminal(dataset) else [],
        now=now,
        check_again_after_seconds=None if is_terminal(dataset) else check_again_after(dataset.created_date_time, now),
    )


async def read_rejected(speech: Speech, dataset: schemas.Dataset) -> list[RejectedPart]:
    """Return the first rejected lines or files of the service's report; none where it cannot be read."""
    if dataset.rejected_lines == 0 and dataset.status != "Failed":  # of a failed import nothing is counted
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


def import_findings(dataset: schemas.Dataset) -> list[Finding]:
    """Return a warning where the import left out lines or files."""
    rejected, accepted = dataset.rejected_lines or 0, dataset.lines or 0
    if not rejected:
        return []
    message = (
        f"The import rejected {rejected} of {rejected + accepted} lines or files; `lines` counts the accepted ones."
    )
    fix = "The first of them are in `rejected`; correct them and upload the data again to use them."
    return [Finding(rule="dataset-ready", level="warn", message=message, fix=fix)]


def steps_after_dataset(speech: Speech, dataset: schemas.Dataset) -> list[str]:
    """Return what can be done with a dataset of this status."""
    here = speech.resource.name
    if not is_terminal(dataset):
        return [call_step("get_dataset", dataset=dataset.id, wait_seconds=suggested_wait(), resource=here)]
    if dataset.status == "Failed":
        delete = call_step("delete_entity", kind="dataset", entity=dataset.id, resource=here)
        return ["Correct what `error` and `rejected` name in the data, then upload it again.", delete]
    return [call_step("plan_model", locale=dataset.locale, datasets=[dataset.id], resource=here)]
