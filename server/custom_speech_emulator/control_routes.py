"""The emulator's own routes under `/_emulator`: its log, its clock, its faults, endings and a fresh start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from custom_speech_emulator.faults import Faults
from custom_speech_emulator.http.error_responses import Refused, invalid, not_allowed, not_found
from custom_speech_emulator.http.links import is_local
from custom_speech_emulator.http.request import IncomingRequest, parsed
from custom_speech_emulator.http.request_log import RequestLog
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import endpoint_logs, stock
from custom_speech_emulator.resources.entities import offered
from custom_speech_emulator.state.clock import duration, stamp
from custom_speech_emulator.state.emulator_state import EmulatorState

_FURTHEST = timedelta(days=36_500)


@dataclass(frozen=True)
class ControlRequest:
    """A request to a control route, and what it can see and change."""

    state: EmulatorState
    log: RequestLog
    faults: Faults
    body: bytes

    def describe(self) -> Any:
        """Return the resources and the routes."""
        accounts = [
            {"name": one.name, "region": one.region, "key": one.key, "resource_id": one.resource_id, "tier": one.tier}
            for one in self.state.settings.accounts
        ]
        routes = {path: sorted(methods) for path, methods in ROUTES.items()}
        return {"emulator": "Azure Speech to text REST API, custom speech", "accounts": accounts, "routes": routes}

    def list_requests(self) -> Any:
        """Return the log."""
        return list(self.log.entries)

    def clear_requests(self) -> Any:
        """Empty the log."""
        self.log.entries.clear()
        return []

    def get_clock(self) -> Any:
        """Return the emulator's time."""
        return {"now": stamp(self.state.now()), "offset_seconds": float(self.state.store.setting("offset") or 0)}

    def advance_clock(self) -> Any:
        """Move the clock by seconds or by a duration, and everything that is due then."""
        asked = self._object({"advance_seconds", "advance"})
        seconds: Any = asked.get("advance_seconds")
        text = asked.get("advance")
        by = duration(text) if isinstance(text, str) else None
        if type(seconds) in (int, float) and 0 <= seconds <= _FURTHEST.total_seconds():
            by = timedelta(seconds=seconds)
        offset = float(self.state.store.setting("offset") or 0)
        if by is None or timedelta(seconds=offset) + by > _FURTHEST:
            raise invalid("InvalidPayload", 'Say {"advance_seconds": 3600} or {"advance": "P400D"}, at most a century.')
        self.state.store.set("offset", str(offset + by.total_seconds()))
        self.state.advance()
        return self.get_clock()

    def finish(self) -> Any:
        """End everything that is running, or one entity, well or with an error."""
        asked = self._object({"id", "status", "error"}) if self.body.strip() else {}
        status = asked.get("status", "Succeeded")
        if status not in ("Succeeded", "Failed") or not isinstance(asked.get("error", {}), (dict, str)):
            raise invalid("InvalidPayload", "status must be Succeeded or Failed, error an object or a text.")
        wanted = [one for one in self.state.store.unfinished() if asked.get("id") in (None, one.id)]
        if "id" in asked and not wanted:
            raise not_found("running entity")
        for entity in wanted:
            self.state.finish(entity, self.state.now(), _outcome(asked, status))
        return [{"id": one.id, "kind": one.kind, "account": one.account, "status": one.status} for one in wanted]

    def list_faults(self) -> Any:
        """Return the fault rules."""
        return self.faults.shown()

    def replace_faults(self) -> Any:
        """Replace the fault rules by a list, or by one."""
        asked = parsed(self.body)
        try:
            self.faults.replace(asked if isinstance(asked, list) else [asked])
        except ValueError as error:
            raise invalid("InvalidPayload", f"The rules are not valid: {error}") from None
        return self.faults.shown()

    def remove_faults(self) -> Any:
        """Remove all fault rules."""
        self.faults.replace([])
        return []

    def add_logs(self) -> Any:
        """Add a pair of logs for an endpoint, or for the default base model of a locale."""
        asked = self._object({"account", "endpoint", "locale"})
        account = next((one.name for one in self.state.settings.accounts if one.name == asked.get("account")), None)
        if account is None or ("endpoint" in asked) == ("locale" in asked):
            raise invalid("InvalidPayload", "Say the account, and an endpoint or a locale.")
        if "locale" in asked:
            place = endpoint_logs.of_locale(offered(str(asked["locale"])))
        elif self.state.store.get(account, "endpoints", str(asked["endpoint"])) is None:
            raise not_found("endpoint")
        else:
            place = endpoint_logs.of_endpoint(str(asked["endpoint"]).lower())
        return endpoint_logs.add(self.state, account, place, self.state.now())

    def reset(self) -> Any:
        """Restore the initial content and the clock, and clear the log and the faults."""
        self.state.store.clear()
        if self.state.settings.stock:
            stock.fill(self.state)
        self.clear_requests()
        self.remove_faults()
        return self.get_clock()

    def _object(self, names: set[str]) -> dict[str, Any]:
        value = parsed(self.body)
        if not isinstance(value, dict) or not set(value) <= names:
            raise invalid("InvalidPayload", f"A JSON object with {', '.join(sorted(names))} is expected.")
        return value


ROUTES: dict[str, dict[str, Callable[[ControlRequest], Any]]] = {
    "/_emulator": {"GET": ControlRequest.describe},
    "/_emulator/requests": {"GET": ControlRequest.list_requests, "DELETE": ControlRequest.clear_requests},
    "/_emulator/clock": {"GET": ControlRequest.get_clock, "POST": ControlRequest.advance_clock},
    "/_emulator/finish": {"POST": ControlRequest.finish},
    "/_emulator/faults": {
        "GET": ControlRequest.list_faults,
        "PUT": ControlRequest.replace_faults,
        "DELETE": ControlRequest.remove_faults,
    },
    "/_emulator/logs": {"POST": ControlRequest.add_logs},
    "/_emulator/reset": {"POST": ControlRequest.reset},
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
    return Answer(200, handlers[request.method](ControlRequest(state, log, faults, request.body or b"")))


def _outcome(asked: dict[str, Any], status: str) -> dict[str, Any] | None:
    if status == "Succeeded":
        return {"status": status} if "status" in asked else None
    error = asked.get("error", {})
    given = {"message": error} if isinstance(error, str) else error
    message = str(given.get("message", "Ended by /_emulator/finish."))
    return {"status": "Failed", "error": {"code": str(given.get("code", "InternalServerError")), "message": message}}
