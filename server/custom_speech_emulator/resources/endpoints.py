"""Endpoints: a base or custom model deployed for recognition. Nothing is recognized here."""

from datetime import timedelta

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.error_responses import conflict, invalid
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import EndpointUpdate, NewEndpoint, Reference, read
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import entities, models, projects, quotas
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.state.entity_store import Entity

_F0_LIFE = timedelta(days=7)


def shape(endpoint: str, document: Json, version: Version) -> Json:
    """Return an Endpoint."""
    kept = {} if version.dated else {name: document[name] for name in ("text", "timeToLive") if name in document}
    properties = {"loggingEnabled": document["loggingEnabled"], "timeToLive": kept.get("timeToLive")}
    return {
        "model": version.reference(document["modelKind"], document["model"]),
        "text": kept.get("text"),
        "links": version.endpoint_links(document["region"], endpoint),
        "properties": {name: value for name, value in properties.items() if value is not None},
    }


def _change(call: Call, endpoint: Entity, patch: EndpointUpdate) -> None:
    projects.reconnect(call, endpoint, patch)
    if patch.properties and patch.properties.contentLoggingEnabled is not None:
        endpoint.document["loggingEnabled"] = patch.properties.contentLoggingEnabled
    if not patch.model:
        return
    if not endpoint.finished:
        raise conflict("EndpointNotUpdatable", f"The endpoint is {endpoint.status}; wait until it has ended.")
    endpoint.document |= _deployable(call, patch.model, endpoint.document["locale"])
    endpoint.document.pop("error", None)
    call.state.start(endpoint, call.now)


ENDPOINTS = Kind("endpoints", "endpoint", "InvalidModel", shape, update=EndpointUpdate, change=_change)


def create(call: Call) -> Answer:
    """Endpoints_Create; without a model the newest base model of the locale is deployed."""
    body = read(call, NewEndpoint)
    endpoint = projects.new(call, ENDPOINTS, body)
    endpoint.document |= _deployable(call, body.model, endpoint.document["locale"])
    quotas.check(call, "endpoints")
    said = body.properties
    logging = bool(said and (said.loggingEnabled or said.contentLoggingEnabled))
    endpoint.document |= {"region": call.account.region, "loggingEnabled": logging}
    text = said.timeToLive if said else None
    life = entities.time_to_live(text)
    if call.account.tier == "F0":
        life = min(life or _F0_LIFE, _F0_LIFE)
    optional = {"timeToLive": text, "lives": life.total_seconds(), "text": body.text}
    endpoint.document |= {name: value for name, value in optional.items() if value}
    call.state.start(endpoint, call.now)
    return entities.created(call, ENDPOINTS, endpoint)


def _deployable(call: Call, reference: Reference | None, locale: str) -> Json:
    model = models.usable(call, reference, locale, "model")
    if not model.document["endpoints"]:
        raise invalid("ModelNotDeployable", "The model does not support endpoints.", "model")
    return {"modelKind": model.kind, "model": model.id}
