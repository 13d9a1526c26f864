"""The application: takes a request apart, signs it in, finds its operation, and writes the answer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from custom_speech_emulator import copies, operations, progress, stock
from custom_speech_emulator.accounts import signed_in
from custom_speech_emulator.call import Answer, Call
from custom_speech_emulator.control import control
from custom_speech_emulator.errors import Refused, invalid, not_allowed
from custom_speech_emulator.links import Address, target
from custom_speech_emulator.operations import OPERATIONS, Operation
from custom_speech_emulator.progress import Pace
from custom_speech_emulator.request_log import RequestLog, shown_body
from custom_speech_emulator.store import Store
from custom_speech_emulator.versions import Version, spoken
from custom_speech_emulator.world import Emulator, World

KEY = "ocp-apim-subscription-key"
_MIB = 1024 * 1024
_PATTERNS = [(operation.pattern, operation) for operation in OPERATIONS]
_ENDINGS = {copies.OPERATIONS.path: copies.ended}


@dataclass(frozen=True)
class Arrival:
    """A request whose body has been read; `body` is None when it was too large to be read."""

    method: str
    scheme: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes | None

    @classmethod
    def of(cls, scope: Scope, body: bytes | None) -> Arrival:
        """The request of an ASGI scope."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        query = scope["query_string"].decode("latin-1")
        host = headers.get("host", "localhost")
        return cls(scope["method"], scope["scheme"], host, scope["path"], query, headers, body)


@dataclass
class Emulation:
    """A running emulator, as an ASGI application: its world and its log."""

    world: World
    log: RequestLog = field(default_factory=RequestLog)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        try:
            arrival = Arrival.of(scope, await _body(Request(scope, receive)))
        except ClientDisconnect:
            return
        await self.answer(arrival)(scope, receive, send)

    def answer(self, arrival: Arrival) -> Response:
        """The response to a request."""
        later: list[Callable[[], None]] = []
        address = Address(arrival.scheme, arrival.host)
        try:
            with self.world.store.transaction():
                progress.settle(self.world)
                answer, address = self._answer(arrival, later)
        except Refused as refused:
            answer = Answer(refused.status, refused.body(), refused.headers)
        except sqlite3.OperationalError as error:
            answer = Answer(503, Refused(503, "ServiceUnavailable", f"The state cannot be used: {error}.").body())
        return _written(answer, address, later)

    def _answer(self, arrival: Arrival, later: list[Callable[[], None]]) -> tuple[Answer, Address]:
        if arrival.path == "/_emulator" or arrival.path.startswith("/_emulator/"):
            return control(self, arrival.method, arrival.path, arrival.host, arrival.body or b""), _NOWHERE
        now = self.world.now()
        entry = self.log.add(now, arrival.method, arrival.path, arrival.query, arrival.headers)
        entry["body"] = shown_body(arrival.body or b"")
        try:
            call, operation = self._call(arrival, entry)
            call.later = later
            answer = operation.handler(call)
        except Refused as refused:
            entry["status"] = refused.status
            raise
        entry["status"] = answer.status
        return answer, call.address

    def _call(self, arrival: Arrival, entry: dict[str, Any]) -> tuple[Call, Operation]:
        to = target(arrival.scheme, arrival.host, arrival.path)
        if to is None:
            raise Refused(404, "NotFound", "Resource not found.")
        account = signed_in(self.world.settings.accounts, arrival.headers.get(KEY, ""), to.address.place)
        entry["account"] = account.name
        query = _query(arrival.query)
        version = spoken(to.version, query.get("api-version"))
        entry["api_version"] = version.name
        operation, path = _found(version, arrival.method, to.path)
        entry["operation"] = operation.name
        _check_query(query, operation, version)
        if arrival.body is None:
            raise Refused(413, "InvalidRequest", "The request body is too large.", "InvalidRequestBodyFormat")
        now, content_type = self.world.now(), arrival.headers.get("content-type", "")
        call = Call(
            self.world, now, account, version, to.address, arrival.method, path, query, content_type, arrival.body
        )
        return call, operation


_NOWHERE = Address("http", "localhost")


def emulator(**options: Any) -> Starlette:
    """An emulator of its own as a Starlette application; the options are the fields of `Emulator`.

    Raises `StateUnusable` when the state file cannot be used, ValueError for an option that makes no sense.
    """
    settings = Emulator(**options)
    world = World(settings, Store(settings.state), Pace.of(settings.training), _ENDINGS)
    with world.store.transaction():
        if world.store.setting("stocked") is None and settings.stock:
            stock.fill(world)
        world.store.set("stocked", "yes")
    app = Starlette()
    app.state.emulation = Emulation(world)
    # Everything goes to one place: the operations are a table of Azure's, not routes of Starlette's.
    app.router.default = app.state.emulation
    return app


async def _body(request: Request) -> bytes | None:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= operations.LARGEST_BODY:
            parts.append(part)
    return b"".join(parts) if size <= operations.LARGEST_BODY else None


def _query(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise invalid("InvalidParameter", "There are too many query parameters.") from None
    query = dict(pairs)
    if len(query) < len(pairs):
        raise invalid("InvalidParameter", "A query parameter is given twice.")
    return query


def _check_query(query: dict[str, str], operation: Operation, version: Version) -> None:
    known = {*operation.query_of(version), *(("api-version",) if version.dated else ())}
    for name in query:
        if name not in known:
            raise invalid("InvalidParameter", f"The query parameter {name[:64]!r} is not known here.", name[:64])


def _found(version: Version, method: str, path: str) -> tuple[Operation, dict[str, str]]:
    here = [(operation, match) for pattern, operation in _PATTERNS if (match := pattern.match(path))]
    here = [(operation, match) for operation, match in here if version in operation.versions]
    if not here:
        raise Refused(404, "NotFound", "Resource not found.")
    for operation, match in here:
        if operation.method == method:
            return operation, match.groupdict()
    raise not_allowed({operation.method for operation, _ in here})


def _written(answer: Answer, address: Address, later: list[Callable[[], None]]) -> Response:
    headers = {name: address.write(value) for name, value in answer.headers.items()}
    background = BackgroundTask(_all, later) if later else None
    if answer.body is None:
        return Response(None, answer.status, headers, background=background)
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, headers, background=background)
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return Response(address.write(text), answer.status, headers, "application/json; charset=utf-8", background)


def _all(later: list[Callable[[], None]]) -> None:
    for do in later:
        do()
