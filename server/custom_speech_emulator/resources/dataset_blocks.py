"""Uploading a dataset in blocks of at most 8 MiB, and committing them in order."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import Any, Literal

from pydantic import RootModel, ValidationError

from custom_speech_emulator.http.error_responses import Refused, conflict, invalid
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import Body, Name, wrong
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import dataset_imports, entities
from custom_speech_emulator.resources.datasets import DATASETS
from custom_speech_emulator.state.entity_store import Entity

LARGEST = 8 * 1024 * 1024
_LONGEST_ID = 64


class Entry(Body):
    """One block in the order of the dataset."""

    kind: Literal["Committed", "Uncommitted", "Latest"]
    id: Name


class Commit(RootModel[list[Entry]]):
    """The blocks of the dataset in their order."""


def upload(call: Call) -> Answer:
    """Datasets_UploadBlock."""
    dataset = _waiting(call)
    if call.content_type.partition(";")[0].strip().lower() != "application/octet-stream":
        raise Refused(415, "UnsupportedMediaType", "The Content-Type must be application/octet-stream.")
    if len(call.body) > LARGEST:
        raise Refused(413, "InvalidRequest", "A block holds at most 8 MiB.", "InvalidPayload")
    if not call.body:
        raise invalid("EmptyRequest", "The block is empty.")
    known = call.store.data_sizes(call.account.name, _place(dataset))
    block = _block_id(call.query.get("blockid"), list(known))
    place = known[block][0] if block in known else len(known)
    call.store.put_data(call.account.name, _place(dataset), block, call.body, place)
    return Answer(201)


def _block_id(text: str | None, known: list[str]) -> str:
    try:
        raw = base64.b64decode((text or "").encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise invalid("InvalidParameterValue", "The blockid must be Base64.", "blockid") from None
    if text is None or not 0 < len(raw) <= _LONGEST_ID:
        message = f"The blockid must have 1 to {_LONGEST_ID} bytes before it is encoded."
        raise invalid("InvalidParameterValue", message, "blockid")
    if known and len(known[0]) != len(text):
        raise invalid("InvalidParameterValue", "All block ids of a dataset must be equally long.", "blockid")
    return text


def _waiting(call: Call) -> Entity:
    dataset = entities.found(call, DATASETS)
    if dataset.document.get("waits") != "blocks":
        raise conflict("InvalidPrerequisite", "The dataset does not wait for blocks.")
    return dataset


def _place(dataset: Entity) -> str:
    return f"{dataset.id}/blocks"


def list_all(call: Call) -> Answer:
    """Datasets_GetBlocks."""
    dataset = entities.found(call, DATASETS)
    sizes = call.store.data_sizes(call.account.name, _place(dataset))
    uncommitted = [{"name": name, "size": size} for name, (_, size) in sizes.items()]
    body = {"committedBlocks": dataset.document.get("committed", []), "uncommittedBlocks": uncommitted}
    return Answer(200, body, {} if dataset.finished else {"Retry-After": "1"})


def commit(call: Call) -> Answer:
    """Datasets_CommitBlocks: the import goes on; blocks that are not named are forgotten."""
    dataset, entries = _waiting(call), _entries(call.json())
    sizes = call.store.data_sizes(call.account.name, _place(dataset))
    for entry in entries:
        if entry.id not in sizes or entry.kind == "Committed":
            raise invalid("InvalidPayload", f"There is no {entry.kind} block {entry.id[:88]!r}.", "blockList")
    if len({entry.id for entry in entries}) < len(entries):
        raise invalid("InvalidPayload", "A block is named twice.", "blockList")
    if sum(sizes[entry.id][1] for entry in entries) > dataset_imports.LARGEST:
        raise invalid(
            "QuotaViolation", f"The emulator keeps at most {dataset_imports.LARGEST // 2**20} MiB of a dataset."
        )
    parts = [call.store.data(call.account.name, _place(dataset), entry.id) or b"" for entry in entries]
    call.store.drop_data(call.account.name, _place(dataset))
    call.store.put_data(call.account.name, dataset.id, dataset_imports.CONTENT, b"".join(parts))
    dataset_imports.awaited(dataset, call.now)
    dataset.document["committed"] = [{"name": entry.id, "size": sizes[entry.id][1]} for entry in entries]
    call.store.put(dataset)
    call.later.append(partial(dataset_imports.read, call.state, call.account, dataset.id))
    return Answer(200)


def _entries(value: Any) -> list[Entry]:
    try:
        entries = Commit.model_validate(value, strict=True).root
    except ValidationError as error:
        raise wrong(error) from None
    if not entries:
        raise invalid("InvalidPayload", "The list of blocks is empty.", "blockList")
    return entries
