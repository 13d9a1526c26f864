"""Endpoints, which deploy a base or custom model for recognition, and their logs (v3.2 only)."""

import io
import json
import wave
from datetime import date, datetime, timedelta

from custom_speech_emulator.http.api_versions import ApiVersion, Json
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.request_bodies import ENDPOINT_UPDATE, NEW_ENDPOINT, get_property, read_body
from custom_speech_emulator.http.responses import ApiResponse, ServiceError, conflict, invalid
from custom_speech_emulator.resources import entities, files, models
from custom_speech_emulator.resources.projects import PROJECTS
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import StoredEntity


def endpoint_to_json(endpoint: str, document: Json, version: ApiVersion) -> Json:
    """Return the properties of an Endpoint."""
    names = [name for name in ("loggingEnabled", "timeToLive") if name in document and name not in version.absent]
    return {
        "model": version.reference(document["modelKind"], document["model"]),
        "links": version.endpoint_links(document["region"], endpoint),
        "properties": {name: document[name] for name in names},
    }


def apply_patch(call: OperationCall, endpoint: StoredEntity, patch: Json) -> None:
    """Apply the model and the logging setting of a patch."""
    logging = get_property(patch, "contentLoggingEnabled")
    if logging is not None:
        endpoint.document["loggingEnabled"] = logging
    if not patch.get("model"):
        return
    if not endpoint.is_terminal:
        raise conflict("EndpointNotUpdatable", f"The endpoint is {endpoint.status}; wait until it has finished.")
    endpoint.document |= _resolve_deployable_model(call, patch["model"], endpoint.document["locale"])
    endpoint.document.pop("error", None)
    call.state.start(endpoint, call.now)


ENDPOINTS = entities.EntityKind(
    "endpoints", "endpoint", endpoint_to_json, update=ENDPOINT_UPDATE, apply_patch=apply_patch, parent=PROJECTS
)


def create(call: OperationCall) -> ApiResponse:
    """Handle Endpoints_Create. Without a model, the newest base model of the locale is deployed."""
    body = read_body(call, NEW_ENDPOINT)
    endpoint = entities.new_entity(call, ENDPOINTS, body)
    endpoint.document |= _resolve_deployable_model(call, body.get("model"), endpoint.document["locale"])
    logging = any(get_property(body, name) for name in ("loggingEnabled", "contentLoggingEnabled"))
    endpoint.document |= {"region": call.account.region, "loggingEnabled": logging}
    text = get_property(body, "timeToLive")
    time_to_live = entities.parse_time_to_live(text)
    if call.account.tier == "F0":
        time_to_live = min(time_to_live or entities.MAX_TIME_TO_LIVE, timedelta(days=7))
    optional = {"timeToLive": text, "timeToLiveSeconds": time_to_live.total_seconds()}
    endpoint.document |= {name: value for name, value in optional.items() if value}
    call.state.start(endpoint, call.now)
    return entities.store_created(call, ENDPOINTS, endpoint)


def _resolve_deployable_model(call: OperationCall, reference: Json | None, locale: str) -> Json:
    """Return the document properties for the model of a reference, or raise a 400 error if it cannot be deployed."""
    model = models.resolve_model(call, reference, locale, "model")
    if not model.document["endpoints"]:
        raise invalid("ModelNotDeployable", "The model does not support endpoints.", "model")
    return {"modelKind": model.kind, "model": model.id}


def add_logs(state: EmulatorState, account: str, owner: str, at: datetime) -> list[str]:
    """Add a silent recording and its transcription to the logs of an endpoint id or of `base/<locale>`."""
    recording = io.BytesIO()
    with wave.open(recording, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    transcription = json.dumps({"RecognitionStatus": "Success", "DisplayText": "", "simulated": True}).encode()
    path, stem = f"endpoints/{owner}/files/logs", f"{at:%Y-%m-%d_%H%M%S}_{state.new_id()}"
    pair = ((f"{stem}.wav", "Audio", recording.getvalue()), (f"{stem}.json", "Transcription", transcription))
    for name, kind, content in pair:
        state.store.put(StoredEntity(account, path, name, files.file_document(name, kind, content, at)))
        state.store.put_data(account, name, name, content)
    return [name for name, _, _ in pair]


def list_logs(call: OperationCall) -> ApiResponse:
    """Handle Endpoints_ListLogs and Endpoints_ListBaseModelLogs; a skip token is the number of logs to skip."""
    token = call.query.get("skipToken", "0")
    if not token:
        raise invalid("InvalidSkipTokenForLogs", "The skipToken is empty.", "skipToken")
    if not (token.isascii() and token.isdigit() and len(token) < 10):
        call.query["skipToken"] = "999999999"  # the page for an unknown token is empty
    return entities.list_page(call, _log_kind(call), skip_parameter="skipToken")


def get_log(call: OperationCall) -> ApiResponse:
    """Handle Endpoints_GetLog and Endpoints_GetBaseModelLog."""
    kind = _log_kind(call)
    log = call.store.get(call.account.name, kind.path, call.path["logId"])
    if log is None:
        raise ServiceError(404, "NotFound", "The specified log cannot be found.", "InvalidLogId")
    return ApiResponse(200, entities.render_entity(call, kind, log))


def delete_log(call: OperationCall) -> ApiResponse:
    """Handle Endpoints_DeleteLog and Endpoints_DeleteBaseModelLog."""
    return entities.delete(call, _log_kind(call), "logId")


def delete_logs(call: OperationCall) -> ApiResponse:
    """Handle Endpoints_DeleteLogs and Endpoints_DeleteBaseModelLogs, optionally only for logs up to `endDate`."""
    try:
        last = date.fromisoformat(call.query.get("endDate", "9999-12-31"))
    except ValueError:
        raise invalid("InvalidLogDate", "endDate must be a day such as 2023-03-15.", "endDate") from None
    for log in call.store.all(call.account.name, _log_kind(call).path):
        if log.document["createdDateTime"][:10] <= last.isoformat():
            call.store.remove(log)
    return ApiResponse(202)


def _log_kind(call: OperationCall) -> entities.EntityKind:
    """Return the kind of the logs of the endpoint or locale in the path, or raise 400 if logging is disabled."""
    if "locale" in call.path:
        return files.file_kind(call, f"endpoints/base/{entities.validate_locale(call.path['locale'])}/files/logs")
    endpoint = entities.get_or_404(call, ENDPOINTS)
    if not endpoint.document["loggingEnabled"]:
        raise invalid("EndpointWithoutLogging", "Logging is not enabled for this endpoint.", "id")
    return files.file_kind(call, f"endpoints/{endpoint.id}/files/logs")
