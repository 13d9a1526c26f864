"""Logs of endpoints (v3.2 only): pairs of a recording and its recognition.

Nothing is recognized here, so a log comes into being only at a command: `POST /_emulator/logs`.
"""

import io
import json
import wave
from datetime import date, datetime

from custom_speech_emulator.http.error_responses import Refused, invalid
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import entities, files
from custom_speech_emulator.resources.endpoints import ENDPOINTS
from custom_speech_emulator.resources.entities import PAGE, offered
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import Entity

_RECOGNIZED = json.dumps({"RecognitionStatus": "Success", "DisplayText": "", "simulated": True}).encode()


def _silence() -> bytes:
    recording = io.BytesIO()
    with wave.open(recording, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000))
    return recording.getvalue()


def of_endpoint(endpoint: str) -> str:
    """Return where the logs of an endpoint lie."""
    return f"endpoints/{endpoint}/files/logs"


def of_locale(locale: str) -> str:
    """Return where the logs of the default base model of a locale lie; 400 if it is not offered."""
    return f"endpoints/base/{offered(locale)}/files/logs"


def add(state: EmulatorState, account: str, place: str, at: datetime) -> list[str]:
    """Add a recording and its recognition, which one utterance leaves behind, and return their names."""
    stem = f"{at:%Y-%m-%d_%H%M%S}_{state.new_id()}"
    pair = ((f"{stem}.wav", "Audio", _silence()), (f"{stem}.json", "Transcription", _RECOGNIZED))
    for name, kind, content in pair:
        state.store.put(Entity(account, place, name, files.document(place, name, kind, content, at)))
        state.store.put_data(account, name, name, content)
    return [name for name, _, _ in pair]


def list_all(call: Call) -> Answer:
    """Endpoints_ListLogs, Endpoints_ListBaseModelLogs; the token of a page is how many were shown before."""
    place, top = _place(call), min(call.number("top", 1) or PAGE, PAGE)
    token = call.query.get("skipToken", "0")
    if not token:
        raise invalid("InvalidSkipTokenForLogs", "The skipToken is empty.", "skipToken")
    # A token that is none of ours leads behind the last log.
    skip = int(token) if token.isascii() and token.isdigit() and len(token) < 10 else 2**31
    rows = call.store.rows(call.account.name, place, "1", (), skip, top + 1)
    link = call.version.link(place) + f"?skipToken={skip + top}&top={top}"
    until = call.now + files.lifetime(call)
    signed = [row.with_properties(_address(call, row.id, until)) for row in rows[:top]]
    return Answer(200, entities.page(call, files.kind_at(place), signed, link if len(rows) > top else None))


def get(call: Call) -> Answer:
    """Endpoints_GetLog, Endpoints_GetBaseModelLog."""
    log = call.store.get(call.account.name, _place(call), call.path["logId"])
    if log is None:
        raise Refused(404, "NotFound", "The specified log cannot be found.", "InvalidLogId")
    log.document |= _address(call, log.id, call.now + files.lifetime(call))
    return Answer(200, entities.shown(call, files.kind_at(log.kind), log))


def delete(call: Call) -> Answer:
    """Endpoints_DeleteLog, Endpoints_DeleteBaseModelLog."""
    log = call.store.get(call.account.name, _place(call), call.path["logId"])
    if log is not None:
        call.store.remove(log)
    return Answer(204)


def delete_all(call: Call) -> Answer:
    """Endpoints_DeleteLogs, Endpoints_DeleteBaseModelLogs: delete everything, or what is no younger than a day."""
    place = _place(call)
    try:
        last = date.fromisoformat(call.query.get("endDate", "9999-12-31"))
    except ValueError:
        raise invalid("InvalidLogDate", "endDate must be a day such as 2023-03-15.", "endDate") from None
    for log in call.store.all(call.account.name, place):
        if log.document["createdDateTime"][:10] <= last.isoformat():
            call.store.remove(log)
    return Answer(202)


def _address(call: Call, log: str, until: datetime) -> dict[str, str]:
    return {"address": files.signed(call.state, call.account.name, log, log, until)}


def _place(call: Call) -> str:
    """Return where the logs lie that a path names; 400 if the endpoint keeps none."""
    if "locale" in call.path:
        return of_locale(call.path["locale"])
    endpoint = entities.found(call, ENDPOINTS)
    if not endpoint.document["loggingEnabled"]:
        raise invalid("EndpointWithoutLogging", "Logging is not enabled for this endpoint.", "id")
    return of_endpoint(endpoint.id)
