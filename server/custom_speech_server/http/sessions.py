"""Sessions of the handshake versions behind any load balancer: a session's id says, sealed, which replica holds it.

Protocol 2026-07-28 has no sessions and passes through untouched.
"""

import hashlib
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import anyio
import httpx2
from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION = "mcp-session-id"

CONNECT_SECONDS = 2.0
"""The longest that another replica may take to accept a request; a dead one's sessions are gone."""

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session is: the address of its replica and its id there."""

    replica: str
    session: str


class Seal:
    """Turns places into ids that nobody without the key can make or read, and back."""

    def __init__(self, state_key: bytes) -> None:
        self._codec = AESGCMRequestStateCodec([hashlib.sha256(b"session" + state_key).digest()])

    def seal(self, place: Place) -> str:
        """The id that the client gets."""
        return self._codec.seal(json.dumps([place.replica, place.session]).encode())

    def unseal(self, sealed: str) -> Place | None:
        """The place; None for an id that no replica with this key gave."""
        try:
            replica, session = json.loads(self._codec.unseal(sealed))
        except (InvalidRequestState, ValueError):
            return None
        return Place(replica, session)


class Sessions:
    """Serves the sessions of this replica and passes requests of others' on to them."""

    def __init__(self, app: ASGIApp, replica: str, state_key: bytes, client: httpx2.AsyncClient | None = None) -> None:
        self._app, self._replica, self._seal = app, replica, Seal(state_key)
        timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
        self._client = client or httpx2.AsyncClient(timeout=timeout, trust_env=False, limits=httpx2.Limits())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        sealed = Headers(scope=scope).get(SESSION)
        place = Place(self._replica, "") if sealed is None else self._seal.unseal(sealed)
        if place is None:
            await _gone()(scope, receive, send)
        elif place.replica == self._replica:
            await self._app(_with_session(scope, place.session), receive, self._sealing(send))
        else:
            await self._pass_on(place, scope, receive, send)

    async def close(self) -> None:
        """Close the connections to other replicas."""
        await self._client.aclose()

    def _sealing(self, send: Send) -> Send:
        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                if SESSION in headers:
                    headers[SESSION] = self._seal.seal(Place(self._replica, headers[SESSION]))
            await send(message)

        return sealed

    async def _pass_on(self, place: Place, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        content = await request.body()
        headers = [(name, value) for name, value in request.headers.items() if name not in _HOP_BY_HOP]
        passed = self._client.stream(request.method, f"{place.replica}/mcp", headers=headers, content=content)
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_when_gone, receive, group.cancel_scope)
            await _answer(passed, scope, receive, send)
            group.cancel_scope.cancel()


async def _answer(
    passed: AbstractAsyncContextManager[httpx2.Response], scope: Scope, receive: Receive, send: Send
) -> None:
    try:
        async with passed as answer:
            headers = [(name, value) for name, value in answer.headers.raw if name.decode().lower() not in _HOP_BY_HOP]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
            async for part in answer.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
    except (httpx2.ConnectError, httpx2.ConnectTimeout):
        await _gone()(scope, receive, send)


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _with_session(scope: Scope, session: str) -> Scope:
    name = SESSION.encode()
    return {**scope, "headers": [(k, session.encode() if k == name else v) for k, v in scope["headers"]]}


def _gone() -> Response:
    """404, upon which a client begins a new session, as the specification says."""
    error = {"code": -32600, "message": "Session not found"}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, status_code=404)
