"""Datasets for training and testing. Their content comes from an address, in blocks or in a form."""

import base64
from functools import partial
from typing import Any

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.request import Call, parsed
from custom_speech_emulator.http.request_bodies import BLOCKS, NEW_DATASET, read, setting
from custom_speech_emulator.http.responses import Answer, Refused, conflict, invalid
from custom_speech_emulator.resources import dataset_imports, entities
from custom_speech_emulator.resources.dataset_imports import LARGEST, ended, fetched
from custom_speech_emulator.resources.locales import AUDIO
from custom_speech_emulator.state.emulator_state import stamp
from custom_speech_emulator.state.entity_store import Entity


def shape(dataset: str, document: Json, version: Version) -> Json:
    """Return a Dataset; the links for blocks are there only while it waits for them."""
    links = {"files": version.link("datasets", dataset, "files")}
    if document.get("waits") == "blocks":
        blocks = version.link("datasets", dataset, "blocks")
        commit = version.link("datasets", dataset, "blocks:commit")
        links |= {"commitBlocks": commit, "listBlocks": blocks, "uploadBlocks": blocks}
    # The counts are there from the start, as recorded live of a dataset that waits for its blocks.
    properties: Json = {name: document.get(name, 0) for name in ("acceptedLineCount", "rejectedLineCount")}
    if "textNormalizationKind" in document:
        properties["textNormalizationKind"] = document["textNormalizationKind"]
    if document["kind"] in AUDIO:
        properties |= version.duration(document.get("milliseconds"))
    return {"links": links, "properties": properties}


# What is still read: by a training, a test or a transcription that has not ended.
_TRAINING = "moving AND EXISTS (SELECT 1 FROM json_each(document, '$.datasets') WHERE value = ?)"
_READING = "moving AND json_extract(document, '$.dataset') = ?"
_USES = (("models", _TRAINING), ("evaluations", _READING), ("transcriptions", _READING))
_FILTERS = (*entities.FILTERS, "kind")
DATASETS = entities.Kind(
    "datasets",
    "dataset",
    "InvalidDataset",
    shape,
    _FILTERS,
    unfinished_code="FailedDataset",
    used_by=_USES,
    ended=ended,
)


def create(call: Call) -> Answer:
    """Datasets_Create: reads its content from `contentUrl`, or waits for blocks without one."""
    body = read(call, NEW_DATASET)
    dataset, url = _new(call, body), body.get("contentUrl")
    if url is None:
        dataset.document["waits"] = "blocks"
        return entities.created(call, DATASETS, dataset)
    if not dataset_imports.is_address(url):
        raise invalid("InvalidPayload", "The contentUrl must be an http, https or file address.", "contentUrl")
    call.require_trust("contentUrl", url)
    dataset_imports.start(call, dataset, partial(fetched, url, call.state.settings.allow_content_hosts))
    return entities.created(call, DATASETS, dataset)


def upload(call: Call) -> Answer:
    """Datasets_Upload (v3.2): a dataset and its data in one form; deprecated by the service, but specified."""
    fields = call.form({"project", "displayName", "description", "locale", "kind", "customProperties", "data", "email"})
    data = fields.pop("data", b"")
    if not data:
        raise invalid("InvalidPayload", "A form field with the name data is missing.", "data")
    try:
        body: dict[str, Any] = {name: value.decode().strip() for name, value in fields.items() if name != "email"}
    except UnicodeDecodeError:
        raise invalid("InvalidPayload", "A form field is not UTF-8.") from None
    if "project" in body:
        body["project"] = {"self": body["project"]}
    if "customProperties" in body:
        body["customProperties"] = parsed(body["customProperties"].encode())
    dataset = _new(call, read(call, NEW_DATASET, body))
    dataset_imports.start(call, dataset, lambda: data)
    return entities.created(call, DATASETS, dataset)


def _new(call: Call, body: Json) -> Entity:
    """Return a dataset without content; 400 if the locale, the project or the quota does not allow it."""
    dataset = entities.new(call, DATASETS, body)  # the list of kinds of a locale is not enforced (recorded live)
    dataset.document |= {"status": "NotStarted", "lastActionDateTime": stamp(call.now)}
    normalization = setting(body, "textNormalizationKind")
    if normalization:
        dataset.document["textNormalizationKind"] = normalization
    return dataset


def audio_dataset(call: Call, reference: Json, locale: str) -> Entity:
    """Return the dataset of recordings that a body names; 400 if it cannot be recognized."""
    dataset = entities.resolved(call, DATASETS, reference, locale, "dataset")
    if dataset.document["kind"] not in AUDIO:
        raise invalid("InvalidTest", f"A dataset of the kind {dataset.document['kind']} holds no audio.", "dataset")
    return dataset


def _waiting(call: Call) -> Entity:
    dataset = entities.found(call, DATASETS)
    if dataset.document.get("waits") != "blocks":
        raise conflict("InvalidPrerequisite", "The dataset does not wait for blocks.")
    return dataset


def upload_block(call: Call) -> Answer:
    """Datasets_UploadBlock."""
    place = f"{_waiting(call).id}/blocks"
    if call.content_type.partition(";")[0].strip().lower() != "application/octet-stream":
        raise Refused(415, "UnsupportedMediaType", "The Content-Type must be application/octet-stream.")
    if not call.body:
        raise invalid("EmptyRequest", "The block is empty.")
    block = call.query.get("blockid", "")
    try:
        size = len(base64.b64decode(block, validate=True))
    except ValueError:
        size = 0
    if not 0 < size <= 64:
        raise invalid("InvalidParameterValue", "The blockid must be the Base64 of 1 to 64 bytes.", "blockid")
    if any(len(known) != len(block) for known in call.store.data_sizes(call.account.name, place)):
        raise invalid("InvalidParameterValue", "All block ids of a dataset must be equally long.", "blockid")
    call.store.put_data(call.account.name, place, block, call.body)
    return Answer(201)


def list_blocks(call: Call) -> Answer:
    """Datasets_GetBlocks."""
    dataset = entities.found(call, DATASETS)
    sizes = call.store.data_sizes(call.account.name, f"{dataset.id}/blocks")
    uncommitted = [{"name": name, "size": size} for name, size in sizes.items()]
    body = {"committedBlocks": dataset.document.get("committed", []), "uncommittedBlocks": uncommitted}
    return Answer(200, body, {} if dataset.finished else {"Retry-After": "1"})


def commit_blocks(call: Call) -> Answer:
    """Datasets_CommitBlocks: the import goes on; blocks that are not named are forgotten."""
    dataset, entries = _waiting(call), read(call, BLOCKS)
    account, place = call.account.name, f"{dataset.id}/blocks"
    sizes = call.store.data_sizes(account, place)
    for entry in entries:
        if entry["id"] not in sizes or entry["kind"] == "Committed":
            message = f"There is no {entry['kind']} block {entry['id'][:88]!r}."
            raise invalid("InvalidPayload", message, "blockList")
    names = [entry["id"] for entry in entries]
    if len({*names}) < len(names):
        raise invalid("InvalidPayload", "A block is named twice.", "blockList")
    if sum(sizes[name] for name in names) > LARGEST:
        raise invalid("QuotaViolation", f"The emulator keeps at most {LARGEST // 2**20} MiB of a dataset.")
    content = b"".join(call.store.data(account, place, name) or b"" for name in names)
    call.store.drop_data(account, place)
    dataset_imports.start(call, dataset, lambda: content)
    dataset.document["committed"] = [{"name": name, "size": sizes[name]} for name in names]
    call.store.put(dataset)
    return Answer(200)
