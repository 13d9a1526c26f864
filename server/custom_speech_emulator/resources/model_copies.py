"""Copies of custom models to other accounts, authorized by the target or made with the target's key."""

from datetime import datetime, timedelta

from custom_speech_emulator.http.api_versions import ApiVersion, Json
from custom_speech_emulator.http.host_address import HOST_PLACEHOLDER, region_placeholder
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.request_bodies import COPY_AUTHORIZATION, COPY_DEFINITION, COPY_TO_KEY, read_body
from custom_speech_emulator.http.responses import ApiResponse, invalid
from custom_speech_emulator.resources import entities
from custom_speech_emulator.resources.models import MODELS, require_unexpired
from custom_speech_emulator.state.emulator_state import EmulatorState, format_time, parse_time, retry_after
from custom_speech_emulator.state.entity_store import StoredEntity

_AUTHORIZATIONS = "authorizations"  # a kind of entity without operations to read it


def copy_to_json(operation: str, document: Json, version: ApiVersion) -> Json:
    """Return the properties of the Operation of a copy, whose result is a link to the target's host."""
    result = None
    if "copy" in document:
        result = {"link": region_placeholder(document["region"]) + version.path("models", document["copy"])}
    return {"id": operation, "result": result, "error": document.get("error")}


def complete_copy(state: EmulatorState, operation: StoredEntity, at: datetime) -> None:
    """Create the copied model on the target if the copy operation succeeded."""
    if operation.status == "Succeeded":
        document = operation.document.pop("model")
        operation.document["copy"] = _create_copied_model(state, document, operation.document["target"], at).id


def _create_copied_model(state: EmulatorState, document: Json, target: str, at: datetime) -> StoredEntity:
    model = StoredEntity(target, MODELS.path, state.new_id(), document | {"createdDateTime": format_time(at)})
    state.start(model, at)
    state.store.put(model)
    state.record_event(model, "Creation")
    return model


COPIES = entities.EntityKind("operations/models/copy", "operation", copy_to_json, on_completion=complete_copy)


def authorize_copy(call: OperationCall) -> ApiResponse:
    """Handle Models_AuthorizeCopy on the target account."""
    source_id = read_body(call, COPY_DEFINITION)["sourceResourceId"]
    source = call.state.settings.find_account_by_resource_id(source_id)
    if source is None:
        raise invalid("InvalidSourceAzureResourceId", "No Speech resource has this id.", "sourceResourceId")
    document = {"targetResourceRegion": call.account.region, "targetResourceId": call.account.resource_id}
    until = format_time(call.now + timedelta(hours=24))  # guessed
    document |= {"sourceResourceId": source.resource_id, "expirationDateTime": until}
    authorization = StoredEntity("", _AUTHORIZATIONS, call.state.new_id(), document)
    call.store.put(authorization)
    return ApiResponse(200, {**document, "targetResourceEndpoint": f"{HOST_PLACEHOLDER}/", "id": authorization.id})


def copy_model(call: OperationCall) -> ApiResponse:
    """Handle Models_Copy on the source account; v3.2 also accepts the body in the training article."""
    model, body = entities.get_or_404(call, MODELS), call.json()
    if model.status != "Succeeded":
        raise invalid("InvalidModel", f"The model is {model.status}; only a Succeeded model can be copied.", "id")
    require_unexpired(call, model, "transcriptionDateTime", "id")
    not_copied = ("datasets", "project", "text")
    document = {name: value for name, value in model.document.items() if name not in not_copied} | {"datasets": []}
    if not call.version.dated and isinstance(body, dict) and "targetSubscriptionKey" in body:
        target = call.state.settings.find_account(read_body(call, COPY_TO_KEY, body)["targetSubscriptionKey"])
        if target is None:
            raise invalid("InvalidSubscription", "The target subscription key is not valid.", "targetSubscriptionKey")
        copy = _create_copied_model(call.state, document, target.name, call.now)
        host = region_placeholder(target.region)
        text = entities.render_entity(call, MODELS, copy).replace(HOST_PLACEHOLDER, host)
        return ApiResponse(201, text, {"Location": host + call.version.path("models", copy.id)})
    properties = {"createdDateTime": format_time(call.now), "model": document} | _redeem_authorization(call, body)
    operation = StoredEntity(call.account.name, COPIES.path, call.state.new_id(), properties)
    call.state.start(operation, call.now)
    call.store.put(operation)
    headers = {"Operation-Location": call.version.link(COPIES.path, operation.id)}
    headers |= retry_after(operation, call.now)
    return ApiResponse(202, entities.render_entity(call, COPIES, operation), headers)


def _redeem_authorization(call: OperationCall, body: Json) -> Json:
    """Return the region and name of the authorized target and delete the authorization, or raise a 400 error."""
    sent = read_body(call, COPY_AUTHORIZATION, body)
    stored = call.store.get("", _AUTHORIZATIONS, sent["id"])
    target = call.state.settings.find_account_by_resource_id(sent["targetResourceId"])
    if stored is None or target is None or stored.document["targetResourceId"] != sent["targetResourceId"]:
        raise invalid("InvalidPayload", "The copy authorization is not known to the target resource.", "id")
    if not stored.document["sourceResourceId"] == sent["sourceResourceId"] == call.account.resource_id:
        message = "The copy authorization was given to another source resource."
        raise invalid("InvalidSourceAzureResourceId", message, "sourceResourceId")
    if parse_time(stored.document["expirationDateTime"]) <= call.now:
        raise invalid("ModelCopyAuthorizationExpired", "The copy authorization has expired.", "expirationDateTime")
    call.store.remove(stored)
    return {"region": target.region, "target": target.name}
