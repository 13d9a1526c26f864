"""Copying a model to another resource: authorized there, started here, followed as an operation."""

from datetime import datetime, timedelta

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.links import HOST_PLACEHOLDER, region_placeholder
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import COPY_AUTHORIZATION, COPY_DEFINITION, COPY_TO_KEY, checked, read
from custom_speech_emulator.http.responses import Answer, invalid
from custom_speech_emulator.resources import entities
from custom_speech_emulator.resources.models import MODELS, require_unexpired
from custom_speech_emulator.state.emulator_state import EmulatorState, moment, retry_after, stamp
from custom_speech_emulator.state.entity_store import Entity
from custom_speech_emulator.state.settings import Account, of_key

_AUTHORIZATIONS = "authorizations"
_LEFT_BEHIND = ("datasets", "project", "text")


def shape(operation: str, document: Json, version: Version) -> Json:
    """Return an Operation; its result lies on the target's host."""
    result = None
    if "copy" in document:
        result = {"link": region_placeholder(document["region"]) + version.path("models", document["copy"])}
    return {"id": operation, "result": result, "error": document.get("error")}


def _arrived(state: EmulatorState, document: Json, target: str, at: datetime) -> Entity:
    model = Entity(target, MODELS.path, state.new_id(), document | {"createdDateTime": stamp(at)})
    state.start(model, at)
    state.store.put(model)
    state.record_event(model, "Creation")
    return model


def ended(state: EmulatorState, operation: Entity, at: datetime) -> None:
    """End the operation: if it succeeded, the model is on the target."""
    if operation.status == "Succeeded":
        document = operation.document.pop("model")
        operation.document["copy"] = _arrived(state, document, operation.document["target"], at).id


OPERATIONS = entities.Kind("operations/models/copy", "operation", "InvalidPayload", shape, ended=ended)


def authorize(call: Call) -> Answer:
    """Models_AuthorizeCopy, on the target."""
    source = call.state.account_of(read(call, COPY_DEFINITION)["sourceResourceId"])
    if source is None:
        raise invalid("InvalidSourceAzureResourceId", "There is no Speech resource with this id.", "sourceResourceId")
    document = {"targetResourceRegion": call.account.region, "targetResourceId": call.account.resource_id}
    until = stamp(call.now + timedelta(hours=24))
    document |= {"sourceResourceId": source.resource_id, "expirationDateTime": until}
    authorization = Entity("", _AUTHORIZATIONS, call.state.new_id(), document)
    call.store.put(authorization)
    return Answer(200, {**document, "targetResourceEndpoint": f"{HOST_PLACEHOLDER}/", "id": authorization.id})


def copy(call: Call) -> Answer:
    """Models_Copy, on the source; in v3.2 also with the body that the training article shows."""
    model, body = entities.found(call, MODELS), call.json()
    if model.status != "Succeeded":
        raise invalid("InvalidModel", f"The model is {model.status}; only a Succeeded model can be copied.", "id")
    require_unexpired(call, model, "transcriptionDateTime", "id")
    document = {name: value for name, value in model.document.items() if name not in _LEFT_BEHIND} | {"datasets": []}
    if not call.version.dated and isinstance(body, dict) and "targetSubscriptionKey" in body:
        return _copy_with_key(call, document, checked(call, COPY_TO_KEY, body)["targetSubscriptionKey"])
    target = _permitted(call, checked(call, COPY_AUTHORIZATION, body))
    following = {"createdDateTime": stamp(call.now), "region": target.region, "target": target.name, "model": document}
    operation = Entity(call.account.name, OPERATIONS.path, call.state.new_id(), following)
    call.state.start(operation, call.now)
    call.store.put(operation)
    headers = {"Operation-Location": call.version.link(OPERATIONS.path, operation.id)}
    return Answer(202, entities.shown(call, OPERATIONS, operation), headers | retry_after(operation, call.now))


def _permitted(call: Call, body: Json) -> Account:
    given = call.store.get("", _AUTHORIZATIONS, body["id"])
    if given is None or given.document["targetResourceId"] != body["targetResourceId"]:
        raise invalid("InvalidPayload", "The copy authorization is not known to the target resource.", "id")
    if not given.document["sourceResourceId"] == body["sourceResourceId"] == call.account.resource_id:
        message = "The copy authorization was given to another source resource."
        raise invalid("InvalidSourceAzureResourceId", message, "sourceResourceId")
    if moment(given.document["expirationDateTime"]) <= call.now:
        raise invalid("ModelCopyAuthorizationExpired", "The copy authorization has expired.", "expirationDateTime")
    target = call.state.account_of(body["targetResourceId"])
    if target is None:
        raise invalid("InvalidPayload", "The target resource does not exist.", "targetResourceId")
    call.store.remove(given)
    return target


def _copy_with_key(call: Call, document: Json, key: str) -> Answer:
    target = of_key(call.state.settings.accounts, key)
    if target is None:
        raise invalid("InvalidSubscription", "The target subscription key is not valid.", "targetSubscriptionKey")
    copy = _arrived(call.state, document, target.name, call.now)
    there = region_placeholder(target.region)
    text = entities.shown(call, MODELS, copy).replace(HOST_PLACEHOLDER, there)
    return Answer(201, text, {"Location": there + call.version.path("models", copy.id)})
