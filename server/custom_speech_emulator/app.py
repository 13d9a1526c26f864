"""The application: authenticates a request, finds its operation, and writes the answer."""

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

from custom_speech_emulator import faults
from custom_speech_emulator.control_routes import control
from custom_speech_emulator.faults import Faults, Rule
from custom_speech_emulator.http import authentication
from custom_speech_emulator.http.api_versions import requested
from custom_speech_emulator.http.links import Address, is_local, target
from custom_speech_emulator.http.request import Call, IncomingRequest, RequestLog, query_of, received
from custom_speech_emulator.http.responses import Answer, Refused, invalid
from custom_speech_emulator.resources import files, stock, web_hooks
from custom_speech_emulator.routes import ENDINGS, Operation, found
from custom_speech_emulator.state.emulator_state import EmulatorSettings, EmulatorState
from custom_speech_emulator.state.entity_store import EntityStore

_OWN = re.compile(r"^(/[a-z0-9-]+)?(?P<path>/_emulator(/.*)?)$", re.DOTALL)  # a region can precede it


@dataclass
class Exchange:
    """The answer to a request, the work that follows the answer, and the fault rule that applies to it."""

    address: Address
    now: datetime | None = None  # None if the state could not be used
    answer: Answer = field(default_factory=lambda: Answer(204))
    later: list[Callable[[], object]] = field(default_factory=list)
    fault: Rule | None = None
    entry: dict[str, Any] = field(default_factory=dict)  # of the log

    def response(self) -> Response:
        """Return the HTTP response, with real hosts in its links and the header that identifies the emulator."""
        headers = {name: self._linked(value) for name, value in self.answer.headers.items()}
        headers["custom-speech-emulator"] = "1"
        if self.now:
            headers["Date"] = formatdate(self.now.timestamp(), usegmt=True)
        background = BackgroundTasks([BackgroundTask(do) for do in self.later])
        body = self.answer.body
        if body is None or isinstance(body, bytes):
            return Response(body, self.answer.status, headers, background=background)
        text = self._linked(body if isinstance(body, str) else json.dumps(body))
        return Response(text, self.answer.status, headers, "application/json; charset=utf-8", background)

    def _linked(self, text: str) -> str:
        text = self.address.write(text)
        is_hostile = self.fault and self.fault.fault == "hostile-link"
        return text.replace(self.address.base, self.fault.host) if self.fault and is_hostile else text


@dataclass
class EmulatorApp:
    """A running emulator, as an ASGI application: its state, log, faults and request rate."""

    state: EmulatorState
    log: RequestLog = field(default_factory=RequestLog)
    faults: Faults = field(default_factory=Faults)
    times: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))  # of requests, by account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        try:
            request = await received(scope, receive)
        except ClientDisconnect:
            return
        exchange = Exchange(Address(request.scheme, request.host))
        self._answer(exchange, request)
        if exchange.fault:
            await faults.send_faulty(exchange.response(), exchange.fault, scope, receive, send)
        else:
            await exchange.response()(scope, receive, send)

    def _answer(self, exchange: Exchange, request: IncomingRequest) -> None:
        try:
            with self.state.transaction():
                exchange.now = self.state.advance()
                exchange.answer = self._operate(exchange, request, exchange.now)
                exchange.later += web_hooks.notifications(self.state)
        except (Refused, sqlite3.DatabaseError) as error:
            unusable = Refused(503, "ServiceUnavailable", f"The state cannot be used: {error}.")
            refused = error if isinstance(error, Refused) else unusable
            exchange.answer = Answer(refused.status, refused.body(), refused.headers)
            exchange.later.clear()  # its transaction was rolled back
        is_lost = exchange.fault and exchange.fault.fault == "close-before"
        exchange.entry["status"] = None if is_lost else exchange.answer.status

    def tick(self) -> None:
        """Let work that is due progress without a request, so that web hooks are called in time."""
        with self.state.transaction():
            self.state.advance()
            messages = web_hooks.notifications(self.state)
        for send in messages:
            send()

    def _operate(self, exchange: Exchange, request: IncomingRequest, now: datetime) -> Answer:
        names = self.state.settings.allow_hosts
        if names and not is_local(request.host, names):  # a web page may have led a browser here
            raise Refused(421, "MisdirectedRequest", "The emulator was not started with --allow-host for this name.")
        own = _OWN.match(request.path)
        if own and own["path"].startswith(files.CONTENT):
            return files.content(self.state, own["path"], request.query)
        if own:
            return control(self.state, self.log, self.faults, own["path"], request)
        exchange.entry = self.log.add(now, request)
        token_service = authentication.TOKEN_PATH.match(request.path)
        if token_service:
            address = Address(request.scheme, request.host.lower(), (token_service["prefix"] or "").lower())
            return authentication.token_answer(self.state, request, address.place, exchange.entry)
        call, operation = self._call(request, exchange.entry, now)
        exchange.address, call.later = call.address, exchange.later
        if self.state.settings.rate_limit:
            authentication.count_request(self.times[call.account.name], now)
        rule = exchange.fault = self.faults.first(exchange.entry)
        if rule and rule.fault == "close-before":
            return exchange.answer
        refusal = faults.refusal(rule, now) if rule else None
        if refusal:
            raise refusal
        return operation.handler(call)

    def _call(self, request: IncomingRequest, entry: dict[str, Any], now: datetime) -> tuple[Call, Operation]:
        address, segment, path = target(request.scheme, request.host, request.path)
        # In the specifications of the dated versions only a key is accepted.
        account = authentication.signed_in(self.state, request.headers, address.place, takes_tokens=segment is not None)
        entry["account"] = account.name
        query = query_of(request.query)
        version = requested(segment, query.get("api-version"))
        entry["api_version"] = version.name
        operation, values = found(version, request.method, path.rstrip("/") or "/")
        entry["operation"] = operation.name
        for name in query:
            if name not in (*operation.query_of(version), "api-version"):
                raise invalid("InvalidParameter", f"The query parameter {name[:64]!r} is not known here.", name[:64])
        if request.body is None:
            raise Refused(413, "InvalidRequest", "The request body is too large.", "InvalidRequestBodyFormat")
        sent_as = request.headers.get("content-type", "")
        call = Call(self.state, now, account, version, address, request.method, values, query, sent_as, request.body)
        return call, operation


def emulator(**options: Any) -> Starlette:
    """Return an emulator as a Starlette application; the options are the fields of `EmulatorSettings`.

    Raises `StateUnusableError` if the state file cannot be used, ValueError for an option that makes no sense.
    """
    settings = EmulatorSettings(**options)
    state = EmulatorState(settings, EntityStore(settings.state and Path(settings.state)), ENDINGS)
    with state.store.transaction():
        stock.fill(state)
    app = Starlette()
    app.state.emulator = EmulatorApp(state, faults=Faults.of(settings.faults))
    # All paths go to one place, because the operations are in a table of their own instead of Starlette's routes.
    app.router.default = app.state.emulator
    return app
