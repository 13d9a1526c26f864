"""Results about custom models, with the next steps."""

from collections.abc import Sequence
from datetime import datetime

from custom_speech_data.dataset_kinds import AUDIO_KINDS
from custom_speech_tools.guardrails.copy_facts import COPIED_FROM_PROPERTY, is_copy
from custom_speech_tools.guardrails.recording_lengths import lengths_of
from custom_speech_tools.presenters.entity import entity_fields, present_dataset_reference, present_reference
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.next_steps import Choice, call_step, wait_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.speech import Speech, schemas


class Model(results.EntityAnswer):
    """A custom model."""

    description: results.ServiceText | None
    base_model: results.EntityReference | None
    datasets: list[results.DatasetReference]
    project: results.ReferenceField | None
    transcription_until: results.Day | None
    copied_from: results.ServiceText | None = results.optional()
    already_existed: bool


class ListedModel(results.Row):
    """A custom model in a list."""

    transcription_until: results.Day | None
    base_model: results.ReferenceField | None
    project: results.ReferenceField | None
    is_copy: bool | None
    copied_from: results.ServiceText | None = results.optional()


class Models(results.Listing):
    """The custom models of a resource, newest first."""

    models: list[ListedModel]


def present_model(
    speech: Speech,
    model: schemas.CustomModel,
    parts: Entities,
    now: datetime,
    earlier: Sequence[schemas.StatefulEntity] = (),  # models that were trained with the same data
    *,
    already_existed: bool = False,
    findings: Sequence[results.Finding] = (),
) -> Model:
    """Return a model with the names of the entities it references."""
    datasets = [parts.get(part.id) for part in model.datasets or []]
    audio = [one for one in datasets if isinstance(one, schemas.Dataset) and one.kind in AUDIO_KINDS]
    hours = sum(lengths_of(dataset).used_seconds for dataset in audio) / 3600
    fields = entity_fields(speech, model, now, earlier, audio_hours=hours)
    return Model(
        **fields,
        description=model.description,
        base_model=present_reference(model.base_model, parts),
        datasets=[present_dataset_reference(part, parts) for part in (model.datasets or [])[: results.MAX_REFERENCES]],
        project=present_reference(model.project, parts),
        transcription_until=model.transcription_until,
        copied_from=(model.custom_properties or {}).get(COPIED_FROM_PROPERTY),
        already_existed=already_existed,
        findings=list(findings),
        next_steps=steps_after_model(speech, model, fields["check_again_after_seconds"]),
    )


def present_listed_model(model: schemas.CustomModel, parts: Entities) -> ListedModel:
    """Return a model as a list item."""
    own = {
        "id": model.id,
        "base_model": present_reference(model.base_model, parts),
        "project": present_reference(model.project, parts),
        "is_copy": is_copy(model),
        "copied_from": (model.custom_properties or {}).get(COPIED_FROM_PROPERTY),
    }
    return ListedModel.model_validate(dict(model) | own)


def steps_after_model(speech: Speech, model: schemas.CustomModel, again: int | None = None) -> list[str]:
    """Return the next steps for a model; `again` is the seconds until its next status check."""
    resource_name = speech.resource.name
    if not is_terminal(model):
        return [wait_step("get_model", again, resource_name, model=model.id)]
    if model.status == "Failed":
        return ["Correct what `error` names, then create_model with another display_name or allow_duplicate=true."]
    choices = {"create_evaluation": {"dataset": Choice("a test dataset")}}
    if model.project is None and speech.resource.api_version.has_projects:
        choices["connect_model"] = {"project": Choice("a project")}
    if speech.resource.can_copy:
        choices["copy_model"] = {"to_resource": Choice("another resource")}
    return [call_step(tool, model=model.id, **choice, resource=resource_name) for tool, choice in choices.items()]
