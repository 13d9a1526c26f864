"""Operations that all kinds of entities share: find, present, list, create, change and delete."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from custom_speech_emulator.http import paging
from custom_speech_emulator.http.errors import conflict, invalid, not_found
from custom_speech_emulator.http.links import HERE, referenced
from custom_speech_emulator.http.odata_filter import Condition, parsed
from custom_speech_emulator.http.operation_call import Answer, Call
from custom_speech_emulator.http.request_bodies import ENTRIES, Body
from custom_speech_emulator.http.versions import Json, Version
from custom_speech_emulator.state import progress
from custom_speech_emulator.state.clock import stamp
from custom_speech_emulator.state.store import Entity, Row

FILTERS = ("displayName", "description", "createdDateTime", "lastActionDateTime", "status", "locale")
EVERYTHING = Condition("1", ())


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of entity: its path, its word in messages, the code of a bad reference, and how it is written.

    `shape` turns an id and a stored document into the wire object of a version; it must depend on nothing else.
    """

    path: str
    word: str
    code: str
    shape: Callable[[str, Json, Version], Json]
    filters: tuple[str, ...] = FILTERS
    shared: bool = False
    moves: bool = True

    def owner(self, call: Call) -> str:
        """Return the account under which it is stored; base models are the same in every account."""
        return "" if self.shared else call.account.name


@lru_cache(maxsize=4096)
def _text(kind: Kind, version: Version, base: str, entity_id: str, document: str) -> str:
    shape = kind.shape(entity_id, json.loads(document), version)
    return json.dumps({name: value for name, value in shape.items() if value is not None}).replace(HERE, base)


def shown(call: Call, kind: Kind, entity: Entity) -> str:
    """Return an entity as JSON text, with placeholders for hosts."""
    return _text(kind, call.version, HERE, entity.id, json.dumps(entity.document))


def found(call: Call, kind: Kind, name: str = "id") -> Entity:
    """Return the entity that the path names; 404 when there is none."""
    entity = call.store.get(kind.owner(call), kind.path, call.path[name])
    if entity is None:
        raise not_found(kind.word)
    return entity


def get(call: Call, kind: Kind) -> Answer:
    """Return one entity; reading it counts as a look."""
    entity = found(call, kind)
    if not entity.finished:
        progress.look(call.state, entity, call.now)
    return Answer(200, shown(call, kind, entity), _retry(call, entity))


def _retry(call: Call, entity: Entity) -> dict[str, str]:
    return {} if entity.finished else {"Retry-After": progress.retry_after(entity.due, call.now)}


def listed(
    call: Call,
    kind: Kind,
    where: Condition = EVERYTHING,
    path: tuple[str, ...] = (),
    fill: Callable[[Row], Row] | None = None,
) -> Answer:
    """Return a page of a list, oldest first, with its link to the next one; `fill` adds to a row what is not stored."""
    skip, top = paging.window(call.query)
    wanted = parsed(call.query["filter"], call.version.filters(kind.filters)) if "filter" in call.query else EVERYTHING
    sql = f"({where.sql}) AND ({wanted.sql})"
    rows = call.store.rows(kind.owner(call), kind.path, sql, where.values + wanted.values, skip, top + 1)
    shown_rows = [fill(row) for row in rows[:top]] if fill else rows[:top]
    here = call.version.link(*(path or (kind.path,)))
    following = paging.next_link(here, call.query, skip, top) if len(rows) > top else None
    retry = {"Retry-After": "1"} if kind.moves and any(row.moving for row in shown_rows) else {}
    return Answer(200, page(call, kind, shown_rows, following), retry)


def page(call: Call, kind: Kind, rows: list[Row], following: str | None) -> str:
    """Return the JSON text of a page."""
    base = call.address.base
    values = ",".join([_text(kind, call.version, base, row.id, row.text) for row in rows])
    return f'{{"values":[{values}]' + (f',"@nextLink":{json.dumps(following)}}}' if following else "}")


def new(call: Call, kind: Kind, body: Body) -> Entity:
    """Return a fresh entity with the plain properties of its body; its own module sets references."""
    document = body.model_dump(include={"displayName", "description", "locale", "customProperties"}, exclude_none=True)
    document["createdDateTime"] = stamp(call.now)
    return Entity(call.account.name, kind.path, call.state.new_id(), document)


def created(call: Call, kind: Kind, entity: Entity) -> Answer:
    """Store a fresh entity and answer 201 with its address."""
    call.store.put(entity)
    call.state.happened(entity, "Creation")
    return Answer(201, shown(call, kind, entity), {"Location": call.version.link(kind.path, entity.id)})


def changed(call: Call, kind: Kind, entity: Entity, update: Body) -> Answer:
    """Merge a patch into an entity and answer with the whole of it."""
    for name in update.model_fields_set & {"displayName", "description", "foundryProjectName"}:
        _set(entity.document, name, getattr(update, name))
    if "customProperties" in update.model_fields_set:
        _set(entity.document, "customProperties", _merged(entity.document, update))
    call.store.put(entity)
    return Answer(200, shown(call, kind, entity), _retry(call, entity))


def _set(document: Json, name: str, value: Any) -> None:
    document[name] = value
    if value is None:
        del document[name]


def _merged(document: Json, update: Body) -> Json | None:
    changes: Json | None = getattr(update, "customProperties")  # noqa: B009 - not every body has it
    if changes is None:
        return None
    merged = {**document.get("customProperties", {}), **changes}
    kept = {name: value for name, value in merged.items() if value is not None}
    if len(kept) > ENTRIES:
        raise invalid("InvalidPayload", f"customProperties has more than {ENTRIES} entries.", "customProperties")
    return kept


def removed(call: Call, kind: Kind, in_use: Callable[[Call, Entity], str | None] | None = None) -> Answer:
    """Take an entity away: 204, also when there was none; 409 while it runs or is used."""
    entity = call.store.get(kind.owner(call), kind.path, call.path["id"])
    if entity is None:
        return Answer(204)
    if not entity.finished and "waits" not in entity.document:
        raise conflict("DeleteNotAllowed", f"The {kind.word} is {entity.status}; it can be deleted when it has ended.")
    user = in_use(call, entity) if in_use else None
    if user:
        raise conflict("InUseViolation", f"The {kind.word} is used by {user}.")
    call.store.remove(entity)
    call.state.happened(entity, "Deletion")
    return Answer(204)


def resolved(call: Call, kind: Kind, uri: str, name: str) -> Entity:
    """Return the entity that a reference in a body names; 400 when it is no reference of ours or names nothing."""
    path = referenced(uri, call.account.region, call.account.name, call.address)
    if path is None or not path.startswith(f"/{kind.path}/"):
        message = f"The value of {name}.self does not reference an entity of this resource."
        raise invalid("InvalidPayload", message, f"{name}.self")
    entity = call.store.get(kind.owner(call), kind.path, path.removeprefix(f"/{kind.path}/"))
    if entity is None:
        raise invalid(kind.code, f"The {kind.word} that {name}.self references does not exist.", f"{name}.self")
    return entity


def same_locale(entity: Entity, locale: str, kind: Kind) -> None:
    """400 `InvalidLocale` when an entity speaks another locale."""
    if entity.document["locale"] != locale:
        message = f"The {kind.word} has the locale {entity.document['locale']}, not {locale}."
        raise invalid("InvalidLocale", message, "locale")
