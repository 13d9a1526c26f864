"""The control routes under `/_emulator`: request log, clock, faults, outcomes, endpoint logs and reset."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from custom_speech_emulator.faults import Faults
from custom_speech_emulator.http.host_address import is_local
from custom_speech_emulator.http.request import IncomingRequest, parse_json
from custom_speech_emulator.http.request_log import RequestLog
from custom_speech_emulator.http.responses import ApiResponse, forbidden, invalid, not_allowed, not_found
from custom_speech_emulator.resources import endpoints, seed_data
from custom_speech_emulator.resources.entities import validate_locale
from custom_speech_emulator.state.emulator_state import EmulatorState, format_time, parse_duration
from custom_speech_emulator.state.entity_store import SETTINGS

_MAX_CLOCK_OFFSET = timedelta(days=36_500)


@dataclass(frozen=True)
class ControlRequest:
    """A control request with the state, the log and the fault rules that its handler can access."""

    state: EmulatorState
    log: RequestLog
    faults: Faults
    body: bytes

    def json_object(self, names: set[str]) -> dict[str, Any]:
        """Return the body, or raise a 400 error if it is not a JSON object with only these names."""
        value = parse_json(self.body)
        if not isinstance(value, dict) or not set(value) <= names:
            raise invalid("InvalidPayload", f"A JSON object with {', '.join(sorted(names))} is expected.")
        return value


def describe(request: ControlRequest) -> Any:
    """Return the accounts and the control routes."""
    names = ("name", "region", "key", "resource_id", "tier")
    accounts = [{name: getattr(one, name) for name in names} for one in request.state.settings.accounts]
    routes = {path: sorted(methods) for path, methods in CONTROL_ROUTES.items()}
    return {"emulator": "Azure Speech to text REST API, custom speech", "accounts": accounts, "routes": routes}


def get_clock(request: ControlRequest) -> Any:
    """Return the time of the emulator and the offset of its clock."""
    return {"now": format_time(request.state.now()), "offset_seconds": request.state.offset.total_seconds()}


def advance_clock(request: ControlRequest) -> None:
    """Move the clock forward and apply all status changes that are then due."""
    body = request.json_object({"advance_seconds", "advance"})
    seconds: Any = body.get("advance_seconds")
    text = body.get("advance")
    duration = parse_duration(text) if isinstance(text, str) else None
    if type(seconds) in (int, float) and 0 <= seconds <= _MAX_CLOCK_OFFSET.total_seconds():
        duration = timedelta(seconds=seconds)
    offset = request.state.offset
    if duration is None or duration > _MAX_CLOCK_OFFSET - offset:
        raise invalid("InvalidPayload", 'Specify {"advance_seconds": 3600} or {"advance": "P400D"}, up to a century.')
    request.state.store.put_data(*SETTINGS, "offset", str((offset + duration).total_seconds()).encode())
    request.state.advance()


def finish_work(request: ControlRequest) -> Any:
    """Finish all running entities, or one entity, successfully or with an error."""
    body = request.json_object({"id", "status", "error"}) if request.body.strip() else {}
    status, error = body.get("status", "Succeeded"), body.get("error", {})
    if status not in ("Succeeded", "Failed") or not isinstance(error, dict):
        raise invalid("InvalidPayload", "status must be Succeeded or Failed, error an object.")
    outcome = {"status": status} if "status" in body else None
    if status == "Failed":
        default = {"code": "InternalServerError", "message": "Ended by /_emulator/finish."}
        outcome = {"status": status, "error": {name: str(error.get(name, text)) for name, text in default.items()}}
    running = [one for one in request.state.store.select("NOT is_terminal") if body.get("id") in (None, one.id)]
    if "id" in body and not running:
        raise not_found("running entity")
    for entity in running:
        request.state.finish(entity, request.state.now(), outcome)
    return [{"id": one.id, "kind": one.kind, "account": one.account, "status": one.status} for one in running]


def put_faults(request: ControlRequest) -> None:
    """Replace the fault rules."""
    body = parse_json(request.body)
    try:
        request.faults[:] = Faults.parse(body if isinstance(body, list) else [body])
    except ValueError as error:
        raise invalid("InvalidPayload", f"The rules are not valid: {error}") from None


def add_logs(request: ControlRequest) -> Any:
    """Add a recording and its transcription to the logs of an endpoint, or of the base model of a locale."""
    state, body = request.state, request.json_object({"account", "endpoint", "locale"})
    account = next((one.name for one in state.settings.accounts if one.name == body.get("account")), None)
    if account is None or ("endpoint" in body) == ("locale" in body):
        raise invalid("InvalidPayload", "Specify the account, and an endpoint or a locale.")
    if "locale" in body:
        owner = f"base/{validate_locale(str(body['locale']))}"
    elif state.store.get(account, "endpoints", str(body["endpoint"])) is None:
        raise not_found("endpoint")
    else:
        owner = str(body["endpoint"]).lower()
    return endpoints.add_logs(state, account, owner, state.now())


def reset(request: ControlRequest) -> Any:
    """Restore the initial entities and the clock, and clear the request log and the faults."""
    request.state.store.clear()
    seed_data.seed(request.state)
    request.log.entries.clear()
    request.faults.clear()
    return get_clock(request)


CONTROL_ROUTES: dict[str, dict[str, Callable[[ControlRequest], Any]]] = {
    "/_emulator": {"GET": describe},
    "/_emulator/requests": {
        "GET": lambda request: list(request.log.entries),
        "DELETE": lambda request: request.log.entries.clear(),
    },
    "/_emulator/clock": {"GET": get_clock, "POST": advance_clock},
    "/_emulator/finish": {"POST": finish_work},
    "/_emulator/faults": {
        "GET": lambda request: request.faults.to_json(),
        "PUT": put_faults,
        "DELETE": lambda request: request.faults.clear(),
    },
    "/_emulator/logs": {"POST": add_logs},
    "/_emulator/reset": {"POST": reset},
}


def handle_control_request(control: ControlRequest, path: str, request: IncomingRequest) -> ApiResponse:
    """Handle a request to a control route, or raise a 403 error for a foreign Host or Origin."""
    origin_host = request.headers.get("origin", "http://localhost").partition("://")[2]
    if not is_local(request.host, control.state.settings.allow_hosts) or not is_local(origin_host):
        raise forbidden("The control routes accept only allowed host names, and no requests of foreign web pages.")
    handlers = CONTROL_ROUTES.get(path.rstrip("/"))
    if handlers is None:
        raise not_found("control route")
    if request.method not in handlers:
        raise not_allowed(set(handlers))
    body = handlers[request.method](control)
    # The response to a change is the new state of the route.
    return ApiResponse(200, handlers["GET"](control) if body is None else body)
