"""What an argument refers to: an entity by its id, its `self` URI or its exact display name."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.next_steps import call
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.addresses import GUID, entity_of, is_within
from custom_speech_tools.speech.paging import Listing
from custom_speech_tools.speech.sanitize import plain

Entity = TypeVar("Entity", bound=schemas.Entity)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Entity]):
    """A kind of entity: its place in a path, its noun, its operations, and the tool that lists it."""

    path: str
    noun: str
    get: Callable[[Speech, str], Awaitable[Entity]]
    named: Callable[[Speech, str], Awaitable[Listing[Entity]]]
    list_tool: str


PROJECT = Kind(
    "projects", "project", Speech.projects_get, lambda s, name: s.projects_list(display_name=name), "list_projects"
)
DATASET = Kind(
    "datasets", "dataset", Speech.datasets_get, lambda s, name: s.datasets_list(display_name=name), "list_datasets"
)
MODEL = Kind(
    "models",
    "custom model",
    Speech.models_get_custom_model,
    lambda s, name: s.models_list_custom_models(display_name=name),
    "list_models",
)
BASE_MODEL = Kind(
    "models/base",
    "base model",
    Speech.models_get_base_model,
    lambda s, name: s.models_list_base_models(display_name=name),
    "list_base_models",
)


async def find(speech: Speech, kind: Kind[Entity], asked: str, locale: str | None = None) -> Entity | Finding:
    """The entity, or the finding that says why there is none; one request. `locale` decides between equal names."""
    if GUID.fullmatch(asked):
        return await _by_id(speech, kind, asked.lower(), locale)
    if asked.lower().startswith(("http://", "https://")):
        wrong = wrong_address(speech, kind, asked)
        named = entity_of(asked)
        return await _by_id(speech, kind, named.id, locale) if named and not wrong else wrong or _no_address(kind)
    return await _by_name(speech, kind, asked, locale)


def wrong_address(speech: Speech, kind: Kind[Entity], address: str) -> Finding | None:
    """Why a `self` URI cannot be one of this kind on this resource; None where it can."""
    if not is_within(speech.resource.endpoint, address):
        return Finding(
            rule="same-resource",
            level="block",
            message=f"The {kind.noun} URI is not on resource {speech.resource.name}.",
            fix=f"Pass the resource it is on as `resource`, or its display name; {kind.list_tool} shows what is here.",
        )
    named = entity_of(address)
    return None if named and named.kind == kind.path else _no_address(kind)


def _no_address(kind: Kind[Entity]) -> Finding:
    return Finding(
        rule="reference-found",
        level="block",
        message=f"The URI names no {kind.noun}.",
        fix=f"A {kind.noun}'s URI ends in /{kind.path}/ and its id; {kind.list_tool} gives ids.",
    )


async def _by_id(speech: Speech, kind: Kind[Entity], entity: str, locale: str | None) -> Entity | Finding:
    try:
        return await kind.get(speech, entity)
    except AzureError as error:
        if error.status != 404:
            raise
    return _missing(speech, kind, entity, locale)


async def _by_name(speech: Speech, kind: Kind[Entity], name: str, locale: str | None) -> Entity | Finding:
    found = [entity for entity in (await kind.named(speech, name)).entities if entity.display_name == name]
    if len(found) > 1:
        found = [entity for entity in found if entity.locale == locale] or found
    if not found:
        return _missing(speech, kind, name, locale)
    return found[0] if len(found) == 1 else _ambiguous(kind, name, found)


def _missing(speech: Speech, kind: Kind[Entity], asked: str, locale: str | None) -> Finding:
    where = speech.resource.name
    return Finding(
        rule="reference-found",
        level="block",
        message=f"Resource {where} has no {kind.noun} {plain(asked, 80)!r}.",
        fix=f"{call(kind.list_tool, locale=locale, resource=where)} shows what there is; "
        "an id belongs to one resource only.",
    )


def _ambiguous(kind: Kind[Entity], name: str, found: list[Entity]) -> Finding:
    candidates = "; ".join(f"{entity.id} ({plain(entity.locale)})" for entity in found[:10])
    return Finding(
        rule="reference-found",
        level="block",
        message=f"{len(found)} {kind.noun}s are called {plain(name, 80)!r}: {candidates}.",
        fix="Pass the id of the one that is meant.",
    )


async def found(speech: Speech, kind: Kind[Entity], asked: str) -> Entity:
    """The entity; raises Refused where there is none."""
    entity = await find(speech, kind, asked)
    if isinstance(entity, Finding):
        raise Refused("Nothing was done.", [entity], "Call again with a reference that exists.")
    return entity
