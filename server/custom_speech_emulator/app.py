"""The application: takes a request apart, signs it in, finds its operation, and writes the answer."""

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

from custom_speech_emulator.control_routes import control
from custom_speech_emulator.faults import fault_responses, rules
from custom_speech_emulator.faults.rules import Faults
from custom_speech_emulator.http import tokens
from custom_speech_emulator.http.errors import Refused, invalid, not_allowed, unknown_address
from custom_speech_emulator.http.links import Address, is_local, target
from custom_speech_emulator.http.messages import IncomingRequest, OutgoingResponse, body_of, do_all, query_of
from custom_speech_emulator.http.operation_call import Answer, Call
from custom_speech_emulator.http.versions import Version, spoken
from custom_speech_emulator.resources import files, web_hook_deliveries
from custom_speech_emulator.routes import ENDINGS, OPERATIONS, Operation
from custom_speech_emulator.settings import EmulatorSettings
from custom_speech_emulator.state import progress, seed
from custom_speech_emulator.state.accounts import Account, of_key, signed_in
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.progress import ProgressMode
from custom_speech_emulator.state.quotas import RateLimiter
from custom_speech_emulator.state.request_log import RequestLog, shown_body
from custom_speech_emulator.state.store import Store

KEY = "ocp-apim-subscription-key"
_PATTERNS = [(operation.pattern, operation) for operation in OPERATIONS]
_OWN = re.compile(r"^(/[a-z0-9-]+)?(?P<path>/_emulator(/.*)?)$", re.DOTALL)


@dataclass
class EmulatorApp:
    """A running emulator, as an ASGI application: its world, log, faults and request rate."""

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
            arrival = IncomingRequest.of(scope, await body_of(Request(scope, receive)))
        except ClientDisconnect:
            return
        reply = self.reply(arrival)
        if reply.fault:
            await fault_responses.sent(reply.written(), reply.fault, scope, receive, send)
        else:
            await reply.written()(scope, receive, send)

    def reply(self, arrival: IncomingRequest) -> OutgoingResponse:
        """Do what a request asks for."""
        reply = OutgoingResponse(Address(arrival.scheme, arrival.host))
        try:
            with self.state.transaction():
                progress.settle(self.state)
                reply.now = self.state.now()
                self._answer(arrival, reply)
                self._tell(reply)
        except Refused as refused:
            reply.answer = Answer(refused.status, refused.body(), refused.headers)
            reply.later.clear()
        except sqlite3.DatabaseError as error:
            refusal = Refused(503, "ServiceUnavailable", f"The state cannot be used: {error}.")
            reply.answer = Answer(refusal.status, refusal.body())
            reply.later.clear()
        return reply

    def tick(self) -> None:
        """Move on what is due although nobody asks, so that web hooks are called in time."""
        reply = OutgoingResponse(_NOWHERE)
        with self.state.transaction():
            progress.settle(self.state)
            self._tell(reply)
        do_all(reply.later)

    def _tell(self, reply: OutgoingResponse) -> None:
        events = self.state.taken_events()
        for message in web_hook_deliveries.of_events(self.state, events):
            reply.later.append(partial(web_hook_deliveries.send, message, self.state.settings.allow_content_hosts))

    def _answer(self, arrival: IncomingRequest, reply: OutgoingResponse) -> None:
        self._require_name(arrival.host)
        own = _OWN.match(arrival.path)
        if own and own["path"].startswith(files.CONTENT):
            reply.answer = files.content(self.state, own["path"], arrival.query)
        elif own:
            reply.answer = control(self, own["path"], arrival)
        else:
            self._logged(arrival, reply)

    def _require_name(self, host: str) -> None:
        """421 where others reach it, but not under this name: a web page may have led a browser here."""
        names = self.state.settings.allow_hosts
        if names and not is_local(host, names):
            raise Refused(421, "MisdirectedRequest", "The emulator was not started with --allow-host for this name.")

    def _logged(self, arrival: IncomingRequest, reply: OutgoingResponse) -> None:
        entry = self.log.add(self.state.now(), arrival.method, arrival.path, arrival.query, arrival.headers)
        entry["body"] = shown_body(arrival.body or b"")
        try:
            self._operate(arrival, reply, entry)
        except Refused as refused:
            entry["status"] = refused.status
            raise
        entry["status"] = None if reply.fault and reply.fault.fault == "close-before" else reply.answer.status

    def _operate(self, arrival: IncomingRequest, reply: OutgoingResponse, entry: dict[str, Any]) -> None:
        prefix = tokens.asked(arrival.path)
        if prefix is not None:
            reply.answer = self._token(arrival, prefix, entry)
            return
        call, operation = self._call(arrival, entry)
        reply.address, call.later = call.address, reply.later
        if self.state.settings.rate_limit:
            self.rate.count(call.account.name, call.now)
        reply.fault = self.faults.strike(entry)
        refusal = rules.refusal(reply.fault, call.now) if reply.fault else None
        if refusal:
            raise refusal
        if reply.fault is None or reply.fault.fault != "close-before":
            reply.answer = operation.handler(call)

    def _token(self, arrival: IncomingRequest, prefix: str, entry: dict[str, Any]) -> Answer:
        if arrival.method != "POST":
            raise not_allowed({"POST"})
        place = Address(arrival.scheme, arrival.host.lower(), prefix).place
        account = signed_in(self._caller(arrival, takes_tokens=False), place)
        entry["account"] = account.name
        token = tokens.issued(account, self.state.now())
        return Answer(200, token.encode(), {"Content-Type": "text/plain; charset=us-ascii"})

    def _caller(self, arrival: IncomingRequest, takes_tokens: bool) -> Account | None:
        """Return the account of the key; of the dated versions' specifications none takes a token."""
        accounts, headers = self.state.settings.accounts, arrival.headers
        if KEY in headers or not takes_tokens:
            return of_key(accounts, headers.get(KEY, ""))
        return tokens.holder(accounts, headers.get("authorization", ""), self.state.now())

    def _call(self, arrival: IncomingRequest, entry: dict[str, Any]) -> tuple[Call, Operation]:
        to = target(arrival.scheme, arrival.host, arrival.path)
        if to is None:
            raise unknown_address()
        account = signed_in(self._caller(arrival, takes_tokens=to.version is not None), to.address.place)
        entry["account"] = account.name
        query = query_of(arrival.query)
        version = spoken(to.version, query.get("api-version"))
        entry["api_version"] = version.name
        operation, path = _found(version, arrival.method, to.path.rstrip("/") or "/")
        entry["operation"] = operation.name
        _check_query(query, operation, version)
        if arrival.body is None:
            raise Refused(413, "InvalidRequest", "The request body is too large.", "InvalidRequestBodyFormat")
        now, content_type = self.state.now(), arrival.headers.get("content-type", "")
        call = Call(
            self.state, now, account, version, to.address, arrival.method, path, query, content_type, arrival.body
        )
        return call, operation


_NOWHERE = Address("http", "localhost")


def emulator(**options: Any) -> Starlette:
    """Return an emulator of its own as a Starlette application; the options are the fields of `EmulatorSettings`.

    Raises `StateUnusableError` when the state file cannot be used, ValueError for an option that makes no sense.
    """
    settings = EmulatorSettings(**options)
    state = EmulatorState(
        settings, Store(settings.state and Path(settings.state)), ProgressMode.of(settings.training), ENDINGS
    )
    with state.store.transaction():
        if state.store.setting("stocked") is None and settings.stock:
            seed.fill(state)
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
