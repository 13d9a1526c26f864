"""Endpoints: a base or custom model deployed for recognition. Nothing is recognized here."""

from __future__ import annotations

from datetime import timedelta

from custom_speech_emulator.http.errors import conflict, invalid
from custom_speech_emulator.http.operation_call import Answer, Call
from custom_speech_emulator.http.request_bodies import EndpointUpdate, NewEndpoint, Reference, read
from custom_speech_emulator.http.versions import Json, Version
from custom_speech_emulator.resources import base_models, entities, projects
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.resources.evaluations import usable
from custom_speech_emulator.state import quotas
from custom_speech_emulator.state.clock import duration
from custom_speech_emulator.state.locales import supported
from custom_speech_emulator.state.progress import QUICK
from custom_speech_emulator.state.store import Entity

LONGEST_LIFE = timedelta(days=31)
F0_LIFE = timedelta(days=7)


def shape(endpoint: str, document: Json, version: Version) -> Json:
    """Return an Endpoint."""
    project = document.get("project")
    properties = {"loggingEnabled": document["loggingEnabled"]}
    if version.old and "timeToLive" in document:
        properties["timeToLive"] = document["timeToLive"]
    return {
        "self": version.link("endpoints", endpoint),
        "model": version.reference(document["modelKind"], document["model"]),
        "project": version.reference("projects", project) if project and version.projects else None,
        "displayName": document["displayName"],
        "description": document.get("description"),
        "locale": document["locale"],
        "customProperties": document.get("customProperties"),
        "text": document.get("text") if version.old else None,
        "createdDateTime": document["createdDateTime"],
        "lastActionDateTime": document["lastActionDateTime"],
        "status": document["status"],
        "links": version.endpoint_links(document["region"], endpoint),
        "properties": properties | ({"error": document["error"]} if "error" in document else {}),
    }


ENDPOINTS = Kind("endpoints", "endpoint", "InvalidModel", shape)


def create(call: Call) -> Answer:
    """Endpoints_Create; without a model the newest base model of the locale is deployed."""
    body = read(call, NewEndpoint)
    body.locale = supported(body.locale)
    project = projects.connected(call, body.project, body.locale)
    model = _deployable(call, body.model, body.locale)
    quotas.check(call, "endpoints")
    endpoint = entities.new(call, ENDPOINTS, body)
    said = body.properties
    logging = bool(said and (said.loggingEnabled or said.contentLoggingEnabled))
    endpoint.document |= {"modelKind": model.kind, "model": model.id, "region": call.account.region}
    endpoint.document |= {"loggingEnabled": logging} | _life(call, body)
    endpoint.document |= {name: value for name, value in (("project", project), ("text", body.text)) if value}
    call.state.pace.start(endpoint, call.now, QUICK)
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


def get(call: Call) -> Answer:
    """Endpoints_Get."""
    return entities.get(call, ENDPOINTS)


def list_all(call: Call) -> Answer:
    """Endpoints_List."""
    return entities.listed(call, ENDPOINTS)


def update(call: Call) -> Answer:
    """Endpoints_Update; another model is deployed anew."""
    endpoint, patch = entities.found(call, ENDPOINTS), read(call, EndpointUpdate)
    projects.reconnect(call, endpoint, patch)
    if patch.properties and patch.properties.contentLoggingEnabled is not None:
        endpoint.document["loggingEnabled"] = patch.properties.contentLoggingEnabled
    if patch.model:
        _redeploy(call, endpoint, patch.model)
    return entities.changed(call, ENDPOINTS, endpoint, patch)


def _redeploy(call: Call, endpoint: Entity, reference: Reference) -> None:
    if not endpoint.finished:
        raise conflict("EndpointNotUpdatable", f"The endpoint is {endpoint.status}; wait until it has ended.")
    model = _deployable(call, reference, endpoint.document["locale"])
    endpoint.document |= {"modelKind": model.kind, "model": model.id}
    endpoint.document.pop("error", None)
    call.state.pace.start(endpoint, call.now, QUICK)


def delete(call: Call) -> Answer:
    """Endpoints_Delete."""
    return entities.removed(call, ENDPOINTS)
