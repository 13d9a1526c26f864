"""The application: takes a request apart, authenticates it, finds its operation, and writes the answer."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from custom_speech_emulator import faults
from custom_speech_emulator.control_routes import control
from custom_speech_emulator.faults import Faults, Rule
from custom_speech_emulator.http import authentication
from custom_speech_emulator.http.api_versions import Version, requested
from custom_speech_emulator.http.error_responses import Refused, invalid, not_allowed, unknown_address
from custom_speech_emulator.http.links import Address, is_local, target
from custom_speech_emulator.http.request import Call, IncomingRequest, body_of, query_of
from custom_speech_emulator.http.request_log import RequestLog, shown_body
from custom_speech_emulator.http.response import Answer, OutgoingResponse, do_all
from custom_speech_emulator.resources import files, stock, web_hook_deliveries
from custom_speech_emulator.resources.quotas import RateLimiter
from custom_speech_emulator.routes import ENDINGS, OPERATIONS, Operation
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import EntityStore
from custom_speech_emulator.state.settings import EmulatorSettings

_PATTERNS = [(operation.pattern, operation) for operation in OPERATIONS]
_OWN = re.compile(r"^(/[a-z0-9-]+)?(?P<path>/_emulator(/.*)?)$", re.DOTALL)
_NOWHERE = Address("http", "localhost")


@dataclass
class Exchange:
    """A request, its response, and the fault rule that applies to it."""

    request: IncomingRequest
    response: OutgoingResponse
    fault: Rule | None = None


@dataclass
class EmulatorApp:
    """A running emulator, as an ASGI application: its state, log, faults and request rate."""

    state: EmulatorState
    log: RequestLog = field(default_factory=RequestLog)
    faults: Faults = field(default_factory=Faults)
    rate: RateLimiter = field(default_factory=RateLimiter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        try:
            request = IncomingRequest.of(scope, await body_of(Request(scope, receive)))
        except ClientDisconnect:
            return
        exchange = self.exchange(request)
        written = exchange.response.written()
        if exchange.fault:
            await faults.send_faulty(written, exchange.fault, scope, receive, send)
        else:
            await written(scope, receive, send)

    def exchange(self, request: IncomingRequest) -> Exchange:
        """Do what a request asks for."""
        response = OutgoingResponse(Address(request.scheme, request.host))
        exchange = Exchange(request, response)
        try:
            with self.state.transaction():
                self.state.advance()
                response.now = self.state.now()
                self._answer(exchange)
                self._notify(response)
        except Refused as refused:
            response.answer = Answer(refused.status, refused.body(), refused.headers)
            response.later.clear()
        except sqlite3.DatabaseError as error:
            refusal = Refused(503, "ServiceUnavailable", f"The state cannot be used: {error}.")
            response.answer = Answer(refusal.status, refusal.body())
            response.later.clear()
        return exchange

    def tick(self) -> None:
        """Move on what is due although nobody asks, so that web hooks are called in time."""
        response = OutgoingResponse(_NOWHERE)
        with self.state.transaction():
            self.state.advance()
            self._notify(response)
        do_all(response.later)

    def _notify(self, response: OutgoingResponse) -> None:
        for message in web_hook_deliveries.of_events(self.state, self.state.pop_events()):
            hosts = self.state.settings.allow_content_hosts
            response.later.append(partial(web_hook_deliveries.send, message, hosts))

    def _answer(self, exchange: Exchange) -> None:
        request, response = exchange.request, exchange.response
        names = self.state.settings.allow_hosts
        if names and not is_local(request.host, names):  # a web page may have led a browser here
            raise Refused(421, "MisdirectedRequest", "The emulator was not started with --allow-host for this name.")
        own = _OWN.match(request.path)
        if own and own["path"].startswith(files.CONTENT):
            response.answer = files.content(self.state, own["path"], request.query)
        elif own:
            response.answer = control(self.state, self.log, self.faults, own["path"], request)
        else:
            self._logged(exchange)

    def _logged(self, exchange: Exchange) -> None:
        request = exchange.request
        entry = self.log.add(self.state.now(), request.method, request.path, request.query, request.headers)
        entry["body"] = shown_body(request.body or b"")
        try:
            self._operate(exchange, entry)
        except Refused as refused:
            entry["status"] = refused.status
            raise
        is_lost = exchange.fault and exchange.fault.fault == "close-before"
        entry["status"] = None if is_lost else exchange.response.answer.status

    def _operate(self, exchange: Exchange, entry: dict[str, Any]) -> None:
        prefix = authentication.token_service(exchange.request.path)
        if prefix is not None:
            exchange.response.answer = self._token(exchange.request, prefix, entry)
            return
        call, operation = self._call(exchange.request, entry)
        exchange.response.address, call.later = call.address, exchange.response.later
        if self.state.settings.rate_limit:
            self.rate.count(call.account.name, call.now)
        rule = exchange.fault = self.faults.first(entry)
        if rule and rule.fault == "close-before":
            return
        refusal = faults.refusal(rule, call.now) if rule else None
        if refusal:
            raise refusal
        exchange.response.linked_base = rule.host if rule and rule.fault == "hostile-link" else None
        exchange.response.answer = operation.handler(call)

    def _token(self, request: IncomingRequest, prefix: str, entry: dict[str, Any]) -> Answer:
        if request.method != "POST":
            raise not_allowed({"POST"})
        place = Address(request.scheme, request.host.lower(), prefix).place
        account = authentication.signed_in(self.state.settings.accounts, request.headers, place, None)
        entry["account"] = account.name
        token = authentication.issued(account, self.state.now())
        return Answer(200, token.encode(), {"Content-Type": "text/plain; charset=us-ascii"})

    def _call(self, request: IncomingRequest, entry: dict[str, Any]) -> tuple[Call, Operation]:
        to = target(request.scheme, request.host, request.path)
        if to is None:
            raise unknown_address()
        now, accounts = self.state.now(), self.state.settings.accounts
        takes_tokens = to.version is not None
        account = authentication.signed_in(accounts, request.headers, to.address.place, now if takes_tokens else None)
        entry["account"] = account.name
        query = query_of(request.query)
        version = requested(to.version, query.get("api-version"))
        entry["api_version"] = version.name
        operation, path = _found(version, request.method, to.path.rstrip("/") or "/")
        entry["operation"] = operation.name
        _check_query(query, operation, version)
        if request.body is None:
            raise Refused(413, "InvalidRequest", "The request body is too large.", "InvalidRequestBodyFormat")
        content_type = request.headers.get("content-type", "")
        call = Call(
            self.state, now, account, version, to.address, request.method, path, query, content_type, request.body
        )
        return call, operation


def emulator(**options: Any) -> Starlette:
    """Return an emulator as a Starlette application; the options are the fields of `EmulatorSettings`.

    Raises `StateUnusableError` if the state file cannot be used, ValueError for an option that makes no sense.
    """
    settings = EmulatorSettings(**options)
    state = EmulatorState(settings, EntityStore(settings.state and Path(settings.state)), ENDINGS)
    with state.store.transaction():
        if state.store.setting("stocked") is None and settings.stock:
            stock.fill(state)
        state.store.set("stocked", "yes")
    app = Starlette()
    app.state.emulator = EmulatorApp(state, faults=Faults.of(settings.faults))
    # Everything goes to one place: the operations are a table of Azure's, not routes of Starlette's.
    app.router.default = app.state.emulator
    return app


def _check_query(query: dict[str, str], operation: Operation, version: Version) -> None:
    known = {*operation.query_of(version), "api-version"}
    for name in query:
        if name not in known:
            raise invalid("InvalidParameter", f"The query parameter {name[:64]!r} is not known here.", name[:64])


def _found(version: Version, method: str, path: str) -> tuple[Operation, dict[str, str]]:
    here = [(operation, match) for pattern, operation in _PATTERNS if (match := pattern.match(path))]
    here = [(operation, match) for operation, match in here if version in operation.versions]
    if not here:
        raise unknown_address()
    fewest = min(len(match.groupdict()) for _, match in here)  # `/models/base` is not a model with the id `base`
    here = [(operation, match) for operation, match in here if len(match.groupdict()) == fewest]
    for operation, match in here:
        if operation.method == method:
            return operation, match.groupdict()
    raise not_allowed({operation.method for operation, _ in here})
