"""The ASGI application: it authenticates a request, runs its operation, and sends the response."""

import json
import re
import sqlite3
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask, BackgroundTasks
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from custom_speech_emulator.control_routes import ControlRequest, handle_control_request
from custom_speech_emulator.faults import FaultRule, Faults, send_with_fault
from custom_speech_emulator.http import authentication
from custom_speech_emulator.http.api_versions import select_version
from custom_speech_emulator.http.host_address import HostAddress, is_local, parse_address
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.request import IncomingRequest, parse_query, read_request
from custom_speech_emulator.http.request_log import RequestLog
from custom_speech_emulator.http.responses import ApiResponse, ServiceError, invalid, too_many_requests
from custom_speech_emulator.resources import files, seed_data, web_hooks
from custom_speech_emulator.routes import COMPLETION_HOOKS, Route, find_route
from custom_speech_emulator.state.emulator_state import EmulatorSettings, EmulatorState
from custom_speech_emulator.state.entity_store import EntityStore

_CONTROL_PATH = re.compile(r"^(/[a-z0-9-]+)?(?P<path>/_emulator(/.*)?)$", re.DOTALL)  # after an optional region
_MAX_REQUESTS, _RATE_SECONDS = 100, 10.0  # quotas and limits page


@dataclass
class Exchange:
    """The response to a request, its log entry, and the fault that applies to it."""

    address: HostAddress
    now: datetime | None = None  # None if the state cannot be used
    response: ApiResponse = field(default_factory=lambda: ApiResponse(204))
    after_response: list[Callable[[], object]] = field(default_factory=list)
    fault: FaultRule | None = None
    entry: dict[str, Any] = field(default_factory=dict)

    def http_response(self) -> Response:
        """Return the HTTP response, with real hosts in its links and a header that identifies the emulator."""
        headers = {name: self._fill_placeholders(value) for name, value in self.response.headers.items()}
        headers["custom-speech-emulator"] = "1"
        if self.now:
            headers["Date"] = formatdate(self.now.timestamp(), usegmt=True)
        background = BackgroundTasks([BackgroundTask(do) for do in self.after_response])
        status, body = self.response.status, self.response.body
        if body is None or isinstance(body, bytes):
            return Response(body, status, headers, background=background)
        text = self._fill_placeholders(body if isinstance(body, str) else json.dumps(body))
        return Response(text, status, headers, "application/json; charset=utf-8", background)

    def _fill_placeholders(self, text: str) -> str:
        text = self.address.fill_placeholders(text)
        if self.fault and self.fault.fault == "hostile-link":
            return text.replace(self.address.base_url(), self.fault.host)
        return text


@dataclass
class EmulatorApp:
    """A running emulator as an ASGI application."""

    state: EmulatorState
    log: RequestLog = field(default_factory=RequestLog)
    faults: Faults = field(default_factory=Faults)
    # The times of recent requests by account, for the rate limit.
    request_times: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        try:
            request = await read_request(scope, receive)
        except ClientDisconnect:
            return
        exchange = Exchange(HostAddress(request.scheme, request.host))
        try:
            with self.state.transaction():
                exchange.now = self.state.advance()
                exchange.response = self._respond(exchange, request, exchange.now)
                exchange.after_response += web_hooks.pending_notifications(self.state)
        except (ServiceError, sqlite3.DatabaseError) as error:
            unusable = ServiceError(503, "ServiceUnavailable", f"The state cannot be used: {error}.")
            failure = error if isinstance(error, ServiceError) else unusable
            exchange.response = ApiResponse(failure.status, failure.body(), failure.headers)
            exchange.after_response.clear()  # the transaction was rolled back
        is_lost = exchange.fault and exchange.fault.fault == "close-before"
        exchange.entry["status"] = None if is_lost else exchange.response.status
        if exchange.fault:
            await send_with_fault(exchange.http_response(), exchange.fault, scope, receive, send)
        else:
            await exchange.http_response()(scope, receive, send)

    def tick(self) -> None:
        """Apply due status changes and notify web hooks between requests."""
        with self.state.transaction():
            self.state.advance()
            notifications = web_hooks.pending_notifications(self.state)
        for send in notifications:
            send()

    def _respond(self, exchange: Exchange, request: IncomingRequest, now: datetime) -> ApiResponse:
        """Return the response of a control route, of the token service or of an operation."""
        names = self.state.settings.allow_hosts
        if names and not is_local(request.host, names):  # protects a browser on this machine from DNS rebinding
            raise ServiceError(421, "MisdirectedRequest", "The emulator does not allow this host name (--allow-host).")
        control = _CONTROL_PATH.match(request.path)
        if control and control["path"].startswith(files.CONTENT_PATH):
            return files.get_content(self.state, control["path"], request.query)
        if control:
            control_request = ControlRequest(self.state, self.log, self.faults, request.body or b"")
            return handle_control_request(control_request, control["path"], request)
        exchange.entry = self.log.add(now, request)
        token_service = authentication.TOKEN_PATH.match(request.path)
        if token_service:
            address = HostAddress(request.scheme, request.host.lower(), (token_service["prefix"] or "").lower())
            return authentication.issue_token(self.state, request, address.account_or_region, exchange.entry)
        call, route = self._make_call(request, exchange.entry, now)
        exchange.address, call.after_response = call.address, exchange.after_response
        if self.state.settings.rate_limit:
            self._enforce_rate_limit(call.account.name, now.timestamp())
        rule = exchange.fault = self.faults.first_match(exchange.entry)
        if rule and rule.fault == "close-before":
            return exchange.response
        error = rule.error(now) if rule else None
        if error:
            raise error
        return route.handler(call)

    def _make_call(self, request: IncomingRequest, entry: dict[str, Any], now: datetime) -> tuple[OperationCall, Route]:
        """Return the authenticated call and the route of a request, and fill in its log entry."""
        address, segment, path = parse_address(request.scheme, request.host, request.path)
        # The specifications of the dated versions allow only keys.
        account = authentication.authenticate(
            self.state, request.headers, address.account_or_region, accept_token=segment is not None
        )
        entry["account"] = account.name
        query = parse_query(request.query)
        version = select_version(segment, query.get("api-version"))
        entry["api_version"] = version.name
        route, values = find_route(version, request.method, path.rstrip("/") or "/")
        entry["operation"] = route.name
        for name in query:
            if name not in (*route.query_parameters(version), "api-version"):
                raise invalid("InvalidParameter", f"The operation has no query parameter {name[:64]!r}.", name[:64])
        if request.body is None:
            raise ServiceError(413, "InvalidRequest", "The request body is too large.", "InvalidRequestBodyFormat")
        content_type = request.headers.get("content-type", "")
        http = (request.method, values, query, content_type, request.body)
        return OperationCall(self.state, now, account, version, address, *http), route

    def _enforce_rate_limit(self, account: str, at: float) -> None:
        """Count a request of an account, or raise a 429 error above 100 requests in ten seconds."""
        times = self.request_times[account]
        while times and times[0] <= at - _RATE_SECONDS:
            times.popleft()
        if len(times) >= _MAX_REQUESTS:
            raise too_many_requests({"Retry-After": str(max(1, round(times[0] + _RATE_SECONDS - at)))})
        times.append(at)


def emulator(**options: Any) -> Starlette:
    """Return an emulator as a Starlette application; the options are the fields of `EmulatorSettings`.

    Raises StateUnusableError if the state file cannot be used, and ValueError for an invalid option.
    """
    settings = EmulatorSettings(**options)
    state = EmulatorState(settings, EntityStore(settings.state and Path(settings.state)), COMPLETION_HOOKS)
    with state.store.transaction():
        seed_data.seed(state)
    app = Starlette()
    app.state.emulator = EmulatorApp(state, faults=Faults.parse(settings.faults))
    # The emulator has its own table of routes instead of Starlette's.
    app.router.default = app.state.emulator
    return app
