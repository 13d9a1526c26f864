"""Copies of models: facts, and how a copy is recognized."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from custom_speech_tools.guardrails.entity_lookup import find_entity, find_project, if_found
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import MODEL
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.service_urls import GUID, entity_of, is_within, region_of
from custom_speech_tools.speech.tasks_and_threads import task_group

COPIED_FROM_PROPERTY = "custom-speech-mcp-copied-from"  # the custom property of a copy with the id of its source


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """The facts for the rules of copying and connecting; a Finding replaces an entity that was not found."""

    source: Speech
    target: Speech  # the source itself if the model is only connected to a project
    model: schemas.CustomModel | Finding | None  # None if it has not been trained yet
    project: schemas.Project | Finding | None  # on the target
    now: datetime  # the service's time


async def gather_copy_facts(
    call: CallContext, source: Speech, target: Speech, model: str, project: str | None
) -> CopyFacts:
    """Find the model on the source and the project on the target."""
    async with task_group() as tasks:
        model_task = tasks.create_task(find_entity(source, MODEL, model))
        project_task = tasks.create_task(find_project(target, project))
    return CopyFacts(source, target, model_task.return_value, project_task.return_value, call.now(source))


def is_copy(model: schemas.CustomModel) -> bool | None:
    """Return whether a model is a copy, or None if unknown.

    A trained model lists its datasets. A copy lists no datasets, but keeps the idempotency key of its source.
    """
    properties = model.custom_properties or {}
    if model.datasets or COPIED_FROM_PROPERTY in properties:
        return COPIED_FROM_PROPERTY in properties
    return True if KEY_PROPERTY in properties else None


def find_copy(model: schemas.CustomModel, others: Iterable[schemas.CustomModel]) -> schemas.CustomModel | None:
    """Return the copy of a model, recognized by its recorded source or its idempotency key, or None."""
    key = (model.custom_properties or {}).get(KEY_PROPERTY)
    carried = [(other, other.custom_properties or {}) for other in others if other.id != model.id]
    by_source = (other for other, properties in carried if properties.get(COPIED_FROM_PROPERTY) == model.id)
    by_key = (other for other, properties in carried if key and properties.get(KEY_PROPERTY) == key)
    return next(by_source, None) or next(by_key, None)


def may_be_copy(model: schemas.CustomModel, other: schemas.CustomModel) -> bool:
    """Return whether `other`, a model with the same name, may be a copy of `model`.

    It cannot be a copy if it has an idempotency key, is older than the model, or was trained on the target.
    """
    created, copied = model.created_date_time, other.created_date_time
    is_older = created is not None and copied is not None and copied < created
    return not (KEY_PROPERTY in (other.custom_properties or {}) or other.datasets or is_older)


def without_failed(models: Iterable[schemas.CustomModel]) -> list[schemas.CustomModel]:
    """Leave out failed models, because a failed copy can be repeated."""
    return [model for model in models if model.status != "Failed"]


def is_connected(model: schemas.CustomModel, project: schemas.Project) -> bool:
    """Return whether a model is connected to a project."""
    return model.project is not None and model.project.id == project.id


async def list_same_name(target: Speech, model: schemas.CustomModel) -> tuple[schemas.CustomModel, ...]:
    """Return the models on the target that have the source model's name and locale."""
    listing = await target.models_list_custom_models(display_name=model.display_name, locale=model.locale)
    return tuple(one for one in listing.entities if one.display_name == model.display_name)


async def last_operation(call: CallContext, source: Speech, key: str) -> schemas.CopyOperation | None:
    """Return the last operation that this machine started for the idempotency key of a copy, or None."""
    made = call.app.idempotency.last_result(key)
    known = made.id if isinstance(made, schemas.CopyOperation) else call.app.audit.last_id(key)
    return await if_found(source.operations_get_model_copy(known)) if known else None


async def running_copy(call: CallContext, source: Speech, key: str) -> schemas.CopyOperation | None:
    """Return the running operation that any process on this machine started for the idempotency key, or None."""
    operation = await last_operation(call, source, key)
    return None if operation is None or is_terminal(operation) else operation


async def read_copy(call: CallContext, target: Speech, link: str, wait_seconds: float) -> schemas.CustomModel:
    """Return a finished copy, once it can be used or the rest of `wait_seconds` has passed."""
    model = await target.models_get_custom_model(target.trusted_id(link))
    left = wait_seconds - call.elapsed()
    return await poll_until_terminal(call, model, target.models_get_custom_model, left)


async def find_operation(source: Speech, reference: str) -> schemas.CopyOperation:
    """Return the copy operation with this id or URI, or raise Refused."""
    address = entity_of(reference)
    identifier = address.id if address and address.kind == "operations/models/copy" else reference
    message = "`operation` is not the id of a copy operation."
    fix = "Pass the field `operation` of the answer to the copy."
    if GUID.fullmatch(identifier):
        if operation := await if_found(source.operations_get_model_copy(identifier)):
            return operation
        message = f"Resource {source.resource.name} has no copy operation {identifier}."
        fix = "An operation belongs to the copy's source: pass that as `resource`. list_models on the target shows "
        fix += "what has arrived."
    raise Refused("There is no copy to show.", [block("reference-found", message, fix)], "Call again with it.")


async def find_copy_by_link(
    call: CallContext, link: str, source: Speech, wait_seconds: float
) -> tuple[Speech | None, schemas.CustomModel | None]:
    """Return the configured resource and the copy that a link identifies, or None for both."""
    region = region_of(link)
    for target in call.speech_of_all():
        is_possible = is_within(target.resource.endpoint, link) or (region and target.resource.known_region == region)
        if target.resource.name == source.resource.name or not is_possible:
            continue
        try:
            return target, await read_copy(call, target, link, wait_seconds)
        except AzureError as error:
            if error.status not in (401, 403, 404):
                raise
    return None, None
