"""v3.2 only: a dataset and its data in one multipart form (deprecated by the service, still in its specification)."""

from __future__ import annotations

from functools import partial
from typing import Any

from custom_speech_emulator.http.error_responses import invalid
from custom_speech_emulator.http.multipart import form_fields
from custom_speech_emulator.http.request import Call, parsed
from custom_speech_emulator.http.request_bodies import NewDataset, checked
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import dataset_imports, entities
from custom_speech_emulator.resources.datasets import DATASETS, fresh

LARGEST = 64 * 1024 * 1024
_FIELDS = {"project", "displayName", "description", "locale", "kind", "customProperties", "data", "email"}


def upload(call: Call) -> Answer:
    """Datasets_Upload."""
    fields = form_fields(call, _FIELDS)
    data = fields.pop("data", b"")
    if not data:
        raise invalid("InvalidPayload", "A form field with the name data is missing.", "data")
    dataset = fresh(call, checked(call, NewDataset, _body(fields)))
    dataset_imports.awaited(dataset, call.now)
    call.later.append(partial(dataset_imports.read, call.state, call.account, dataset.id, data))
    return entities.created(call, DATASETS, dataset)


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
