"""References in arguments: an entity by its id, its `self` URI or its exact display name."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.addresses import GUID, entity_of, is_within
from custom_speech_tools.speech.paging import Listing
from custom_speech_tools.speech.sanitize import quote, word

Entity = TypeVar("Entity", bound=schemas.Entity)

MAX_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class EntityKind(Generic[Entity]):
    """A kind of entity.

    Attributes:
        path: Its place in a path, such as `models/base`.
        noun: Its name in sentences.
        get: Reads one by id.
        list_by_name: Lists those with a display name.
        list_tool: The tool that lists them.
        delete: Deletes one by id; None for what belongs to Microsoft.
    """

    path: str
    noun: str
    get: Callable[[Speech, str], Awaitable[Entity]]
    list_by_name: Callable[[Speech, str], Awaitable[Listing[Entity]]]
    list_tool: str
    delete: Callable[[Speech, str], Awaitable[None]] | None = None


class AmbiguousName(Finding):
    """The finding about a name that several entities have."""


PROJECT = EntityKind(
    "projects",
    "project",
    Speech.projects_get,
    lambda speech, name: speech.projects_list(display_name=name),
    "list_projects",
    Speech.projects_delete,
)
DATASET = EntityKind(
    "datasets",
    "dataset",
    Speech.datasets_get,
    lambda speech, name: speech.datasets_list(display_name=name),
    "list_datasets",
    Speech.datasets_delete,
)
MODEL = EntityKind(
    "models",
    "custom model",
    Speech.models_get_custom_model,
    lambda speech, name: speech.models_list_custom_models(display_name=name),
    "list_models",
    Speech.models_delete,
)
BASE_MODEL = EntityKind(
    "models/base",
    "base model",
    Speech.models_get_base_model,
    lambda speech, name: speech.models_list_base_models(display_name=name),
    "list_base_models",
)


EVALUATION = EntityKind(
    "evaluations",
    "evaluation",
    Speech.evaluations_get,
    lambda speech, name: speech.evaluations_list(display_name=name),
    "list_evaluations",
    Speech.evaluations_delete,
)
TRANSCRIPTION = EntityKind(
    "transcriptions",
    "transcription",
    Speech.transcriptions_get,
    lambda speech, name: speech.transcriptions_list(display_name=name),
    "transcribe",
    Speech.transcriptions_delete,
)
ENDPOINT = EntityKind(
    "endpoints",
    "endpoint",
    Speech.endpoints_get,
    lambda speech, name: speech.endpoints_list(display_name=name),
    "list_endpoints",
    Speech.endpoints_delete,
)


async def find(speech: Speech, kind: EntityKind[Entity], asked: str, locale: str | None = None) -> Entity | Finding:
    """Return the entity, or the finding that says why it cannot be identified.

    Args:
        asked: Id, `self` URI or exact display name.
        locale: Decides between entities of the same name.
    """
    found = await _find(speech, kind, asked, locale)
    if kind.path != MODEL.path or not isinstance(found, Finding) or found.rule != "reference-found":
        return found
    is_uri = asked.lower().startswith(("http://", "https://"))
    if isinstance(found, AmbiguousName) or is_uri:
        return found
    base = await _find(speech, BASE_MODEL, asked, locale)
    if isinstance(base, Finding) and not isinstance(base, AmbiguousName):  # many locales have base models of one name
        return found
    return Finding(
        rule="reference-found",
        level="block",
        message=f"{quote(asked)} is a base model of Microsoft, not a custom model.",
        fix="Base models exist in every region and cannot be changed; list_models lists custom models.",
    )


async def _find(speech: Speech, kind: EntityKind[Entity], asked: str, locale: str | None) -> Entity | Finding:
    if GUID.fullmatch(asked):
        return await _find_by_id(speech, kind, asked.lower(), locale)
    if not asked.lower().startswith(("http://", "https://")):
        return await _find_by_name(speech, kind, asked, locale)
    if not is_within(speech.resource.endpoint, asked):
        return _other_resource(speech, kind)
    address = entity_of(asked)
    if address is None or address.kind != kind.path:
        return _not_an_address(kind)
    return await _find_by_id(speech, kind, address.id, locale)


async def find_any_model(
    speech: Speech, asked: str, locale: str | None = None
) -> schemas.CustomModel | schemas.BaseModel | Finding:
    """Return the custom model or, where none has that reference, the base model."""
    address = entity_of(asked) if asked.lower().startswith(("http://", "https://")) else None
    if address and address.kind == BASE_MODEL.path:
        return await _find(speech, BASE_MODEL, asked, locale)
    custom = await _find(speech, MODEL, asked, locale)
    if not isinstance(custom, Finding) or isinstance(custom, AmbiguousName):
        return custom
    base = await _find(speech, BASE_MODEL, address.id if address else asked, locale)
    is_missing = isinstance(base, Finding) and not isinstance(base, AmbiguousName)
    return custom if is_missing else base


async def get_entity(speech: Speech, kind: EntityKind[Entity], asked: str) -> Entity:
    """Return the entity.

    Raises:
        Refused: It cannot be identified.
    """
    entity = await find(speech, kind, asked)
    if isinstance(entity, Finding):
        raise Refused("Nothing was done.", [entity], "Call again with a reference that exists.")
    return entity


async def _find_by_id(speech: Speech, kind: EntityKind[Entity], entity: str, locale: str | None) -> Entity | Finding:
    try:
        return await kind.get(speech, entity)
    except AzureError as error:
        if error.status != 404:
            raise
    return _missing(speech, kind, entity, locale)


async def _find_by_name(speech: Speech, kind: EntityKind[Entity], name: str, locale: str | None) -> Entity | Finding:
    found = [entity for entity in (await kind.list_by_name(speech, name)).entities if entity.display_name == name]
    if len(found) > 1:
        found = [entity for entity in found if entity.locale == locale] or found
    if not found:
        return _missing(speech, kind, name, locale)
    return found[0] if len(found) == 1 else _ambiguous(kind, name, found)


def _other_resource(speech: Speech, kind: EntityKind[Entity]) -> Finding:
    return Finding(
        rule="same-resource",
        level="block",
        message=f"The {kind.noun} URI does not belong to resource {speech.resource.name}.",
        fix=f"Pass its resource as `resource`, or its display name; {kind.list_tool} lists what this resource has.",
    )


def _not_an_address(kind: EntityKind[Entity]) -> Finding:
    return Finding(
        rule="reference-found",
        level="block",
        message=f"The URI does not name a {kind.noun}.",
        fix=f"The URI of a {kind.noun} ends in /{kind.path}/ and its id; {kind.list_tool} returns ids.",
    )


def _missing(speech: Speech, kind: EntityKind[Entity], asked: str, locale: str | None) -> Finding:
    where = speech.resource.name
    return Finding(
        rule="reference-found",
        level="block",
        message=f"Resource {where} has no {kind.noun} {quote(asked)}.",
        fix=f"{call_step(kind.list_tool, locale=locale, resource=where)} lists what exists; "
        "an id belongs to one resource only.",
    )


def _ambiguous(kind: EntityKind[Entity], name: str, found: list[Entity]) -> Finding:
    candidates = "; ".join(map(describe_candidate, found[:MAX_CANDIDATES]))
    return AmbiguousName(
        rule="reference-found",
        level="block",
        message=f"{len(found)} {kind.noun}s are called {quote(name)}: {candidates}.",
        fix="Pass the id of the one you mean.",
    )


def describe_candidate(entity: schemas.Entity) -> str:
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


async def base_model_of(
    speech: Speech, model: schemas.CustomModel | schemas.BaseModel | Finding
) -> schemas.CustomModel | schemas.BaseModel | Finding | None:
    """Return the base model to compare with, None if the model names none."""
    if not isinstance(model, schemas.CustomModel) or model.base_model is None:
        return model if isinstance(model, schemas.BaseModel) else None
    return await find(speech, BASE_MODEL, model.base_model.id)
