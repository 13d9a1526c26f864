"""Results about datasets."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from pydantic import Field

from custom_speech_data.dataset_kinds import KINDS
from custom_speech_tools.guardrails.dataset_import import ImportReport, RejectedPart, import_is_complete
from custom_speech_tools.presenters.entity import entity_fields, present_reference
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.next_steps import Choice, call_step, wait_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.speech import Speech, schemas


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


class DatasetAnswer(ListedDataset, results.EntityAnswer):
    """A dataset and its rejected lines or files."""

    resource: str
    project: results.ReferenceField | None
    rejected: list[RejectedPart]


class UploadedDataset(DatasetAnswer):
    """An uploaded dataset; if `uploaded_bytes` is less than `total_bytes`, repeat the call to continue."""

    already_existed: bool
    uploaded_bytes: int | None
    total_bytes: int | None
    repairs: list[results.Sentence]


Answer = TypeVar("Answer", bound=DatasetAnswer)


def present_dataset(report: ImportReport, now: datetime, answer: type[Answer], **more: object) -> Answer:
    """Return a dataset with its rejected lines or files; `more` adds or replaces fields."""
    speech, dataset = report.speech, report.dataset
    common = entity_fields(speech, dataset, now, report.earlier)
    resource, seconds = speech.resource.name, common["check_again_after_seconds"]
    steps = steps_with_data([(speech, dataset)])
    if not is_terminal(dataset):
        steps = [wait_step("get_dataset", seconds, resource, dataset=dataset.id)]
    elif dataset.status == "Failed":
        delete = call_step("delete_entity", kind="dataset", entity=dataset.id, resource=resource)
        steps = ["Correct what `error` and `rejected` name in the data, then upload it again.", delete]
    fields: dict[str, object] = {
        **dict(ListedDataset.model_validate(dataset)),
        **common,
        "project": present_reference(dataset.project, report.parts),
        "rejected": report.rejected or [],
        "findings": list(import_is_complete(report)),
        "next_steps": steps,
    }
    return answer.model_validate(fields | more)


def steps_with_data(found: Sequence[tuple[Speech, schemas.Dataset]]) -> list[str]:
    """Suggest training with the first dataset that suffices alone; otherwise, how to use the newest one."""
    usable = [
        (speech, one) for speech, one in found if one.status == "Succeeded" and (one.lines != 0 or one.audio_seconds)
    ]
    for speech, dataset in usable:
        trains_alone = dataset.kind in KINDS and KINDS[dataset.kind].trains_alone
        if trains_alone and (dataset.kind != "Acoustic" or speech.resource.can_train_audio):
            resource = speech.resource.name
            return [call_step("plan_model", locale=dataset.locale, datasets=[dataset.id], resource=resource)]
    for speech, dataset in usable[:1]:
        resource, locale = speech.resource.name, dataset.locale
        if dataset.kind == "Acoustic":
            return [call_step("create_evaluation", model=Choice("a model"), dataset=dataset.id, resource=resource)]
        if dataset.kind == "AudioFiles":
            return [call_step("transcribe", locale=locale, dataset=dataset.id, resource=resource)]
        return [call_step("plan_model", locale=locale, datasets=Choice(f"{dataset.id} and others"), resource=resource)]
    return []
