"""Kinds of entities with the operations that they share, and projects, which hold entities of five kinds.

A kind says what differs: how it is written, what an update changes, and what keeps it from being deleted.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from urllib.parse import quote, urlencode

from pydantic import BaseModel

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.links import referenced
from custom_speech_emulator.http.odata_filter import Condition, parsed
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import ENTRIES, NEW_PROJECT, PROJECT_UPDATE, UPDATE, read
from custom_speech_emulator.http.responses import Answer, conflict, invalid, not_found
from custom_speech_emulator.resources.locales import BY_LOWER_CASE
from custom_speech_emulator.state.emulator_state import Ending, duration, retry_after, stamp
from custom_speech_emulator.state.entity_store import Entity, Row

FILTERS = ("displayName", "description", "createdDateTime", "lastActionDateTime", "status", "locale")
_PAGE = 100  # guessed
LONGEST_LIFE = timedelta(days=31)  # of transcriptions (specification)
# Properties that are stored and written as they were sent, if a kind has them.
_TEXTS = ("displayName", "description", "locale", "foundryProjectName", "kind", "contentUrl", "text", "webUrl")
_PLAIN = (*_TEXTS, "customProperties", "events")
_STORED = (*_PLAIN, "name", "createdDateTime", "lastActionDateTime", "status")
_EVERYTHING, _HELD = Condition("1", ()), "json_extract(document, '$.project') = ?"
# The kinds that projects hold, and of which web hooks have events.
CONTENT = ("evaluations", "datasets", "models", "endpoints", "transcriptions")
# The most entities of a kind in the pricing tiers (quotas and limits page, January 2026).
_QUOTAS = {"datasets": {"F0": 2, "S0": 500}, "endpoints": {"F0": 1, "S0": 50}}


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of entity."""

    path: str  # below the root of the API, and in the store
    word: str  # its name in messages
    code: str  # the detailed error code of a reference to a missing entity
    # The properties of this kind in a version. It must depend on its arguments only, because the result is cached.
    shape: Callable[[str, Json, Version], Json]
    filters: tuple[str, ...] = FILTERS  # the properties that a list can be filtered by
    update: type[BaseModel] = UPDATE
    change: Callable[[Call, Entity, Json], None] | None = None  # applies properties that only this kind has
    unfinished_code: str = ""  # that of a reference to an entity that is not Succeeded, if it differs
    shared: bool = False  # the same in every account, as base models are
    used_by: tuple[tuple[str, str], ...] = ()  # kinds whose entities prevent a deletion, with a condition in SQL
    removing: Callable[[Call, Entity], None] | None = None  # runs before an entity is deleted
    computed: Callable[[Call, str], Json] | None = None  # properties that are computed for each answer
    ended: Ending | None = None  # runs when an entity has ended, Succeeded or Failed

    def owner(self, call: Call) -> str:
        """Return the account under which it is stored."""
        return "" if self.shared else call.account.name

    def written(self, entity_id: str, document: Json, version: Version) -> Json:
        """Return an entity as JSON of a version: the properties of all kinds, and those of this kind."""
        wire = {name: document.get(name) for name in _STORED if name not in version.absent}
        wire["self"] = version.link(self.path, entity_id)
        if "project" not in version.absent:
            wire["project"] = version.reference("projects", document.get("project"))
        wire |= self.shape(entity_id, document, version)
        properties = wire.get("properties")
        if "error" in document and properties is not None:
            wire["properties"] = properties | {"error": document["error"]}
        return {name: value for name, value in wire.items() if value is not None}


@lru_cache(maxsize=4096)  # most of the time of a long list
def _text(kind: Kind, version: Version, entity_id: str, document: str) -> str:
    return json.dumps(kind.written(entity_id, json.loads(document), version))


def shown(call: Call, kind: Kind, entity: Entity | Row) -> str:
    """Return an entity as JSON text, with placeholders for hosts."""
    if not kind.computed:
        return _text(kind, call.version, entity.id, entity.text)
    return json.dumps(kind.written(entity.id, json.loads(entity.text) | kind.computed(call, entity.id), call.version))


def found(call: Call, kind: Kind, name: str = "id") -> Entity:
    """Return the entity that the path names; 404 if there is none."""
    entity = call.store.get(kind.owner(call), kind.path, call.path[name])
    if entity is None:
        raise not_found(kind.word)
    return entity


def get(call: Call, kind: Kind) -> Answer:
    """Return one entity; with `reads:N` this lets it progress."""
    entity = found(call, kind)
    if not entity.finished:
        call.state.read(entity)
    return Answer(200, shown(call, kind, entity), retry_after(entity, call.now))


def listed(
    call: Call, kind: Kind, where: Condition = _EVERYTHING, path: str = "", skip_parameter: str = "skip"
) -> Answer:
    """Return a page of a list, oldest first, and the link to the next page; `path` if it is not the kind's."""
    skip, top = call.number(skip_parameter, 0) or 0, min(call.number("top", 1) or _PAGE, _PAGE)
    properties = [name for name in kind.filters if name not in call.version.absent]
    wanted = parsed(call.query["filter"], properties) if "filter" in call.query else _EVERYTHING
    sql = f"({where.sql}) AND ({wanted.sql})"
    rows = call.store.rows(kind.owner(call), kind.path, sql, where.values + wanted.values, skip, top + 1)
    following = ""
    if len(rows) > top:
        address, _, version = call.version.link(path or kind.path).partition("?")
        kept = {name: text for name, text in call.query.items() if name not in (skip_parameter, "top", "api-version")}
        parts = urlencode({skip_parameter: skip + top, "top": top, **kept}, quote_via=quote, safe=":")
        link = f"{address}?{parts}&{version}" if version else f"{address}?{parts}"
        following = f',"@nextLink":{json.dumps(link)}'
    retry = {"Retry-After": "1"} if any(row.moving for row in rows[:top]) else {}
    values = ",".join(shown(call, kind, row) for row in rows[:top])
    return Answer(200, f'{{"values":[{values}]{following}}}', retry)


def new(call: Call, kind: Kind, body: Json) -> Entity:
    """Return a fresh entity with the plain properties of its body; 400 if the locale, project or quota is not right."""
    document = {name: body[name] for name in _PLAIN if body.get(name) is not None}
    if "locale" in document:
        document["locale"] = offered(document["locale"])
    document["createdDateTime"] = stamp(call.now)
    most = _QUOTAS.get(kind.path, {}).get(call.account.tier)
    if most is not None and call.store.count(call.account.name, kind.path) >= most:
        raise invalid("QuotaViolation", f"A resource of the tier {call.account.tier} can have {most} {kind.path}.")
    entity = Entity(call.account.name, kind.path, call.state.new_id(), document)
    _connect(call, entity, body.get("project"))
    return entity


def _connect(call: Call, entity: Entity, project: Json | None) -> None:
    if project:
        entity.document["project"] = resolved(call, PROJECTS, project, entity.document["locale"], "project").id


def created(call: Call, kind: Kind, entity: Entity) -> Answer:
    """Store a fresh entity and answer 201 with its address."""
    call.store.put(entity)
    call.state.record_event(entity, "Creation")
    if entity.status == "Running":
        call.state.record_event(entity, "Processing")
    return Answer(201, shown(call, kind, entity), {"Location": call.version.link(kind.path, entity.id)})


def update(call: Call, kind: Kind) -> Answer:
    """Merge a patch into an entity and answer with the whole of it."""
    entity = found(call, kind)
    patch: Json = read(call, kind.update)
    if "project" in patch:
        entity.document.pop("project", None)
        _connect(call, entity, patch["project"])
    if kind.change:
        kind.change(call, entity, patch)
    changes: Json = {
        name: patch[name] for name in ("displayName", "description", "foundryProjectName") if name in patch
    }
    if "customProperties" in patch:
        given: Json | None = patch["customProperties"]
        both = entity.document.get("customProperties", {}) | (given or {})
        kept = {name: value for name, value in both.items() if value is not None}
        if len(kept) > ENTRIES:
            raise invalid("InvalidPayload", f"customProperties has more than {ENTRIES} entries.", "customProperties")
        changes["customProperties"] = None if given is None else kept
    merged = (entity.document | changes).items()
    entity.document = {name: value for name, value in merged if value is not None or name not in changes}
    call.store.put(entity)
    return Answer(200, shown(call, kind, entity), retry_after(entity, call.now))


def delete(call: Call, kind: Kind, name: str = "id") -> Answer:
    """Delete the entity that the path names: 204, also if it does not exist; 409 while it runs or is used."""
    entity = call.store.get(kind.owner(call), kind.path, call.path[name])
    if entity is None:
        return Answer(204)
    if not entity.finished and "waits" not in entity.document:
        raise conflict("DeleteNotAllowed", f"The {kind.word} is {entity.status}; it can be deleted when it has ended.")
    for user, where in kind.used_by:
        for one in call.store.all(call.account.name, user, where, (entity.id,)):
            raise conflict("InUseViolation", f"The {kind.word} is used by the {user.removesuffix('s')} {one.id}.")
    if kind.removing:
        kind.removing(call, entity)
    call.store.remove(entity)
    call.state.record_event(entity, "Deletion")
    return Answer(204)


def resolved(call: Call, kind: Kind, reference: Json, locale: str, name: str) -> Entity:
    """Return the entity that a reference in a body names; 400 unless it is ours, Succeeded and of that locale."""
    path, field = referenced(reference["self"], call.account.region, call.account.name, call.address), f"{name}.self"
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


def offered(locale: str) -> str:
    """Return a locale in the service's case; 400 `InvalidLocale` if it is not offered."""
    name = BY_LOWER_CASE.get(locale.lower())
    if name is None:
        raise invalid("InvalidLocale", f"The locale {locale[:35]!r} is not supported.", "locale")
    return name


def time_to_live(text: str | None) -> timedelta:
    """Return how long v3.2 keeps an entity, zero for ever; 400 above 31 days and for other texts than durations."""
    life = duration(text) if text else timedelta()
    if life is None or life > LONGEST_LIFE:
        message = "timeToLive must be an ISO 8601 duration of at most 31 days."
        raise invalid("InvalidTimeToLive", message, "properties.timeToLive")
    return life


def _project(project: str, document: Json, version: Version) -> Json:
    """Return a Project."""
    return {
        "links": {name: version.link("projects", project, name) for name in CONTENT},
        "properties": document.get("counts"),
    }


def _counts(call: Call, project: str) -> Json:
    if call.version.dated:  # v3.2 alone says how much of each kind a project holds
        return {}
    counts = {name: call.store.count(call.account.name, name, _HELD, (project,)) for name in CONTENT}
    return {"counts": {f"{name.removesuffix('s')}Count": count for name, count in counts.items()}}


def _release(call: Call, project: Entity) -> None:
    for kind in CONTENT:
        for entity in call.store.all(call.account.name, kind, _HELD, (project.id,)):
            del entity.document["project"]
            call.store.put(entity)


_FILTERS = ("displayName", "description", "createdDateTime", "locale", "foundryProjectName")
PROJECTS = Kind(
    "projects", "project", "InvalidProject", _project, _FILTERS, PROJECT_UPDATE, removing=_release, computed=_counts
)


def create_project(call: Call) -> Answer:
    """Projects_Create."""
    return created(call, PROJECTS, new(call, PROJECTS, read(call, NEW_PROJECT)))


def list_contents(call: Call, kind: Kind) -> Answer:
    """Projects_ListModels, …: list what a project holds of one kind."""
    project = found(call, PROJECTS)
    return listed(call, kind, Condition(_HELD, (project.id,)), f"projects/{project.id}/{kind.path}")
