"""v3.2 only: a dataset and its data in one multipart form (deprecated by the service, still in its specification)."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from functools import partial
from typing import Any, cast

from custom_speech_emulator.http.error_responses import Refused, invalid
from custom_speech_emulator.http.request import Call, parsed
from custom_speech_emulator.http.request_bodies import NewDataset, checked
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import dataset_imports, entities
from custom_speech_emulator.resources.datasets import DATASETS, fresh

LARGEST = 64 * 1024 * 1024
_FIELDS = {"project", "displayName", "description", "locale", "kind", "customProperties", "data", "email"}


def upload(call: Call) -> Answer:
    """Datasets_Upload."""
    fields = _fields(call)
    data = fields.pop("data", b"")
    if not data:
        raise invalid("InvalidPayload", "A form field with the name data is missing.", "data")
    dataset = fresh(call, checked(call, NewDataset, _body(fields)))
    dataset_imports.awaited(dataset, call.now)
    call.later.append(partial(dataset_imports.read, call.state, call.account, dataset.id, data))
    return entities.created(call, DATASETS, dataset)


def _fields(call: Call) -> dict[str, bytes]:
    kind = call.content_type
    if kind.partition(";")[0].strip().lower() != "multipart/form-data":
        raise Refused(415, "UnsupportedMediaType", "The Content-Type must be multipart/form-data.")
    try:
        head = b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n"
        form = BytesParser(policy=HTTP).parsebytes(head + call.body)
        parts = list(form.iter_parts())
    except Exception:
        # The standard library's parser raises many things on a broken form.
        raise invalid("InvalidRequestBodyFormat", "The form cannot be read.") from None
    fields: dict[str, bytes] = {}
    for part in parts:
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str) or name not in _FIELDS or name in fields:
            raise invalid("InvalidPayload", f"The form field {str(name)[:64]!r} is not known, or is there twice.")
        fields[name] = cast(bytes, part.get_payload(decode=True) or b"")
    return fields


def _body(fields: dict[str, bytes]) -> dict[str, Any]:
    try:
        body: dict[str, Any] = {name: value.decode().strip() for name, value in fields.items() if name != "email"}
    except UnicodeDecodeError:
        raise invalid("InvalidPayload", "A form field is not UTF-8.") from None
    if "project" in body:
        body["project"] = {"self": body["project"]}
    if "customProperties" in body:
        body["customProperties"] = parsed(body["customProperties"].encode())
    return body
