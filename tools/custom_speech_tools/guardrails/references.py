"""References in arguments: an entity by its id, its `self` URI or its exact display name."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import JsonValue

from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech import AzureError, Speech, SpeechResource, schemas
from custom_speech_tools.speech.addresses import GUID, entity_of, is_within
from custom_speech_tools.speech.paging import Listing
from custom_speech_tools.speech.sanitize import quote, word

AnyModel = schemas.CustomModel | schemas.BaseModel
Entity = TypeVar("Entity", bound=schemas.Entity)

MAX_CANDIDATES = 10


class MissingEntity(Finding):
    """The finding about an id or a name that nothing has."""


class AmbiguousName(Finding):
    """The finding about a name that several entities have."""


@dataclass(frozen=True, slots=True)
class EntityKind(Generic[Entity]):
    """A kind of entity.

    Attributes:
        path: Its place in a path, such as `models/base`.
        noun: Its name in sentences.
        get: Reads one by id.
        list: Lists them, those of one `display_name` for example.
        list_tool: The tool that lists them, or at least returns their ids.
        delete: Deletes one by id; None for what belongs to Microsoft.
    """

    path: str
    noun: str
    get: Callable[[Speech, str], Awaitable[Entity]]
    list: Callable[..., Coroutine[Any, Any, Listing[Entity]]]
    list_tool: str
    delete: Callable[[Speech, str], Awaitable[None]] | None = None


PROJECT = EntityKind(
    "projects", "project", Speech.projects_get, Speech.projects_list, "list_projects", Speech.projects_delete
)
DATASET = EntityKind(
    "datasets", "dataset", Speech.datasets_get, Speech.datasets_list, "list_datasets", Speech.datasets_delete
)
MODEL = EntityKind(
    "models",
    "custom model",
    Speech.models_get_custom_model,
    Speech.models_list_custom_models,
    "list_models",
    Speech.models_delete,
)
BASE_MODEL = EntityKind(
    "models/base", "base model", Speech.models_get_base_model, Speech.models_list_base_models, "list_base_models"
)
EVALUATION = EntityKind(
    "evaluations",
    "evaluation",
    Speech.evaluations_get,
    Speech.evaluations_list,
    "list_evaluations",
    Speech.evaluations_delete,
)
TRANSCRIPTION = EntityKind(
    "transcriptions",
    "transcription",
    Speech.transcriptions_get,
    Speech.transcriptions_list,
    "transcribe",
    Speech.transcriptions_delete,
)
ENDPOINT = EntityKind(
    "endpoints", "endpoint", Speech.endpoints_get, Speech.endpoints_list, "list_endpoints", Speech.endpoints_delete
)

KIND_OF: dict[type[schemas.Entity], EntityKind[Any]] = {
    schemas.Project: PROJECT,
    schemas.Dataset: DATASET,
    schemas.CustomModel: MODEL,
    schemas.BaseModel: BASE_MODEL,
    schemas.Evaluation: EVALUATION,
    schemas.Transcription: TRANSCRIPTION,
    schemas.Endpoint: ENDPOINT,
}


async def find(speech: Speech, kind: EntityKind[Entity], asked: str, locale: str | None = None) -> Entity | Finding:
    """Return the entity, or the finding that says why it cannot be identified.

    Args:
        asked: Id, `self` URI or exact display name.
        locale: Decides between entities of the same name.
    """
    found = await _find(speech, kind, asked, locale)
    if kind.path != MODEL.path or not isinstance(found, MissingEntity):
        return found
    base = await _find(speech, BASE_MODEL, asked, locale)
    if not isinstance(base, schemas.BaseModel | AmbiguousName):  # many locales have base models of one name
        return found
    message = f"{quote(asked)} is a base model of Microsoft, not a custom model."
    fix = "Base models exist in every region and cannot be changed; list_models lists custom models."
    return block("reference-found", message, fix)


async def find_any_model(speech: Speech, asked: str, locale: str | None = None) -> AnyModel | Finding:
    """Return the custom model, or the base model if no custom model has that reference."""
    address = entity_of(asked) if _is_uri(asked) else None
    if address and address.kind == BASE_MODEL.path:
        return await _find(speech, BASE_MODEL, asked, locale)
    custom = await _find(speech, MODEL, asked, locale)
    if isinstance(custom, schemas.CustomModel | AmbiguousName):
        return custom
    base = await _find(speech, BASE_MODEL, address.id if address else asked, locale)
    return base if isinstance(base, schemas.BaseModel | AmbiguousName) else custom


async def find_project(
    speech: Speech, asked: str | None, locale: str | None = None
) -> schemas.Project | Finding | None:
    """Return the project, None if none is asked for, or the finding that says why there is none."""
    if asked is None:
        return None
    return next(projects_are_supported(speech.resource), None) or await find(speech, PROJECT, asked, locale)


def projects_are_supported(resource: SpeechResource) -> Iterator[Finding]:
    """Require that the resource's API version has projects."""
    if not resource.api_version.has_projects:
        message = f"API version {resource.api_version.name} of resource {resource.name} has no projects."
        fix = "Work without a project, or configure api_version 2025-10-15 for the resource."
        yield block("project-supported", message, fix)


async def get_entity(speech: Speech, kind: EntityKind[Entity], asked: str) -> Entity:
    """Return the entity.

    Raises:
        Refused: It cannot be identified.
    """
    entity = await find(speech, kind, asked)
    if isinstance(entity, Finding):
        raise Refused("Nothing was done.", [entity], "Call again with a reference that exists.")
    return entity


async def base_model_of(speech: Speech, model: AnyModel | Finding) -> AnyModel | Finding | None:
    """Return the base model to compare with, None if the model names none."""
    if not isinstance(model, schemas.CustomModel) or model.base_model is None:
        return model if isinstance(model, schemas.BaseModel) else None
    return await find(speech, BASE_MODEL, model.base_model.id)


def uri_of(speech: Speech, entity: schemas.Entity) -> str:
    """Return the `self` URI of an entity on this resource, made from its id."""
    return speech.resource.url(f"/{KIND_OF[type(entity)].path}/{entity.id}")


def link_to(speech: Speech, entity: schemas.Entity | Finding | None) -> dict[str, JsonValue] | None:
    """Return what stands for an entity in the body of a request."""
    return {"self": uri_of(speech, entity)} if isinstance(entity, schemas.Entity) else None


async def _find(speech: Speech, kind: EntityKind[Entity], asked: str, locale: str | None) -> Entity | Finding:
    identifier = _id_in(speech, kind, asked) if _is_uri(asked) else asked
    if isinstance(identifier, Finding):
        return identifier
    if not GUID.fullmatch(identifier):
        return await _find_by_name(speech, kind, identifier, locale)
    try:
        return await kind.get(speech, identifier.lower())
    except AzureError as error:
        if error.status != 404:
            raise
    return _missing(speech, kind, identifier, locale)


def _is_uri(asked: str) -> bool:
    return asked.lower().startswith(("http://", "https://"))


def _id_in(speech: Speech, kind: EntityKind[Entity], uri: str) -> str | Finding:
    if not is_within(speech.resource.endpoint, uri):
        message = f"The {kind.noun} URI does not belong to resource {speech.resource.name}."
        fix = f"Pass its resource as `resource`, or its display name; {kind.list_tool} lists what this resource has."
        return block("same-resource", message, fix)
    address = entity_of(uri)
    if address is None or address.kind != kind.path:
        fix = f"The URI of a {kind.noun} ends in /{kind.path}/ and its id; {kind.list_tool} returns ids."
        return block("reference-found", f"The URI does not name a {kind.noun}.", fix)
    return address.id


async def _find_by_name(speech: Speech, kind: EntityKind[Entity], name: str, locale: str | None) -> Entity | Finding:
    listed = (await kind.list(speech, display_name=name)).entities
    found = [entity for entity in listed if entity.display_name == name]
    if len(found) > 1:
        found = [entity for entity in found if entity.locale == locale] or found
    if not found:
        return _missing(speech, kind, name, locale)
    if len(found) == 1:
        return found[0]
    candidates = "; ".join(map(describe, found[:MAX_CANDIDATES]))
    return AmbiguousName(
        rule="reference-found",
        level="block",
        message=f"{len(found)} {kind.noun}s are called {quote(name)}: {candidates}.",
        fix="Pass the id of the one you mean.",
        remedy="choose",
    )


def _missing(speech: Speech, kind: EntityKind[Entity], asked: str, locale: str | None) -> Finding:
    where = speech.resource.name
    message = f"Resource {where} has no {kind.noun} {quote(asked)}."
    fix = f"{call_step(kind.list_tool, locale=locale, resource=where)} lists what exists; "
    fix += "an id belongs to one resource only."
    if kind is TRANSCRIPTION:
        fix = "Pass the id that transcribe returned; an id belongs to one resource only."
    return MissingEntity(rule="reference-found", level="block", message=message, fix=fix)


def describe(entity: schemas.Entity) -> str:
    """Return what tells an entity from others of the same name."""
    details = [word(entity.locale)]
    details += [word(str(getattr(entity, name))) for name in ("kind", "status") if hasattr(entity, name)]
    if entity.created_date_time:
        details.append(f"created {entity.created_date_time:%Y-%m-%d %H:%M}")
    if isinstance(entity, schemas.Dataset) and entity.lines is not None:
        details.append(f"{entity.lines} lines")
    if entity.description:
        details.append(quote(entity.description, 60))
    return f"{entity.id} ({', '.join(details)})"
