"""Files of datasets, models and evaluations, and the signed addresses under which their content lies."""

from __future__ import annotations

import hashlib
import hmac
import mimetypes
import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode

from custom_speech_emulator.http import paging
from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.error_responses import Refused, invalid
from custom_speech_emulator.http.links import HOST_PLACEHOLDER
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import entities
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.state.clock import stamp
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import Entity, Row

CONTENT = "/_emulator/content/"
DEFAULT_LIFE = timedelta(hours=12)
_STAND_IN = b"This stands for a file that only the real service has.\n"


def shape(file: str, document: Json, version: Version) -> Json:
    """Return a File; its address was signed for this answer."""
    milliseconds = document.get("milliseconds")
    return {
        "self": version.link(*document["of"], "files", file),
        "name": document["name"],
        "kind": document["kind"],
        "links": {"contentUrl": HOST_PLACEHOLDER + document["address"]},
        "properties": {"size": document["size"], **({} if milliseconds is None else version.duration(milliseconds))},
        "createdDateTime": document["createdDateTime"],
    }


def _kind(owner: Entity) -> Kind:
    return Kind(f"{owner.kind}/{owner.id}/files", "file", "InvalidPayload", shape, ("name", "createdDateTime", "kind"))


def add(state: EmulatorState, owner: Entity, name: str, kind: str, content: bytes, at: datetime) -> None:
    """Give an entity a file."""
    file = str(uuid.uuid5(uuid.UUID(owner.id), name))
    document = {"of": [owner.kind, owner.id], "name": name, "kind": kind, "size": len(content)}
    document["createdDateTime"] = stamp(at)
    state.store.put(Entity(owner.account, _kind(owner).path, file, document))
    state.store.put_data(owner.account, owner.id, file, content)


def listing(of: Kind) -> Callable[[Call], Answer]:
    """Return the operation that lists the files of an entity."""

    def list_files(call: Call) -> Answer:
        owner = entities.found(call, of)
        until = call.now + lifetime(call)

        def sign(row: Row) -> Row:
            address = signed(call.state, owner.account, owner.id, row.id, until)
            return row.with_properties({"address": address})

        answer = entities.listed(call, _kind(owner), path=(of.path, owner.id, "files"), fill=sign)
        return answer if owner.finished else replace(answer, headers={"Retry-After": "1"})

    return list_files


def getting(of: Kind) -> Callable[[Call], Answer]:
    """Return the operation that gets one file of an entity."""

    def get_file(call: Call) -> Answer:
        owner = entities.found(call, of)
        file = entities.found(call, _kind(owner), "fileId")
        file.document["address"] = signed(call.state, owner.account, owner.id, file.id, call.now + lifetime(call))
        return Answer(200, entities.shown(call, _kind(owner), file))

    return get_file


def lifetime(call: Call) -> timedelta:
    """Return how long the addresses of an answer hold: what the query says, or 12 hours."""
    name, unit = call.version.lifetime
    asked = call.query.get(name)
    if asked is None:
        return DEFAULT_LIFE
    try:
        # 0 seconds is specified for v3.2: an address without a signature.
        return timedelta(seconds=(paging.number(call.query, name, 0 if unit == 1 else 1) or 0) * unit)
    except Refused as refused:
        raise invalid("InvalidSasValidityDuration", refused.message, name) from None


def signed(state: EmulatorState, account: str, owner: str, name: str, until: datetime) -> str:
    """Return a path and query under which content can be read without a key until a moment."""
    path = CONTENT + "/".join(quote(part, safe="") for part in (account or "-", owner, name))
    if until <= state.now():
        return path
    expires = stamp(until) if until.year < 9999 else "9999-12-31T00:00:00Z"
    return f"{path}?{urlencode({'se': expires, 'sig': _signature(state, path, expires)})}"


def _signature(state: EmulatorState, path: str, expires: str) -> str:
    key = state.store.setting("signing") or secrets.token_hex(16)
    state.store.set("signing", key)
    return hmac.new(key.encode(), f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


def content(state: EmulatorState, path: str, query: str) -> Answer:
    """Return the bytes behind a signed address, or an error as blob storage has it: in XML."""
    asked = dict(parse_qsl(query, max_num_fields=10))
    account, _, rest = path.removeprefix(CONTENT).partition("/")
    owner, _, name = rest.partition("/")
    canonical = CONTENT + "/".join(quote(part, safe="") for part in (account, owner, name))
    signature = _signature(state, canonical, asked.get("se", ""))
    if not hmac.compare_digest(signature.encode(), asked.get("sig", "").encode()):
        return _storage_error(403, "AuthenticationFailed", "The signature of this address is not valid.")
    if asked["se"] <= stamp(state.now()):
        return _storage_error(403, "AuthenticationFailed", f"This address has expired at {asked['se']}.")
    return _bytes(state, "" if account == "-" else account, owner, name)


def _bytes(state: EmulatorState, account: str, owner: str, name: str) -> Answer:
    found = state.store.data(account, owner, name)
    if found is None and account and "." not in name:
        return _storage_error(404, "BlobNotFound", "The specified blob does not exist.")
    type_ = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Answer(200, _STAND_IN if found is None else found, {"Content-Type": type_})


def _storage_error(status: int, code: str, message: str) -> Answer:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, body.encode(), {"Content-Type": "application/xml", "x-ms-error-code": code})
