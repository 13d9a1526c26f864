"""Datasets for training and evaluation, with content from a URL, in blocks or in a form."""

import base64
from functools import partial
from typing import Any

from custom_speech_emulator.http.api_versions import ApiVersion, Json
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.request import parse_json
from custom_speech_emulator.http.request_bodies import BLOCKS, NEW_DATASET, get_property, read_body
from custom_speech_emulator.http.responses import ApiResponse, ServiceError, conflict, invalid
from custom_speech_emulator.resources import dataset_imports, entities
from custom_speech_emulator.resources.dataset_imports import MAX_CONTENT_BYTES, complete_import, fetch_content
from custom_speech_emulator.resources.locales import AUDIO_KINDS
from custom_speech_emulator.resources.projects import PROJECTS
from custom_speech_emulator.state.emulator_state import format_time
from custom_speech_emulator.state.entity_store import StoredEntity


def dataset_to_json(dataset: str, document: Json, version: ApiVersion) -> Json:
    """Return the properties of a Dataset; links for blocks exist only while the dataset waits for them."""
    links = {"files": version.link("datasets", dataset, "files")}
    if document.get("waitsFor") == "blocks":
        blocks = version.link("datasets", dataset, "blocks")
        commit = version.link("datasets", dataset, "blocks:commit")
        links |= {"commitBlocks": commit, "listBlocks": blocks, "uploadBlocks": blocks}
    # The counts exist from the start (recorded live with a dataset that waits for blocks).
    properties: Json = {name: document.get(name, 0) for name in ("acceptedLineCount", "rejectedLineCount")}
    if "textNormalizationKind" in document:
        properties["textNormalizationKind"] = document["textNormalizationKind"]
    if document["kind"] in AUDIO_KINDS:
        properties |= version.duration(document.get("milliseconds"))
    return {"links": links, "properties": properties}


# SQL conditions for unfinished work that still uses a dataset.
_TRAINING_USES = "NOT is_terminal AND EXISTS (SELECT 1 FROM json_each(document, '$.datasets') WHERE value = ?)"
_AUDIO_USES = "NOT is_terminal AND json_extract(document, '$.dataset') = ?"
DATASETS = entities.EntityKind(
    "datasets",
    "dataset",
    dataset_to_json,
    "InvalidDataset",
    (*entities.FILTERABLE_PROPERTIES, "kind"),
    parent=PROJECTS,
    unfinished_code="FailedDataset",
    used_by=(("models", _TRAINING_USES), ("evaluations", _AUDIO_USES), ("transcriptions", _AUDIO_USES)),
    on_completion=complete_import,
)


def create(call: OperationCall) -> ApiResponse:
    """Handle Datasets_Create. Without a `contentUrl`, the dataset waits for blocks."""
    body = read_body(call, NEW_DATASET)
    dataset, url = _new_dataset(call, body), body.get("contentUrl")
    if url is None:
        dataset.document["waitsFor"] = "blocks"
        return entities.store_created(call, DATASETS, dataset)
    if not dataset_imports.has_supported_scheme(url):
        raise invalid("InvalidPayload", "The contentUrl must be an http, https or file address.", "contentUrl")
    call.require_trust("contentUrl", url)
    dataset_imports.start_import(call, dataset, partial(fetch_content, url, call.state.settings.allow_content_hosts))
    return entities.store_created(call, DATASETS, dataset)


def upload(call: OperationCall) -> ApiResponse:
    """Handle Datasets_Upload, a deprecated operation of v3.2 that sends the content of a dataset in a form."""
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
        body["customProperties"] = parse_json(body["customProperties"].encode())
    dataset = _new_dataset(call, read_body(call, NEW_DATASET, body))
    dataset_imports.start_import(call, dataset, lambda: data)
    return entities.store_created(call, DATASETS, dataset)


def _new_dataset(call: OperationCall, body: Json) -> StoredEntity:
    """Return a new dataset without content; its locale does not restrict its kind (recorded live)."""
    dataset = entities.new_entity(call, DATASETS, body)
    dataset.document |= {"status": "NotStarted", "lastActionDateTime": format_time(call.now)}
    normalization = get_property(body, "textNormalizationKind")
    if normalization:
        dataset.document["textNormalizationKind"] = normalization
    return dataset


def resolve_audio_dataset(call: OperationCall, reference: Json, locale: str) -> StoredEntity:
    """Return the dataset of a reference in a body, or raise a 400 error if it contains no audio."""
    dataset = entities.resolve_reference(call, DATASETS, reference, locale, "dataset")
    if dataset.document["kind"] not in AUDIO_KINDS:
        raise invalid("InvalidTest", f"A dataset of the kind {dataset.document['kind']} contains no audio.", "dataset")
    return dataset


def _get_waiting_for_blocks(call: OperationCall) -> StoredEntity:
    """Return the dataset named in the path, or raise a 409 error if it does not wait for blocks."""
    dataset = entities.get_or_404(call, DATASETS)
    if dataset.document.get("waitsFor") != "blocks":
        raise conflict("InvalidPrerequisite", "The dataset is not waiting for blocks.")
    return dataset


def upload_block(call: OperationCall) -> ApiResponse:
    """Handle Datasets_UploadBlock."""
    owner = f"{_get_waiting_for_blocks(call).id}/blocks"
    if call.content_type.partition(";")[0].strip().lower() != "application/octet-stream":
        raise ServiceError(415, "UnsupportedMediaType", "The Content-Type must be application/octet-stream.")
    if not call.body:
        raise invalid("EmptyRequest", "The block is empty.")
    block = call.query.get("blockid", "")
    try:
        size = len(base64.b64decode(block, validate=True))
    except ValueError:
        size = 0
    if not 0 < size <= 64:
        raise invalid("InvalidParameterValue", "The blockid must be the Base64 of 1 to 64 bytes.", "blockid")
    if any(len(known) != len(block) for known in call.store.data_sizes(call.account.name, owner)):
        raise invalid("InvalidParameterValue", "All block ids of a dataset must be equally long.", "blockid")
    call.store.put_data(call.account.name, owner, block, call.body)
    return ApiResponse(201)


def list_blocks(call: OperationCall) -> ApiResponse:
    """Handle Datasets_GetBlocks."""
    dataset = entities.get_or_404(call, DATASETS)
    sizes = call.store.data_sizes(call.account.name, f"{dataset.id}/blocks")
    uncommitted = [{"name": name, "size": size} for name, size in sizes.items()]
    body = {"committedBlocks": dataset.document.get("committed", []), "uncommittedBlocks": uncommitted}
    return ApiResponse(200, body, {} if dataset.is_terminal else {"Retry-After": "1"})


def commit_blocks(call: OperationCall) -> ApiResponse:
    """Handle Datasets_CommitBlocks: start the import, and delete blocks that the request does not name."""
    dataset, entries = _get_waiting_for_blocks(call), read_body(call, BLOCKS)
    account, owner = call.account.name, f"{dataset.id}/blocks"
    sizes = call.store.data_sizes(account, owner)
    for entry in entries:
        if entry["id"] not in sizes or entry["kind"] == "Committed":
            message = f"There is no {entry['kind']} block {entry['id'][:88]!r}."
            raise invalid("InvalidPayload", message, "blockList")
    names = [entry["id"] for entry in entries]
    if len({*names}) < len(names):
        raise invalid("InvalidPayload", "A block is named twice.", "blockList")
    if sum(sizes[name] for name in names) > MAX_CONTENT_BYTES:
        raise invalid("QuotaViolation", f"The emulator accepts at most {MAX_CONTENT_BYTES // 2**20} MiB for a dataset.")
    content = b"".join(call.store.data(account, owner, name) or b"" for name in names)
    call.store.drop_data(account, owner)
    dataset_imports.start_import(call, dataset, lambda: content)
    dataset.document["committed"] = [{"name": name, "size": sizes[name]} for name in names]
    call.store.put(dataset)
    return ApiResponse(200)
