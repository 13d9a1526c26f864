"""Requests of sessions that another replica holds: passed on to it, and its answers back."""

import anyio
import httpx2
from mcp.server.transport_security import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

CONNECT_SECONDS = 2.0
"""The longest that another replica may take to accept a request; a dead one's sessions are gone."""

SILENT_SECONDS = 60.0
"""The longest that it may be silent; a stream of events has a sign of life every 15 seconds."""

PASSED = "custom-speech-passed"
"""Marks what was passed on. It is not passed on again, or a replica that changed its name would ask itself for ever."""

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"})


class Passing:
    """Passes requests of up to `body_bytes` on to other replicas."""

    def __init__(self, body_bytes: int, silent_seconds: float = SILENT_SECONDS) -> None:
        timeout = httpx2.Timeout(silent_seconds, connect=CONNECT_SECONDS)
        self._client = httpx2.AsyncClient(timeout=timeout, trust_env=False, limits=httpx2.Limits())
        self._body_bytes = body_bytes

    async def to(self, replica: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request with what the replica at this address answers."""
        limited = RequestBodyLimitMiddleware(_Passed(self._client, replica), self._body_bytes)
        await limited(scope, receive, send)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class _Passed:
    """One request, and the answer to it."""

    def __init__(self, client: httpx2.AsyncClient, replica: str) -> None:
        self._client, self._replica = client, replica
        self._has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if PASSED in request.headers:
            await gone()(scope, receive, send)
            return
        content = await request.body()
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_when_gone, receive, group.cancel_scope)
            await self._answer(request, content, send)
            group.cancel_scope.cancel()

    async def _answer(self, request: Request, content: bytes, send: Send) -> None:
        try:
            await self._relay(request, content, send)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            await gone()(request.scope, request.receive, send)
        except httpx2.TransportError:
            if not self._has_begun:  # an answer that has begun ends here, and with it the connection
                await _lost()(request.scope, request.receive, send)

    async def _relay(self, request: Request, content: bytes, send: Send) -> None:
        headers = [*_end_to_end(request.headers.raw), (PASSED.encode(), b"1")]
        url = f"{self._replica}/mcp"
        async with self._client.stream(request.method, url, headers=headers, content=content) as answer:
            start = {"status": answer.status_code, "headers": _end_to_end(answer.headers.raw)}
            await send({"type": "http.response.start", **start})
            self._has_begun = True
            async for part in answer.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def _end_to_end(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.decode("latin-1").lower() not in _HOP_BY_HOP]


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def gone() -> Response:
    """404, upon which a client begins a new session, as the specification says."""
    return _error(404, "Session not found")


def _lost() -> Response:
    done = "What was asked may have been done: look, in a new session, before asking again."
    return _error(502, f"The replica that holds this session stopped answering. {done}")


def _error(status: int, text: str) -> Response:
    error = {"code": -32600 if status == 404 else -32603, "message": text}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, status_code=status)
