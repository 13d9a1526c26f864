"""The emulator's own routes under `/_emulator`: its log, its clock, its faults, endings and a fresh start."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from custom_speech_emulator.faults.rules import Faults
from custom_speech_emulator.http.errors import Refused, invalid, not_allowed, not_found
from custom_speech_emulator.http.links import is_local
from custom_speech_emulator.http.operation_call import Answer, parsed
from custom_speech_emulator.resources import endpoint_logs
from custom_speech_emulator.state import progress, seed
from custom_speech_emulator.state.clock import duration, stamp

if TYPE_CHECKING:
    from custom_speech_emulator.app import EmulatorApp
    from custom_speech_emulator.http.messages import IncomingRequest

_FURTHEST = timedelta(days=36_500)


def control(emulation: EmulatorApp, path: str, arrival: IncomingRequest) -> Answer:
    """Answer a control request; 403 for a Host that is not allowed, or a page that is not of this machine."""
    page = arrival.headers.get("origin", "http://localhost").partition("://")[2]
    if not is_local(arrival.host, emulation.state.settings.allow_hosts) or not is_local(page):
        raise Refused(403, "Forbidden", "The control routes answer only on allowed names, and to no foreign web page.")
    method, body = arrival.method, arrival.body or b""
    routes = {name: methods for name, methods in ROUTES.items() if name == path.rstrip("/")}
    if not routes:
        raise not_found("control route")
    handlers = routes[path.rstrip("/")]
    if method not in handlers:
        raise not_allowed(set(handlers))
    return Answer(200, handlers[method](emulation, body))


def _here(emulation: EmulatorApp, body: bytes) -> Any:
    accounts = [
        {"name": one.name, "region": one.region, "key": one.key, "resource_id": one.resource_id, "tier": one.tier}
        for one in emulation.state.settings.accounts
    ]
    routes = {path: sorted(methods) for path, methods in ROUTES.items()}
    return {"emulator": "Azure Speech to text REST API, custom speech", "accounts": accounts, "routes": routes}


def _requests(emulation: EmulatorApp, body: bytes) -> Any:
    return list(emulation.log.entries)


def _clear(emulation: EmulatorApp, body: bytes) -> Any:
    emulation.log.entries.clear()
    return []


def _time(emulation: EmulatorApp, body: bytes) -> Any:
    state = emulation.state
    return {"now": stamp(state.now()), "offset_seconds": float(state.store.setting("offset") or 0)}


def _advance(emulation: EmulatorApp, body: bytes) -> Any:
    asked = _object(body, {"advance_seconds", "advance"})
    seconds, text = asked.get("advance_seconds"), asked.get("advance")
    by = duration(text) if isinstance(text, str) else None
    if (
        isinstance(seconds, (int, float))
        and not isinstance(seconds, bool)
        and 0 <= seconds <= _FURTHEST.total_seconds()
    ):
        by = timedelta(seconds=seconds)
    offset = float(emulation.state.store.setting("offset") or 0)
    if by is None or timedelta(seconds=offset) + by > _FURTHEST:
        raise invalid("InvalidPayload", 'Say {"advance_seconds": 3600} or {"advance": "P400D"}, at most a century.')
    emulation.state.store.set("offset", str(offset + by.total_seconds()))
    progress.settle(emulation.state)
    return _time(emulation, b"")


def _finish(emulation: EmulatorApp, body: bytes) -> Any:
    asked = _object(body, {"id", "status", "error"}) if body.strip() else {}
    status = asked.get("status", "Succeeded")
    if status not in ("Succeeded", "Failed") or not isinstance(asked.get("error", {}), (dict, str)):
        raise invalid("InvalidPayload", "status must be Succeeded or Failed, error an object or a text.")
    wanted = [one for one in emulation.state.store.unfinished() if asked.get("id") in (None, one.id)]
    if "id" in asked and not wanted:
        raise not_found("running entity")
    for entity in wanted:
        progress.finish(emulation.state, entity, emulation.state.now(), _outcome(asked, status))
    return [{"id": one.id, "kind": one.kind, "account": one.account, "status": one.status} for one in wanted]


def _outcome(asked: dict[str, Any], status: str) -> dict[str, Any] | None:
    if status == "Succeeded":
        return {"status": status} if "status" in asked else None
    error = asked.get("error", {})
    given = {"message": error} if isinstance(error, str) else error
    message = str(given.get("message", "Ended by /_emulator/finish."))
    return {"status": "Failed", "error": {"code": str(given.get("code", "InternalServerError")), "message": message}}


def _faults(emulation: EmulatorApp, body: bytes) -> Any:
    return emulation.faults.shown()


def _set_faults(emulation: EmulatorApp, body: bytes) -> Any:
    asked = parsed(body)
    try:
        emulation.faults = Faults.of(asked if isinstance(asked, list) else [asked])
    except ValueError as error:
        raise invalid("InvalidPayload", f"The rules are not valid: {error}") from None
    return emulation.faults.shown()


def _no_faults(emulation: EmulatorApp, body: bytes) -> Any:
    emulation.faults = Faults()
    return []


def _log(emulation: EmulatorApp, body: bytes) -> Any:
    """Add a pair of logs for an endpoint, or for the default base model of a locale."""
    asked, state = _object(body, {"account", "endpoint", "locale"}), emulation.state
    account = next((one.name for one in state.settings.accounts if one.name == asked.get("account")), None)
    if account is None or ("endpoint" in asked) == ("locale" in asked):
        raise invalid("InvalidPayload", "Say the account, and an endpoint or a locale.")
    if "endpoint" in asked and state.store.get(account, "endpoints", str(asked["endpoint"])) is None:
        raise not_found("endpoint")
    at_endpoint = "endpoint" in asked
    place = (
        endpoint_logs.of_endpoint(str(asked["endpoint"]).lower())
        if at_endpoint
        else endpoint_logs.of_locale(str(asked["locale"]))
    )
    return endpoint_logs.add(state, account, place, state.now())


def _reset(emulation: EmulatorApp, body: bytes) -> Any:
    state = emulation.state
    state.store.clear()
    if state.settings.stock:
        seed.fill(state)
    emulation.log.entries.clear()
    emulation.faults = Faults()
    return _time(emulation, b"")


def _object(body: bytes, names: set[str]) -> dict[str, Any]:
    value = parsed(body)
    if not isinstance(value, dict) or not set(value) <= names:
        raise invalid("InvalidPayload", f"A JSON object with {', '.join(sorted(names))} is expected.")
    return value


ROUTES = {
    "/_emulator": {"GET": _here},
    "/_emulator/requests": {"GET": _requests, "DELETE": _clear},
    "/_emulator/clock": {"GET": _time, "POST": _advance},
    "/_emulator/finish": {"POST": _finish},
    "/_emulator/faults": {"GET": _faults, "PUT": _set_faults, "DELETE": _no_faults},
    "/_emulator/logs": {"POST": _log},
    "/_emulator/reset": {"POST": _reset},
}
