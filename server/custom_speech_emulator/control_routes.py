"""The emulator's own routes under `/_emulator`: its log, its clock, its faults, endings and a fresh start."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from custom_speech_emulator.faults import Faults
from custom_speech_emulator.http.links import is_local
from custom_speech_emulator.http.request import IncomingRequest, RequestLog, parsed
from custom_speech_emulator.http.responses import Answer, Refused, invalid, not_allowed, not_found
from custom_speech_emulator.resources import endpoints, stock
from custom_speech_emulator.resources.entities import offered
from custom_speech_emulator.state.emulator_state import EmulatorState, duration, stamp
from custom_speech_emulator.state.entity_store import SETTINGS

_FURTHEST = timedelta(days=36_500)


@dataclass(frozen=True)
class ControlRequest:
    """A request to a control route, with everything that it can read and change."""

    state: EmulatorState
    log: RequestLog
    faults: Faults
    body: bytes

    def asked(self, names: set[str]) -> dict[str, Any]:
        """Return the body, a JSON object; 400 for any other and for other names."""
        value = parsed(self.body)
        if not isinstance(value, dict) or not set(value) <= names:
            raise invalid("InvalidPayload", f"A JSON object with {', '.join(sorted(names))} is expected.")
        return value


def _describe(request: ControlRequest) -> Any:
    shown = ("name", "region", "key", "resource_id", "tier")
    accounts = [{name: getattr(one, name) for name in shown} for one in request.state.settings.accounts]
    routes = {path: sorted(methods) for path, methods in ROUTES.items()}
    return {"emulator": "Azure Speech to text REST API, custom speech", "accounts": accounts, "routes": routes}


def _clock(request: ControlRequest) -> Any:
    return {"now": stamp(request.state.now()), "offset_seconds": request.state.offset.total_seconds()}


def _advance_clock(request: ControlRequest) -> None:
    asked = request.asked({"advance_seconds", "advance"})
    seconds: Any = asked.get("advance_seconds")
    text = asked.get("advance")
    by = duration(text) if isinstance(text, str) else None
    if type(seconds) in (int, float) and 0 <= seconds <= _FURTHEST.total_seconds():
        by = timedelta(seconds=seconds)
    offset = request.state.offset
    if by is None or by > _FURTHEST - offset:
        raise invalid("InvalidPayload", 'Say {"advance_seconds": 3600} or {"advance": "P400D"}, at most a century.')
    request.state.store.put_data(*SETTINGS, "offset", str((offset + by).total_seconds()).encode())
    request.state.advance()


def _finish(request: ControlRequest) -> Any:
    """End everything that is running, or one entity, with success or with an error."""
    asked = request.asked({"id", "status", "error"}) if request.body.strip() else {}
    status, error = asked.get("status", "Succeeded"), asked.get("error", {})
    if status not in ("Succeeded", "Failed") or not isinstance(error, dict):
        raise invalid("InvalidPayload", "status must be Succeeded or Failed, error an object.")
    outcome = {"status": status} if "status" in asked else None
    if status == "Failed":
        default = {"code": "InternalServerError", "message": "Ended by /_emulator/finish."}
        outcome = {"status": status, "error": {name: str(error.get(name, text)) for name, text in default.items()}}
    wanted = [one for one in request.state.store.select("moving") if asked.get("id") in (None, one.id)]
    if "id" in asked and not wanted:
        raise not_found("running entity")
    for entity in wanted:
        request.state.finish(entity, request.state.now(), outcome)
    return [{"id": one.id, "kind": one.kind, "account": one.account, "status": one.status} for one in wanted]


def _put_faults(request: ControlRequest) -> None:
    asked = parsed(request.body)
    try:
        request.faults[:] = Faults.of(asked if isinstance(asked, list) else [asked])
    except ValueError as error:
        raise invalid("InvalidPayload", f"The rules are not valid: {error}") from None


def _add_logs(request: ControlRequest) -> Any:
    """Add a pair of logs for an endpoint, or for the default base model of a locale."""
    state, asked = request.state, request.asked({"account", "endpoint", "locale"})
    account = next((one.name for one in state.settings.accounts if one.name == asked.get("account")), None)
    if account is None or ("endpoint" in asked) == ("locale" in asked):
        raise invalid("InvalidPayload", "Say the account, and an endpoint or a locale.")
    if "locale" in asked:
        owner = f"base/{offered(str(asked['locale']))}"
    elif state.store.get(account, "endpoints", str(asked["endpoint"])) is None:
        raise not_found("endpoint")
    else:
        owner = str(asked["endpoint"]).lower()
    return endpoints.add_logs(state, account, owner, state.now())


def _reset(request: ControlRequest) -> Any:
    """Restore the initial content and the clock, and clear the log and the faults."""
    request.state.store.clear()
    stock.fill(request.state)
    request.log.entries.clear()
    request.faults.clear()
    return _clock(request)


ROUTES: dict[str, dict[str, Callable[[ControlRequest], Any]]] = {
    "/_emulator": {"GET": _describe},
    "/_emulator/requests": {
        "GET": lambda request: list(request.log.entries),
        "DELETE": lambda request: request.log.entries.clear(),
    },
    "/_emulator/clock": {"GET": _clock, "POST": _advance_clock},
    "/_emulator/finish": {"POST": _finish},
    "/_emulator/faults": {
        "GET": lambda request: request.faults.shown(),
        "PUT": _put_faults,
        "DELETE": lambda request: request.faults.clear(),
    },
    "/_emulator/logs": {"POST": _add_logs},
    "/_emulator/reset": {"POST": _reset},
}


def control(state: EmulatorState, log: RequestLog, faults: Faults, path: str, request: IncomingRequest) -> Answer:
    """Answer a control request; 403 for a Host that is not allowed, or a page that is not of this machine."""
    page = request.headers.get("origin", "http://localhost").partition("://")[2]
    if not is_local(request.host, state.settings.allow_hosts) or not is_local(page):
        raise Refused(403, "Forbidden", "The control routes answer only on allowed names, and to no foreign web page.")
    handlers = ROUTES.get(path.rstrip("/"))
    if handlers is None:
        raise not_found("control route")
    if request.method not in handlers:
        raise not_allowed(set(handlers))
    asked = ControlRequest(state, log, faults, request.body or b"")
    shown = handlers[request.method](asked)
    # A change is answered with the new state of the route.
    return Answer(200, handlers["GET"](asked) if shown is None else shown)
