"""Endpoints: a base or custom model deployed for recognition, and their logs (v3.2 only)."""

import io
import json
import wave
from datetime import date, datetime, timedelta

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import ENDPOINT_UPDATE, NEW_ENDPOINT, read, setting
from custom_speech_emulator.http.responses import Answer, Refused, conflict, invalid
from custom_speech_emulator.resources import entities, files, models
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import Entity


def shape(endpoint: str, document: Json, version: Version) -> Json:
    """Return an Endpoint."""
    names = [name for name in ("loggingEnabled", "timeToLive") if name in document and name not in version.absent]
    return {
        "model": version.reference(document["modelKind"], document["model"]),
        "links": version.endpoint_links(document["region"], endpoint),
        "properties": {name: document[name] for name in names},
    }


def change(call: Call, endpoint: Entity, patch: Json) -> None:
    """Apply the model and the logging of a patch."""
    logging = setting(patch, "contentLoggingEnabled")
    if logging is not None:
        endpoint.document["loggingEnabled"] = logging
    if not patch.get("model"):
        return
    if not endpoint.finished:
        raise conflict("EndpointNotUpdatable", f"The endpoint is {endpoint.status}; wait until it has ended.")
    endpoint.document |= _deployable(call, patch["model"], endpoint.document["locale"])
    endpoint.document.pop("error", None)
    call.state.start(endpoint, call.now)


ENDPOINTS = entities.Kind("endpoints", "endpoint", "InvalidModel", shape, update=ENDPOINT_UPDATE, change=change)


def create(call: Call) -> Answer:
    """Endpoints_Create; without a model the newest base model of the locale is deployed."""
    body = read(call, NEW_ENDPOINT)
    endpoint = entities.new(call, ENDPOINTS, body)
    endpoint.document |= _deployable(call, body.get("model"), endpoint.document["locale"])
    logging = any(setting(body, name) for name in ("loggingEnabled", "contentLoggingEnabled"))
    endpoint.document |= {"region": call.account.region, "loggingEnabled": logging}
    life = entities.time_to_live(setting(body, "timeToLive"))
    if call.account.tier == "F0":
        life = min(life or entities.LONGEST_LIFE, timedelta(days=7))
    optional = {"timeToLive": setting(body, "timeToLive"), "lives": life.total_seconds()}
    endpoint.document |= {name: value for name, value in optional.items() if value}
    call.state.start(endpoint, call.now)
    return entities.created(call, ENDPOINTS, endpoint)


def _deployable(call: Call, reference: Json | None, locale: str) -> Json:
    model = models.usable(call, reference, locale, "model")
    if not model.document["endpoints"]:
        raise invalid("ModelNotDeployable", "The model does not support endpoints.", "model")
    return {"modelKind": model.kind, "model": model.id}


def add_logs(state: EmulatorState, account: str, owner: str, at: datetime) -> list[str]:
    """Add a recording (a second of silence) and its recognition, as one utterance leaves them; return their names.

    The owner is an endpoint, or the default base model of a locale (`base/en-US`). Nothing is recognized here, so a log
    comes into being only at a command: `POST /_emulator/logs`.
    """
    recording = io.BytesIO()
    with wave.open(recording, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    recognized = json.dumps({"RecognitionStatus": "Success", "DisplayText": "", "simulated": True}).encode()
    place, stem = f"endpoints/{owner}/files/logs", f"{at:%Y-%m-%d_%H%M%S}_{state.new_id()}"
    pair = ((f"{stem}.wav", "Audio", recording.getvalue()), (f"{stem}.json", "Transcription", recognized))
    for name, kind, content in pair:
        state.store.put(Entity(account, place, name, files.document(name, kind, content, at)))
        state.store.put_data(account, name, name, content)
    return [name for name, _, _ in pair]


def list_logs(call: Call) -> Answer:
    """Endpoints_ListLogs, Endpoints_ListBaseModelLogs; the token of a page is how many were shown before."""
    token = call.query.get("skipToken", "0")
    if not token:
        raise invalid("InvalidSkipTokenForLogs", "The skipToken is empty.", "skipToken")
    if not (token.isascii() and token.isdigit() and len(token) < 10):
        call.query["skipToken"] = "999999999"  # an unknown token leads behind the last log
    return entities.listed(call, _logs(call), skip_parameter="skipToken")


def get_log(call: Call) -> Answer:
    """Endpoints_GetLog, Endpoints_GetBaseModelLog."""
    kind = _logs(call)
    log = call.store.get(call.account.name, kind.path, call.path["logId"])
    if log is None:
        raise Refused(404, "NotFound", "The specified log cannot be found.", "InvalidLogId")
    return Answer(200, entities.shown(call, kind, log))


def delete_log(call: Call) -> Answer:
    """Endpoints_DeleteLog, Endpoints_DeleteBaseModelLog."""
    return entities.delete(call, _logs(call), "logId")


def delete_logs(call: Call) -> Answer:
    """Endpoints_DeleteLogs, Endpoints_DeleteBaseModelLogs: delete all logs, or those up to a day."""
    try:
        last = date.fromisoformat(call.query.get("endDate", "9999-12-31"))
    except ValueError:
        raise invalid("InvalidLogDate", "endDate must be a day such as 2023-03-15.", "endDate") from None
    for log in call.store.all(call.account.name, _logs(call).path):
        if log.document["createdDateTime"][:10] <= last.isoformat():
            call.store.remove(log)
    return Answer(202)


def _logs(call: Call) -> entities.Kind:
    if "locale" in call.path:
        return files.kind_at(call, f"endpoints/base/{entities.offered(call.path['locale'])}/files/logs")
    endpoint = entities.found(call, ENDPOINTS)
    if not endpoint.document["loggingEnabled"]:
        raise invalid("EndpointWithoutLogging", "Logging is not enabled for this endpoint.", "id")
    return files.kind_at(call, f"endpoints/{endpoint.id}/files/logs")
