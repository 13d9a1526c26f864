"""Lookup of the entities that arguments name by id, `self` URI or exact display name."""

from collections.abc import Awaitable
from typing import Literal, TypeVar

from pydantic import JsonValue

from custom_speech_tools.runtime.entity_kinds import BASE_MODEL, KIND_OF, MODEL, PROJECT, Entity, EntityKind
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech import AzureError, Speech, SpeechResource, schemas
from custom_speech_tools.speech.sanitize import quote, word
from custom_speech_tools.speech.service_urls import GUID, entity_of, is_within

AnyModel = schemas.CustomModel | schemas.BaseModel
Found = TypeVar("Found")

MAX_CANDIDATES = 10
URI_SCHEMES = ("http://", "https://")


class MissingEntity(Finding):
    """The finding that no entity has the id or name."""


async def find_entity(
    speech: Speech, kind: EntityKind[Entity], reference: str, locale: str | None = None
) -> Entity | Finding:
    """Return the entity, or a finding with the reason why it cannot be identified.

    Args:
        reference: Id, `self` URI or exact display name.
        locale: The preferred locale if several entities have the same name.
    """
    found = await _find(speech, kind, reference, locale)
    if not isinstance(found, MissingEntity):
        return found
    if kind is MODEL:
        base = await _find(speech, BASE_MODEL, reference, locale)
        if isinstance(base, schemas.BaseModel) or base.remedy == "choose":  # base models of many locales share a name
            message = f"{quote(reference)} is a base model of Microsoft, not a custom model."
            fix = "Base models exist in every region and cannot be changed; list_models lists custom models."
            return block("reference-found", message, fix, "none")
    if kind.creating_tool and not (await kind.list(speech)).entities:  # no other reference would help
        message = f"{found.message.removesuffix('.')}, and no other {kind.noun} either."
        fix = f"{kind.creating_tool} makes one."
        found = found.model_copy(update={"message": message, "fix": fix, "remedy": "none"})
    return found


async def find_any_model(speech: Speech, reference: str, locale: str | None = None) -> AnyModel | Finding:
    """Return the custom model, or the base model if no custom model has the id or name."""
    address = entity_of(reference) if reference.lower().startswith(URI_SCHEMES) else None
    if address and address.kind == BASE_MODEL.path:
        return await _find(speech, BASE_MODEL, reference, locale)
    custom = await _find(speech, MODEL, reference, locale)
    if not isinstance(custom, MissingEntity):
        return custom
    base = await _find(speech, BASE_MODEL, address.id if address else reference, locale)
    return custom if isinstance(base, MissingEntity) else base


async def find_project(
    speech: Speech, reference: str | None, locale: str | None = None
) -> schemas.Project | Finding | None:
    """Return the project, a finding if it was not found, or None if there is no reference."""
    if reference is None:
        return None
    return missing_project_support(speech.resource) or await find_entity(speech, PROJECT, reference, locale)


def missing_project_support(resource: SpeechResource, remedy: Literal["correct", "none"] = "correct") -> Finding | None:
    """Return a finding if the API version has no projects. `remedy` is "none" if the request needs a project."""
    if resource.api_version.has_projects:
        return None
    message = f"API version {resource.api_version.name} of resource {resource.name} has no projects."
    fix = "Work without a project, or configure api_version 2025-10-15 for the resource."
    return block("project-supported", message, fix, remedy)


async def get_entity(speech: Speech, kind: EntityKind[Entity], reference: str) -> Entity:
    """Return the entity, or raise Refused if it cannot be identified."""
    entity = await find_entity(speech, kind, reference)
    if isinstance(entity, Finding):
        raise Refused("Nothing was done.", [entity])
    return entity


async def base_model_of(speech: Speech, model: AnyModel | Finding) -> AnyModel | Finding | None:
    """Return a custom model's base model, a base model unchanged, or None if the base model is not known."""
    if not isinstance(model, schemas.CustomModel) or model.base_model is None:
        return model if isinstance(model, schemas.BaseModel) else None
    return await find_entity(speech, BASE_MODEL, model.base_model.id)


async def if_found(read: Awaitable[Found]) -> Found | None:
    """Return the result of a read request, or None if the service responds with 404."""
    try:
        return await read
    except AzureError as error:
        if error.status != 404:
            raise
        return None


def link_to(speech: Speech, entity: schemas.Entity | Finding | None) -> dict[str, JsonValue] | None:
    """Return the reference to an entity for a request body, or None if there is no entity."""
    if not isinstance(entity, schemas.Entity):
        return None
    return {"self": speech.resource.url(f"/{KIND_OF[type(entity)].path}/{entity.id}")}


async def _find(speech: Speech, kind: EntityKind[Entity], reference: str, locale: str | None) -> Entity | Finding:
    """Return the entity with the id or name, preferably of the locale, or a finding if none or several match."""
    resource_name = speech.resource.name
    identifier = _id_in(speech, kind, reference) if reference.lower().startswith(URI_SCHEMES) else reference
    if isinstance(identifier, Finding):
        return identifier
    if GUID.fullmatch(identifier):
        entity = await if_found(kind.get(speech, identifier.lower()))
        found = [] if entity is None else [entity]
    else:
        listed = (await kind.list(speech, display_name=identifier)).entities
        named = [one for one in listed if one.display_name == identifier]
        found = [one for one in named if one.locale == locale] or named
    if len(found) == 1:
        return found[0]
    if found:
        candidates = "; ".join(map(describe, found[:MAX_CANDIDATES]))
        message = f"{len(found)} {kind.noun}s are called {quote(identifier)}: {candidates}."
        return block("reference-found", message, "Pass the id of the one you mean.", "choose")
    message = f"Resource {resource_name} has no {kind.noun} {quote(identifier)}."
    fix = f"{kind.listing(resource_name, locale)}; an id belongs to one resource only."
    return MissingEntity(rule="reference-found", level="block", message=message, fix=fix)


def _id_in(speech: Speech, kind: EntityKind[Entity], uri: str) -> str | Finding:
    """Return the id in a `self` URI, or a finding if the URI belongs to another resource or kind of entity."""
    resource_name, address = speech.resource.name, entity_of(uri)
    if not is_within(speech.resource.endpoint, uri):
        message = f"The {kind.noun} URI does not belong to resource {resource_name}."
        fix = f"Pass its resource as `resource`, or its display name; {kind.listing(resource_name)}."
        return block("same-resource", message, fix)
    if address is None or address.kind != kind.path:
        fix = f"The URI of a {kind.noun} ends in /{kind.path}/ and its id; {kind.listing(resource_name)}."
        return block("reference-found", f"The URI does not name a {kind.noun}.", fix)
    return address.id


def describe(entity: schemas.Entity) -> str:
    """Return the id and details that distinguish an entity from others with the same name."""
    details = [word(entity.locale)]
    details += [word(str(getattr(entity, name))) for name in ("kind", "status") if hasattr(entity, name)]
    if entity.created_date_time:
        details.append(f"created {entity.created_date_time:%Y-%m-%d %H:%M}")
    if isinstance(entity, schemas.Dataset) and entity.lines is not None:
        details.append(f"{entity.lines} lines")
    if entity.description:
        details.append(quote(entity.description, 60))
    return f"{entity.id} ({', '.join(details)})"
