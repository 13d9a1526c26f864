"""Files of entities, and the signed URLs of their content."""

import hashlib
import hmac
import mimetypes
import secrets
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode

from custom_speech_emulator.http.api_versions import ApiVersion, Json
from custom_speech_emulator.http.host_address import HOST_PLACEHOLDER
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.responses import ApiResponse, ServiceError, invalid
from custom_speech_emulator.resources import entities
from custom_speech_emulator.state.emulator_state import EmulatorState, format_time
from custom_speech_emulator.state.entity_store import SETTINGS, StoredEntity

CONTENT_PATH = "/_emulator/content/"  # outside the paths of the API, like the real URLs of blob storage


def file_to_json(_file: str, document: Json, _version: ApiVersion) -> Json:
    """Return the properties of a File with its signed URL."""
    links = {"contentUrl": HOST_PLACEHOLDER + document["signedPath"]}
    return {"links": links, "properties": {"size": document["size"]}}


def file_kind(call: OperationCall, path: str, owner: str | None = None) -> entities.EntityKind:
    """Return the kind of the files under a path, with signed URLs. Without an owner, the file's id is the owner."""
    until = call.now + url_lifetime(call)

    def signed_path(call: OperationCall, file: str) -> Json:
        return {"signedPath": sign_path(call.state, call.account.name, owner or file, file, until)}

    filters = ("name", "createdDateTime", "kind")
    return entities.EntityKind(path, "file", file_to_json, filters=filters, computed_properties=signed_path)


def file_document(name: str, kind: str, content: bytes, at: datetime) -> Json:
    """Return the stored properties of a file."""
    return {"name": name, "kind": kind, "size": len(content), "createdDateTime": format_time(at)}


def add(state: EmulatorState, owner: StoredEntity, name: str, kind: str, content: bytes, at: datetime) -> None:
    """Add a file to an entity."""
    file, path = str(uuid.uuid5(uuid.UUID(owner.id), name)), f"{owner.kind}/{owner.id}/files"
    state.store.put(StoredEntity(owner.account, path, file, file_document(name, kind, content, at)))
    state.store.put_data(owner.account, owner.id, file, content)


def list_files(call: OperationCall, kind: entities.EntityKind) -> ApiResponse:
    """Handle Datasets_ListFiles and the lists of files of other kinds."""
    owner = entities.get_or_404(call, kind)
    response = entities.list_page(call, file_kind(call, f"{kind.path}/{owner.id}/files", owner.id))
    return response if owner.is_terminal else replace(response, headers={"Retry-After": "1"})


def get_file(call: OperationCall, kind: entities.EntityKind) -> ApiResponse:
    """Handle Datasets_GetFile and the files of other kinds."""
    owner = entities.get_or_404(call, kind)
    files = file_kind(call, f"{kind.path}/{owner.id}/files", owner.id)
    return ApiResponse(200, entities.render_entity(call, files, entities.get_or_404(call, files, "fileId")))


def url_lifetime(call: OperationCall) -> timedelta:
    """Return the lifetime of the content URLs in a response, from the query or else 12 hours."""
    name, unit = call.version.lifetime
    try:
        # In v3.2, 0 seconds stands for a URL without a signature (specification).
        value = call.number(name, 0 if unit == 1 else 1)
    except ServiceError as error:
        raise invalid("InvalidSasValidityDuration", error.message, name) from None
    return timedelta(hours=12) if value is None else timedelta(seconds=value * unit)


def sign_path(state: EmulatorState, account: str, owner: str, name: str, until: datetime) -> str:
    """Return a path and signed query that permit reading content until a time."""
    path = CONTENT_PATH + "/".join(quote(part, safe="") for part in (account or "-", owner, name))
    if until <= state.now():
        return path
    expires = format_time(until) if until.year < 9999 else "9999-12-31T00:00:00Z"
    return f"{path}?{urlencode({'se': expires, 'sig': _sign(state, path, expires)})}"


def _sign(state: EmulatorState, path: str, expires: str) -> str:
    key = state.store.data(*SETTINGS, "signing") or secrets.token_bytes(16)
    state.store.put_data(*SETTINGS, "signing", key)
    return hmac.new(key, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


def get_content(state: EmulatorState, path: str, query: str) -> ApiResponse:
    """Return the content of a signed URL, or an XML error in the format of blob storage."""
    parameters = dict(parse_qsl(query, max_num_fields=10))
    account, owner, name = [*path.removeprefix(CONTENT_PATH).split("/", 2), "", ""][:3]
    signed = CONTENT_PATH + "/".join(quote(part, safe="") for part in (account, owner, name))
    signature = _sign(state, signed, parameters.get("se", ""))
    if not hmac.compare_digest(signature.encode(), parameters.get("sig", "").encode()):
        return _storage_error(403, "AuthenticationFailed", "The signature of this address is not valid.")
    if parameters["se"] <= format_time(state.now()):
        return _storage_error(403, "AuthenticationFailed", f"This address has expired at {parameters['se']}.")
    account = "" if account == "-" else account
    content = state.store.data(account, owner, name)
    if content is None and account and "." not in name:
        return _storage_error(404, "BlobNotFound", "The specified blob does not exist.")
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    substitute = b"This is a placeholder for a file of the real service.\n"
    return ApiResponse(200, substitute if content is None else content, {"Content-Type": media_type})


def _storage_error(status: int, code: str, message: str) -> ApiResponse:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return ApiResponse(status, body.encode(), {"Content-Type": "application/xml", "x-ms-error-code": code})
