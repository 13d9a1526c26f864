"""Datasets: what models are trained and tested with."""

from __future__ import annotations

from functools import partial

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.error_responses import invalid
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import NewDataset, read
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import dataset_imports, entities, projects, quotas
from custom_speech_emulator.resources.entities import FILTERS, Kind, offered
from custom_speech_emulator.resources.locales import AUDIO
from custom_speech_emulator.state.entity_store import Entity


def shape(dataset: str, document: Json, version: Version) -> Json:
    """Return a Dataset; the links for blocks are there only while it waits for them."""
    return {
        "kind": document["kind"],
        "links": _links(dataset, document, version),
        "properties": _properties(document, version),
        "contentUrl": document.get("contentUrl"),
    }


def _links(dataset: str, document: Json, version: Version) -> Json:
    links = {"files": version.link("datasets", dataset, "files")}
    if document.get("waits") != "blocks":
        return links
    blocks = version.link("datasets", dataset, "blocks")
    return links | {
        "commitBlocks": version.link("datasets", dataset, "blocks:commit"),
        "listBlocks": blocks,
        "uploadBlocks": blocks,
    }


def _properties(document: Json, version: Version) -> Json:
    # The counts are there from the start, as recorded live of a dataset that waits for its blocks.
    properties: Json = {name: document.get(name, 0) for name in ("acceptedLineCount", "rejectedLineCount")}
    if "textNormalizationKind" in document:
        properties["textNormalizationKind"] = document["textNormalizationKind"]
    if "milliseconds" in document and document["kind"] in AUDIO:
        properties |= version.duration(document["milliseconds"])
    return properties


def _in_use(call: Call, dataset: Entity) -> str | None:
    """Return a training, a test or a transcription that still reads it."""
    account, unfinished = call.account.name, "moving"
    for model in call.store.all(account, "models", unfinished):
        if dataset.id in model.document["datasets"]:
            return f"the model {model.id}"
    for evaluation in call.store.all(account, "evaluations", unfinished):
        if dataset.id == evaluation.document["dataset"]:
            return f"the evaluation {evaluation.id}"
    for transcription in call.store.all(account, "transcriptions", unfinished):
        if dataset.id == transcription.document.get("dataset"):
            return f"the transcription {transcription.id}"
    return None


DATASETS = Kind(
    "datasets",
    "dataset",
    "InvalidDataset",
    shape,
    (*FILTERS, "kind"),
    change=projects.reconnect,
    in_use=_in_use,
    ended=dataset_imports.ended,
)


def create(call: Call) -> Answer:
    """Datasets_Create: reads its content from `contentUrl`, or waits for blocks without one."""
    body = read(call, NewDataset)
    dataset = fresh(call, body)
    if body.contentUrl is None:
        dataset.document["waits"] = "blocks"
        return entities.created(call, DATASETS, dataset)
    if not body.contentUrl.lower().startswith(("http://", "https://", "file://")):
        raise invalid("InvalidPayload", "The contentUrl must be an http, https or file address.", "contentUrl")
    call.require_trust("contentUrl", body.contentUrl)
    dataset.document["contentUrl"] = body.contentUrl
    dataset_imports.awaited(dataset, call.now)
    call.later.append(partial(dataset_imports.fetch, call.state, call.account, dataset.id, body.contentUrl))
    return entities.created(call, DATASETS, dataset)


def fresh(call: Call, body: NewDataset) -> Entity:
    """Return a dataset that has no content yet; 400 if the locale, the project or the quota does not allow it."""
    body.locale = offered(body.locale)  # the list of kinds of a locale is not enforced (recorded live)
    project = projects.connected(call, body.project, body.locale)
    quotas.check(call, "datasets")
    dataset = entities.new(call, DATASETS, body)
    dataset.document |= {"kind": body.kind, "status": "NotStarted"}
    dataset.document["lastActionDateTime"] = dataset.document["createdDateTime"]
    if body.properties and body.properties.textNormalizationKind:
        dataset.document["textNormalizationKind"] = body.properties.textNormalizationKind
    if project:
        dataset.document["project"] = project
    return dataset
