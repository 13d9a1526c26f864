"""Datasets: what models are trained and tested with."""

from __future__ import annotations

from custom_speech_emulator import entities
from custom_speech_emulator.call import Answer, Call
from custom_speech_emulator.entities import FILTERS, Kind
from custom_speech_emulator.versions import Json, Version


def shape(dataset: str, document: Json, version: Version) -> Json:
    """A Dataset; the links for blocks are there only while it waits for them."""
    project = document.get("project")
    return {
        "self": version.link("datasets", dataset),
        "displayName": document["displayName"],
        "description": document.get("description"),
        "locale": document["locale"],
        "customProperties": document.get("customProperties"),
        "createdDateTime": document["createdDateTime"],
        "lastActionDateTime": document["lastActionDateTime"],
        "kind": document["kind"],
        "project": version.reference("projects", project) if project and version.projects else None,
        "links": _links(dataset, document, version),
        "properties": _properties(document, version),
        "contentUrl": document.get("contentUrl"),
        "status": document["status"],
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
    properties: Json = {"textNormalizationKind": document.get("textNormalizationKind", "Default")}
    if "acceptedLineCount" in document:
        properties |= {name: document[name] for name in ("acceptedLineCount", "rejectedLineCount")}
        properties |= version.duration(document["milliseconds"])
    return properties | ({"error": document["error"]} if "error" in document else {})


DATASETS = Kind("datasets", "dataset", "InvalidDataset", shape, (*FILTERS, "kind"))


def get(call: Call) -> Answer:
    """Datasets_Get."""
    return entities.get(call, DATASETS)


def list_all(call: Call) -> Answer:
    """Datasets_List."""
    return entities.listed(call, DATASETS)
