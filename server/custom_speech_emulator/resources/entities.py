"""Kinds of entities, and the operations that all kinds share."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from urllib.parse import quote, urlencode

from pydantic import BaseModel

from custom_speech_emulator.http.api_versions import ApiVersion, Json
from custom_speech_emulator.http.host_address import parse_reference
from custom_speech_emulator.http.odata_filter import SqlCondition, parse_filter
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.request_bodies import MAX_CUSTOM_PROPERTIES, UPDATE, read_body
from custom_speech_emulator.http.responses import ApiResponse, conflict, invalid, not_found
from custom_speech_emulator.resources.locales import BY_LOWER_CASE
from custom_speech_emulator.state.emulator_state import CompletionHook, format_time, parse_duration, retry_after
from custom_speech_emulator.state.entity_store import ListedEntity, StoredEntity

FILTERABLE_PROPERTIES = ("displayName", "description", "createdDateTime", "lastActionDateTime", "status", "locale")
MAX_TIME_TO_LIVE = timedelta(days=31)  # of transcriptions (specification)
_MAX_PAGE_SIZE = 100  # guessed
# Properties that are stored and returned unchanged.
_TEXTS = ("displayName", "description", "locale", "foundryProjectName", "kind", "contentUrl", "text", "webUrl")
_UNCHANGED = (*_TEXTS, "customProperties", "events")
_SHARED = (*_UNCHANGED, "name", "createdDateTime", "lastActionDateTime", "status")
_ALL = SqlCondition("1", ())
# The maximum number of entities of a kind in each pricing tier (quotas and limits page, January 2026).
_QUOTAS = {"datasets": {"F0": 2, "S0": 500}, "endpoints": {"F0": 1, "S0": 50}}


@dataclass(frozen=True, eq=False)
class EntityKind:
    """The properties and the behavior that distinguish a kind of entity."""

    path: str  # in URLs and in the store
    word: str  # its name in messages
    # Returns the JSON properties of this kind in a version. Results are cached, so it must have no other inputs.
    to_json: Callable[[str, Json, ApiVersion], Json]
    code: str = "InvalidPayload"  # the detailed error code of a reference to a missing entity
    filters: tuple[str, ...] = FILTERABLE_PROPERTIES
    update: type[BaseModel] = UPDATE  # the type of a patch
    apply_patch: Callable[[OperationCall, StoredEntity, Json], None] | None = None  # for properties of this kind
    parent: "EntityKind | None" = None  # projects, for kinds that a project can contain
    unfinished_code: str = ""  # the error code of a reference to an entity that is not Succeeded, if not `code`
    shared: bool = False  # True if all accounts have the same entities, as with base models
    used_by: tuple[tuple[str, str], ...] = ()  # kinds whose entities prevent deletion, with an SQL condition
    before_delete: Callable[[OperationCall, StoredEntity], None] | None = None
    computed_properties: Callable[[OperationCall, str], Json] | None = None  # computed for each response
    on_completion: CompletionHook | None = None

    def owner(self, call: OperationCall) -> str:
        """Return the account under which the entities of this kind are stored."""
        return "" if self.shared else call.account.name

    def render(self, entity_id: str, document: Json, version: ApiVersion) -> Json:
        """Return the JSON of an entity in a version."""
        rendered = {name: document.get(name) for name in _SHARED if name not in version.absent}
        rendered["self"] = version.link(self.path, entity_id)
        if "project" not in version.absent:
            rendered["project"] = version.reference("projects", document.get("project"))
        rendered |= self.to_json(entity_id, document, version)
        properties = rendered.get("properties")
        if "error" in document and properties is not None:
            rendered["properties"] = properties | {"error": document["error"]}
        return {name: value for name, value in rendered.items() if value is not None}


@lru_cache(maxsize=4096)  # saves most of the time of a long list
def _render_text(kind: EntityKind, version: ApiVersion, entity_id: str, document: str) -> str:
    return json.dumps(kind.render(entity_id, json.loads(document), version))


def render_entity(call: OperationCall, kind: EntityKind, entity: StoredEntity | ListedEntity) -> str:
    """Return an entity as JSON text with placeholders for hosts."""
    if not kind.computed_properties:
        return _render_text(kind, call.version, entity.id, entity.json_text)
    document = json.loads(entity.json_text) | kind.computed_properties(call, entity.id)
    return json.dumps(kind.render(entity.id, document, call.version))


def get_or_404(call: OperationCall, kind: EntityKind, parameter: str = "id") -> StoredEntity:
    """Return the entity named in the path, or raise a 404 error."""
    entity = call.store.get(kind.owner(call), kind.path, call.path[parameter])
    if entity is None:
        raise not_found(kind.word)
    return entity


def get(call: OperationCall, kind: EntityKind) -> ApiResponse:
    """Return the entity named in the path, and count the read."""
    entity = get_or_404(call, kind)
    if not entity.is_terminal:
        call.state.count_read(entity)
    return ApiResponse(200, render_entity(call, kind, entity), retry_after(entity, call.now))


def list_page(
    call: OperationCall, kind: EntityKind, where: SqlCondition = _ALL, path: str = "", skip_parameter: str = "skip"
) -> ApiResponse:
    """Return a page of a list, oldest first, with a link to the next page; `path` overrides the path of the kind."""
    skip, top = call.number(skip_parameter, 0) or 0, min(call.number("top", 1) or _MAX_PAGE_SIZE, _MAX_PAGE_SIZE)
    properties = [name for name in kind.filters if name not in call.version.absent]
    condition = parse_filter(call.query["filter"], properties) if "filter" in call.query else _ALL
    sql = f"({where.sql}) AND ({condition.sql})"
    rows = call.store.rows(kind.owner(call), kind.path, sql, where.values + condition.values, skip, top + 1)
    next_link = ""
    if len(rows) > top:
        address, _, version = call.version.link(path or kind.path).partition("?")
        kept = {name: text for name, text in call.query.items() if name not in (skip_parameter, "top", "api-version")}
        query = urlencode({skip_parameter: skip + top, "top": top, **kept}, quote_via=quote, safe=":")
        link = f"{address}?{query}&{version}" if version else f"{address}?{query}"
        next_link = f',"@nextLink":{json.dumps(link)}'
    headers = {} if all(row.is_terminal for row in rows[:top]) else {"Retry-After": "1"}
    values = ",".join(render_entity(call, kind, row) for row in rows[:top])
    return ApiResponse(200, f'{{"values":[{values}]{next_link}}}', headers)


def new_entity(call: OperationCall, kind: EntityKind, body: Json) -> StoredEntity:
    """Return a new entity, not yet stored. Raises a 400 error for an invalid locale, project or quota."""
    document = {name: body[name] for name in _UNCHANGED if body.get(name) is not None}
    if "locale" in document:
        document["locale"] = validate_locale(document["locale"])
    document["createdDateTime"] = format_time(call.now)
    quota = _QUOTAS.get(kind.path, {}).get(call.account.tier)
    if quota is not None and call.store.count(call.account.name, kind.path) >= quota:
        raise invalid("QuotaViolation", f"A resource of the tier {call.account.tier} can have {quota} {kind.path}.")
    entity = StoredEntity(call.account.name, kind.path, call.state.new_id(), document)
    _set_project(call, kind, entity, body.get("project"))
    return entity


def _set_project(call: OperationCall, kind: EntityKind, entity: StoredEntity, project: Json | None) -> None:
    if project and kind.parent:
        locale = entity.document["locale"]
        entity.document["project"] = resolve_reference(call, kind.parent, project, locale, "project").id


def store_created(call: OperationCall, kind: EntityKind, entity: StoredEntity) -> ApiResponse:
    """Store a new entity and return a 201 response with its URL."""
    call.store.put(entity)
    call.state.record_event(entity, "Creation")
    if entity.status == "Running":
        call.state.record_event(entity, "Processing")
    location = {"Location": call.version.link(kind.path, entity.id)}
    return ApiResponse(201, render_entity(call, kind, entity), location)


def update(call: OperationCall, kind: EntityKind) -> ApiResponse:
    """Apply a merge patch to the entity named in the path and return the entity."""
    entity = get_or_404(call, kind)
    patch: Json = read_body(call, kind.update)
    if "project" in patch:
        entity.document.pop("project", None)
        _set_project(call, kind, entity, patch["project"])
    if kind.apply_patch:
        kind.apply_patch(call, entity, patch)
    replaced = ("displayName", "description", "foundryProjectName")
    changes: Json = {name: patch[name] for name in replaced if name in patch}
    if "customProperties" in patch:
        patched: Json | None = patch["customProperties"]
        both = entity.document.get("customProperties", {}) | (patched or {})
        kept = {name: value for name, value in both.items() if value is not None}
        if len(kept) > MAX_CUSTOM_PROPERTIES:
            message = f"customProperties has more than {MAX_CUSTOM_PROPERTIES} entries."
            raise invalid("InvalidPayload", message, "customProperties")
        changes["customProperties"] = None if patched is None else kept
    merged = (entity.document | changes).items()
    entity.document = {name: value for name, value in merged if value is not None or name not in changes}
    call.store.put(entity)
    return ApiResponse(200, render_entity(call, kind, entity), retry_after(entity, call.now))


def delete(call: OperationCall, kind: EntityKind, parameter: str = "id") -> ApiResponse:
    """Delete the entity named in the path, if it exists. Raises a 409 error while it is running or in use."""
    entity = call.store.get(kind.owner(call), kind.path, call.path[parameter])
    if entity is None:
        return ApiResponse(204)
    if not entity.is_terminal and "waitsFor" not in entity.document:
        raise conflict("DeleteNotAllowed", f"The {kind.word} is {entity.status}; delete it after it has finished.")
    for user, where in kind.used_by:
        for one in call.store.all(call.account.name, user, where, (entity.id,)):
            raise conflict("InUseViolation", f"The {kind.word} is used by the {user.removesuffix('s')} {one.id}.")
    if kind.before_delete:
        kind.before_delete(call, entity)
    call.store.remove(entity)
    call.state.record_event(entity, "Deletion")
    return ApiResponse(204)


def resolve_reference(call: OperationCall, kind: EntityKind, reference: Json, locale: str, name: str) -> StoredEntity:
    """Return the referenced entity. Raises 400 unless it is Succeeded and has the given account and locale."""
    field = f"{name}.self"
    path = parse_reference(reference["self"], call.account.region, call.account.name, call.address)
    if path is None or not path.startswith(f"/{kind.path}/"):
        raise invalid("InvalidPayload", f"The value of {field} does not reference an entity of this resource.", field)
    entity = call.store.get(kind.owner(call), kind.path, path.removeprefix(f"/{kind.path}/"))
    if entity is None:
        raise invalid(kind.code, f"The {kind.word} that {field} references does not exist.", field)
    if entity.document["locale"] != locale:
        message = f"The {kind.word} has the locale {entity.document['locale']}, not {locale}."
        raise invalid("InvalidLocale", message, "locale")
    if entity.status != "Succeeded":
        message = f"The {kind.word} {entity.id} is {entity.status}, not Succeeded."
        raise invalid(kind.unfinished_code or kind.code, message, name)
    return entity


def validate_locale(locale: str) -> str:
    """Return a supported locale in the letter case of the service, or raise a 400 `InvalidLocale` error."""
    name = BY_LOWER_CASE.get(locale.lower())
    if name is None:
        raise invalid("InvalidLocale", f"The locale {locale[:35]!r} is not supported.", "locale")
    return name


def parse_time_to_live(text: str | None) -> timedelta:
    """Return a time to live of v3.2, or zero for none. Raises 400 for invalid text and for more than 31 days."""
    duration = parse_duration(text) if text else timedelta()
    if duration is None or duration > MAX_TIME_TO_LIVE:
        message = "timeToLive must be an ISO 8601 duration of at most 31 days."
        raise invalid("InvalidTimeToLive", message, "properties.timeToLive")
    return duration
