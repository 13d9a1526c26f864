"""Middleware between HTTP and the SDK: interrupted requests, header validation, content negotiation, and sessions.

The SDK checks Host and Origin, too, but only a prefix, and only the first of repeated headers.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass

import anyio
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from custom_speech_server.front import STATELESS_VERSION
from custom_speech_tools.speech.sanitize import sanitize

_log = logging.getLogger(__name__)

BOTH_TYPES = "application/json, text/event-stream"
MAX_HEADER_BYTES = 32 * 1024  # all headers of a request; an access token has a few thousand bytes
SESSION_HEADER = "mcp-session-id"
# True in a request whose client accepts JSON but no stream of events.
takes_only_json: ContextVar[bool] = ContextVar("takes_only_json", default=False)
_CUT_OFF = "The server stopped before it answered the request. Check whether it took effect before you send it again."


class InterruptionHandling:
    """Middleware that ends requests without a traceback if the client aborts them or the server shuts down."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self._streams: set[anyio.CancelScope] = set()  # the listening streams, which carry notifications only
        self._has_ended = False

    def end_streams(self) -> None:
        """End all listening streams, and every listening stream that is opened from now on."""
        self._has_ended = True
        for stream in self._streams:
            stream.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; at a shutdown, complete its response, or send 503 if the response has not started."""
        if scope["type"] != "http":
            await self.router(scope, receive, send)
            return
        has_started = is_complete = False

        async def note(message: Message) -> None:
            nonlocal has_started, is_complete
            has_started = True
            await send(message)
            is_complete = message["type"] == "http.response.body" and not message.get("more_body")

        stream = self._stream_of(scope)
        try:
            with stream:
                await self.router(scope, receive, note)
        except ClientDisconnect:
            _log.warning("A client disconnected before its request was complete.")
            return
        except asyncio.CancelledError:
            _log.debug("The shutdown ended a request.")
        finally:
            self._streams.discard(stream)
        if has_started and not is_complete:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not has_started:
            await PlainTextResponse(_CUT_OFF, 503)(scope, receive, send)

    def _stream_of(self, scope: Scope) -> anyio.CancelScope:
        """Return the cancel scope of a request; the scope of a listening stream is cancelled at a shutdown."""
        stream = anyio.CancelScope()
        is_subscription = (b"mcp-method", b"subscriptions/listen") in scope["headers"]
        if scope["path"].rstrip("/") == "/mcp" and (scope["method"] == "GET" or is_subscription):
            self._streams.add(stream)
            if self._has_ended:
                stream.cancel()
        return stream


class RequestValidation:
    """Middleware that rejects requests with ambiguous or forbidden headers; `name:*` allows a host with any port."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a valid request, or respond with an error."""
        refusal = self._refuse(Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, text = refusal
        await PlainTextResponse(text, status, headers={"connection": "close"})(scope, receive, send)

    def _refuse(self, headers: Headers) -> tuple[int, str] | None:
        """Return the status and text of a rejection, or None for valid headers."""
        if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADER_BYTES:
            return 431, f"The headers are longer than {MAX_HEADER_BYTES // 1024} KiB. Send fewer or shorter headers."
        if "content-length" in headers and "transfer-encoding" in headers:
            return 400, "The request has Content-Length and Transfer-Encoding. Send one of them."
        if len(headers.getlist("authorization")) > 1:  # a proxy may check another header than this server
            return 400, "The request has several Authorization headers. Send one of them."
        if not _is_allowed(headers.getlist("host"), self._hosts):
            return 421, "This server does not serve that Host. Use its own address, or start it with --allow-host NAME."
        origin, allow = headers.getlist("origin"), "To allow them, start the server with --allow-origin URL."
        if any(origin) and not _is_allowed(origin, self._origins):
            return 403, f"Web pages of this Origin may not call. {allow}"
        return None


def _is_allowed(values: Sequence[str], allowed: frozenset[str]) -> bool:
    if len(values) != 1:
        return False
    value = values[0].lower()
    name, _, port = value.rpartition(":")
    return value in allowed or (f"{name}:*" in allowed and (port.isdecimal() or not port))


@dataclass(frozen=True, slots=True)
class AcceptNegotiation:
    """Middleware that responds with JSON to clients that accept only JSON.

    The SDK requires clients to accept JSON and a stream of events. In protocol 2026-07-28 it rejects other clients
    without an explanation.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request with an Accept header that the SDK takes, or respond with 406."""
        headers = Headers(scope=scope)
        accept = headers.get("accept", "*/*")
        types = {one.partition(";")[0].strip().lower() for one in accept.split(",")}
        takes_json = not types.isdisjoint({"*/*", "application/*", "application/json"})
        takes_events = not types.isdisjoint({"*/*", "text/*", "text/event-stream"})
        needs_events = headers.get("mcp-method") == "subscriptions/listen"
        if scope["method"] == "POST" and not (takes_json and (takes_events or not needs_events)):
            text = f"This request needs Accept: {BOTH_TYPES}. The header says: {sanitize(accept, 200)}"
            await PlainTextResponse(text, 406)(scope, receive, send)
            return
        takes_only_json.set(takes_json and not takes_events)
        if "accept" not in headers or headers.get("mcp-protocol-version") == STATELESS_VERSION:
            others = [(name, value) for name, value in scope["headers"] if name != b"accept"]
            scope = {**scope, "headers": [*others, (b"accept", BOTH_TYPES.encode())]}
        await self.app(scope, receive, send)


class SessionManager(StreamableHTTPSessionManager):
    """The SDK's session manager, with JSON or a stream of events for each request and session."""

    @property
    def json_response(self) -> bool:
        """True for a response as JSON, which excludes progress and questions to the user."""
        return takes_only_json.get()

    @json_response.setter
    def json_response(self, value: bool) -> None:
        """Ignore the SDK's setting: each request decides."""


class IdleSessionEviction:
    """Middleware that ends the longest-idle session if more than `limit` are open.

    Many clients never end their sessions. At its own limit, the SDK would reject every new session for half an hour.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit
        self._opened: dict[str, Scope] = {}  # the requests that opened sessions, the least recently used first
        self._served: Counter[str] = Counter()  # running requests by session, including listening streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; if it opens a session beyond the limit, end the longest-idle session first."""
        headers = Headers(scope=scope)
        named = headers.get(SESSION_HEADER)
        opens = named is None and headers.get("mcp-protocol-version") != STATELESS_VERSION
        while opens and len(self._opened) >= self._limit and await self._end_idle_session():
            pass

        async def note(message: Message) -> None:
            is_open = opens and message["type"] == "http.response.start" and message["status"] < 400
            if is_open and (session := MutableHeaders(scope=message).get(SESSION_HEADER)):
                self._opened[session] = scope
            await send(message)

        opened = self._opened.pop(named, None) if named else None
        if named is None or opened is None or scope["method"] == "DELETE":
            await self._app(scope, receive, note)
            return
        self._opened[named] = opened
        self._served[named] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._served[named] -= 1
            self._served += Counter()  # drops sessions without running requests

    async def _end_idle_session(self) -> bool:
        """End the longest-idle session as its client would; return whether there was an idle session."""
        idle = next((session for session in self._opened if not self._served[session]), None)
        if idle is None:
            return False
        opened = self._opened.pop(idle)
        kept = [(name, value) for name, value in opened["headers"] if name in (b"host", b"origin")]
        ended = {**opened, "method": "DELETE", "headers": [*kept, (SESSION_HEADER.encode(), idle.encode())]}

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def ignore(message: Message) -> None:
            """Discard the response."""

        await self._app(ended, receive, ignore)
        return True
