"""Datasets in answers."""

import json
from collections.abc import Sequence
from typing import TypeVar

from pydantic import Field

from custom_speech_tools.presenters.entity import entity_fields, present_reference
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import Choice, call_step, wait_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.related_entities import read_related_and_earlier
from custom_speech_tools.speech import Speech, SpeechError, schemas

MAX_REJECTED = 20
TRAINS_ALONE = frozenset({"Language", "LanguageMarkdown", "Acoustic"})  # of the others a model learns too little alone


class ListedDataset(results.Row):
    """A dataset in a list; `audio_hours` is null for text."""

    kind: results.ServiceText
    lines: int | None
    rejected_lines: int | None
    audio_hours: float | None
    description: results.ServiceText | None
    last_action: results.Moment | None = Field(validation_alias="last_action_date_time")
    error: results.FailureField | None


class Datasets(results.Listing):
    """The datasets of a resource, newest first."""

    datasets: list[ListedDataset]


class RejectedPart(results.Result):
    """A line or file that the service rejected."""

    where: results.ServiceText
    reason: results.ServiceText


class DatasetAnswer(ListedDataset, results.EntityAnswer):
    """A dataset with what was rejected of it."""

    resource: str
    project: results.ReferenceField | None
    rejected: list[RejectedPart]


class UploadedDataset(DatasetAnswer):
    """A dataset that was uploaded; `uploaded_bytes` is less than `total_bytes` if the call has to be repeated."""

    already_existed: bool
    uploaded_bytes: int | None
    total_bytes: int | None
    repairs: list[results.Sentence]


Details = TypeVar("Details", bound=DatasetAnswer)


async def present_dataset(
    call: CallContext, speech: Speech, dataset: schemas.Dataset, answer: type[Details], **more: object
) -> Details:
    """Return a dataset with what was rejected of it; `more` has fields of the answer that are known better."""
    parts, earlier = await read_related_and_earlier(speech, dataset, [dataset.project])
    common = entity_fields(speech, dataset, call.now(speech), earlier)
    here = speech.resource.name
    fields: dict[str, object] = {
        **dict(ListedDataset.model_validate(dataset)),
        **common,
        "project": present_reference(dataset.project, parts),
        "rejected": await _read_rejected(speech, dataset) if is_terminal(dataset) else [],
        "findings": rejection_findings(dataset),
        "next_steps": steps_with_data([(speech, dataset)]),
    }
    if not is_terminal(dataset):
        fields["next_steps"] = [wait_step("get_dataset", common["check_again_after_seconds"], here, dataset=dataset.id)]
    elif dataset.status == "Failed":
        delete = call_step("delete_entity", kind="dataset", entity=dataset.id, resource=here)
        fields["next_steps"] = ["Correct what `error` and `rejected` name in the data, then upload it again.", delete]
    return answer.model_validate(fields | more)


async def _read_rejected(speech: Speech, dataset: schemas.Dataset) -> list[RejectedPart]:
    """Return the first rejected lines or files of the service's report, nothing if it cannot be read."""
    if dataset.rejected_lines == 0 and dataset.status != "Failed":  # of a failed import nothing is counted
        return []
    try:
        files = (await speech.datasets_list_files(dataset.id)).entities
        report = next((file for file in files if file.kind == "DatasetReport"), None)
        content = json.loads(await speech.read_file("Datasets_GetFile", report)) if report else {}
        parts = content.get("rejected", [])[:MAX_REJECTED]
        return [RejectedPart(where=str(part["where"]), reason=str(part["reason"])) for part in parts]
    except (SpeechError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def rejection_findings(dataset: schemas.Dataset) -> list[results.Finding]:
    """Warn of an import that left out lines or files."""
    rejected, total = dataset.rejected_lines or 0, (dataset.rejected_lines or 0) + (dataset.lines or 0)
    message = f"The import rejected {rejected} of {total} lines or files; `lines` counts the accepted ones."
    fix = "The first of them are in `rejected`; correct them and upload the data again to use them."
    return [results.warn("dataset-ready", message, fix)] if rejected else []


def steps_with_data(found: Sequence[tuple[Speech, schemas.Dataset]]) -> list[str]:
    """Return what datasets are good for: a training if one of them is enough for it, else what the newest is for."""
    usable = [
        (speech, one) for speech, one in found if one.status == "Succeeded" and (one.lines != 0 or one.audio_seconds)
    ]
    for speech, dataset in usable:
        if dataset.kind in TRAINS_ALONE and (dataset.kind != "Acoustic" or speech.resource.can_train_audio):
            here = speech.resource.name
            return [call_step("plan_model", locale=dataset.locale, datasets=[dataset.id], resource=here)]
    for speech, dataset in usable[:1]:
        here, locale = speech.resource.name, dataset.locale
        if dataset.kind == "Acoustic":
            return [call_step("create_evaluation", model=Choice("a model"), dataset=dataset.id, resource=here)]
        if dataset.kind == "AudioFiles":
            return [call_step("transcribe", locale=locale, dataset=dataset.id, resource=here)]
        return [call_step("plan_model", locale=locale, datasets=Choice(f"{dataset.id} and others"), resource=here)]
    return []
