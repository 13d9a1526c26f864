"""Endpoints: a base or custom model deployed for recognition. Nothing is recognized here."""

from __future__ import annotations

from datetime import timedelta

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.error_responses import conflict, invalid
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import EndpointUpdate, NewEndpoint, Reference, read
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import base_models, entities, projects, quotas
from custom_speech_emulator.resources.entities import Kind, offered
from custom_speech_emulator.resources.evaluations import usable
from custom_speech_emulator.state.clock import duration
from custom_speech_emulator.state.entity_store import Entity
from custom_speech_emulator.state.progress import QUICK

LONGEST_LIFE = timedelta(days=31)
F0_LIFE = timedelta(days=7)


def shape(endpoint: str, document: Json, version: Version) -> Json:
    """Return an Endpoint."""
    properties = {"loggingEnabled": document["loggingEnabled"]}
    if version.old and "timeToLive" in document:
        properties["timeToLive"] = document["timeToLive"]
    return {
        "model": version.reference(document["modelKind"], document["model"]),
        "text": document.get("text") if version.old else None,
        "links": version.endpoint_links(document["region"], endpoint),
        "properties": properties,
    }


def _change(call: Call, endpoint: Entity, patch: EndpointUpdate) -> None:
    projects.reconnect(call, endpoint, patch)
    if patch.properties and patch.properties.contentLoggingEnabled is not None:
        endpoint.document["loggingEnabled"] = patch.properties.contentLoggingEnabled
    if not patch.model:
        return
    if not endpoint.finished:
        raise conflict("EndpointNotUpdatable", f"The endpoint is {endpoint.status}; wait until it has ended.")
    model = _deployable(call, patch.model, endpoint.document["locale"])
    endpoint.document |= {"modelKind": model.kind, "model": model.id}
    endpoint.document.pop("error", None)
    call.state.progress.start(endpoint, call.now, QUICK)


ENDPOINTS = Kind("endpoints", "endpoint", "InvalidModel", shape, update=EndpointUpdate, change=_change)


def create(call: Call) -> Answer:
    """Endpoints_Create; without a model the newest base model of the locale is deployed."""
    body = read(call, NewEndpoint)
    body.locale = offered(body.locale)
    project = projects.connected(call, body.project, body.locale)
    model = _deployable(call, body.model, body.locale)
    quotas.check(call, "endpoints")
    endpoint = entities.new(call, ENDPOINTS, body)
    said = body.properties
    logging = bool(said and (said.loggingEnabled or said.contentLoggingEnabled))
    endpoint.document |= {"modelKind": model.kind, "model": model.id, "region": call.account.region}
    endpoint.document |= {"loggingEnabled": logging} | _life(call, body)
    endpoint.document |= {name: value for name, value in (("project", project), ("text", body.text)) if value}
    call.state.progress.start(endpoint, call.now, QUICK)
    return entities.created(call, ENDPOINTS, endpoint)


def _deployable(call: Call, reference: Reference | None, locale: str) -> Entity:
    model = usable(call, reference, locale, "model") if reference else base_models.default(call, locale, set())
    if not model.document["endpoints"]:
        raise invalid("ModelNotDeployable", "The model does not support endpoints.", "model")
    return model


def _life(call: Call, body: NewEndpoint) -> Json:
    """Return how long it lives once it is deployed: F0 seven days, else as v3.2 lets the caller say."""
    text = body.properties.timeToLive if body.properties else None
    life = duration(text) if text else timedelta()
    if life is None or life > LONGEST_LIFE:
        message = "timeToLive must be an ISO 8601 duration of at most 31 days."
        raise invalid("InvalidTimeToLive", message, "properties.timeToLive")
    if call.account.tier == "F0":
        life = min(life or F0_LIFE, F0_LIFE)
    said = {"timeToLive": text} if text else {}
    return said | ({"lives": life.total_seconds()} if life else {})
