"""Files of entities, and the signed addresses of their content."""

import hashlib
import hmac
import mimetypes
import secrets
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.links import HOST_PLACEHOLDER
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.responses import Answer, Refused, invalid
from custom_speech_emulator.resources import entities
from custom_speech_emulator.state.emulator_state import EmulatorState, stamp
from custom_speech_emulator.state.entity_store import SETTINGS, Entity

CONTENT = "/_emulator/content/"  # outside of Azure's paths, as the real addresses are


def shape(_file: str, document: Json, _version: Version) -> Json:
    """Return a File; its address was signed for this answer."""
    links = {"contentUrl": HOST_PLACEHOLDER + document["address"]}
    return {"links": links, "properties": {"size": document["size"]}}


def kind_at(call: Call, place: str, owner: str | None = None) -> entities.Kind:
    """Return the kind of the files below a path, whose addresses are signed; a file without an owner is its own."""
    until = call.now + lifetime(call)

    def address(call: Call, file: str) -> Json:
        return {"address": signed(call.state, call.account.name, owner or file, file, until)}

    return entities.Kind(place, "file", "InvalidPayload", shape, ("name", "createdDateTime", "kind"), computed=address)


def document(name: str, kind: str, content: bytes, at: datetime) -> Json:
    """Return the stored properties of a file."""
    return {"name": name, "kind": kind, "size": len(content), "createdDateTime": stamp(at)}


def add(state: EmulatorState, owner: Entity, name: str, kind: str, content: bytes, at: datetime) -> None:
    """Give an entity a file."""
    file, place = str(uuid.uuid5(uuid.UUID(owner.id), name)), f"{owner.kind}/{owner.id}/files"
    state.store.put(Entity(owner.account, place, file, document(name, kind, content, at)))
    state.store.put_data(owner.account, owner.id, file, content)


def list_all(call: Call, kind: entities.Kind) -> Answer:
    """Datasets_ListFiles, …: list the files of an entity."""
    owner = entities.found(call, kind)
    answer = entities.listed(call, kind_at(call, f"{kind.path}/{owner.id}/files", owner.id))
    return answer if owner.finished else replace(answer, headers={"Retry-After": "1"})


def get(call: Call, kind: entities.Kind) -> Answer:
    """Datasets_GetFile, …: return one file of an entity."""
    owner = entities.found(call, kind)
    files = kind_at(call, f"{kind.path}/{owner.id}/files", owner.id)
    return Answer(200, entities.shown(call, files, entities.found(call, files, "fileId")))


def lifetime(call: Call) -> timedelta:
    """Return how long the addresses of an answer hold: as the query says, or 12 hours."""
    name, unit = call.version.lifetime
    try:
        # 0 seconds is specified for v3.2: an address without a signature.
        asked = call.number(name, 0 if unit == 1 else 1)
    except Refused as refused:
        raise invalid("InvalidSasValidityDuration", refused.message, name) from None
    return timedelta(hours=12) if asked is None else timedelta(seconds=asked * unit)


def signed(state: EmulatorState, account: str, owner: str, name: str, until: datetime) -> str:
    """Return a path and query under which content can be read without a key until a moment."""
    path = _path(account or "-", owner, name)
    if until <= state.now():
        return path
    expires = stamp(until) if until.year < 9999 else "9999-12-31T00:00:00Z"
    return f"{path}?{urlencode({'se': expires, 'sig': _signature(state, path, expires)})}"


def _path(*parts: str) -> str:
    return CONTENT + "/".join(quote(part, safe="") for part in parts)


def _signature(state: EmulatorState, path: str, expires: str) -> str:
    key = state.store.data(*SETTINGS, "signing") or secrets.token_bytes(16)
    state.store.put_data(*SETTINGS, "signing", key)
    return hmac.new(key, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


def content(state: EmulatorState, path: str, query: str) -> Answer:
    """Return the bytes behind a signed address, or an error as blob storage has it: in XML."""
    asked = dict(parse_qsl(query, max_num_fields=10))
    account, owner, name = [*path.removeprefix(CONTENT).split("/", 2), "", ""][:3]
    signature = _signature(state, _path(account, owner, name), asked.get("se", ""))
    if not hmac.compare_digest(signature.encode(), asked.get("sig", "").encode()):
        return _storage_error(403, "AuthenticationFailed", "The signature of this address is not valid.")
    if asked["se"] <= stamp(state.now()):
        return _storage_error(403, "AuthenticationFailed", f"This address has expired at {asked['se']}.")
    account = "" if account == "-" else account
    found = state.store.data(account, owner, name)
    if found is None and account and "." not in name:
        return _storage_error(404, "BlobNotFound", "The specified blob does not exist.")
    type_ = mimetypes.guess_type(name)[0] or "application/octet-stream"
    stand_in = b"This stands for a file that only the real service has.\n"
    return Answer(200, stand_in if found is None else found, {"Content-Type": type_})


def _storage_error(status: int, code: str, message: str) -> Answer:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, body.encode(), {"Content-Type": "application/xml", "x-ms-error-code": code})
