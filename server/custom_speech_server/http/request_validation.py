"""Request headers that are unambiguous: bounded, one Host that is served, at most one Origin that may call.

The SDK checks Host and Origin again, but only by their beginning, and only the first of several.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from custom_speech_server.front import STATELESS_VERSION
from custom_speech_server.http.sessions import takes_only_json
from custom_speech_tools.speech.sanitize import sanitize

BOTH_TYPES = "application/json, text/event-stream"
MAX_HEADER_BYTES = 32 * 1024  # of all headers of a request; an access token takes a few thousand


class RequestValidation:
    """Middleware that answers requests with ambiguous headers itself; `name:*` allows a host with any port."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refusal = self._refuse(Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, text = refusal
        await PlainTextResponse(text, status, headers={"connection": "close"})(scope, receive, send)

    def _refuse(self, headers: Headers) -> tuple[int, str] | None:
        """Return status and text of a refusal, None for good headers."""
        if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADER_BYTES:
            return 431, f"The headers are longer than {MAX_HEADER_BYTES // 1024} KiB. Send fewer or shorter headers."
        if "content-length" in headers and "transfer-encoding" in headers:
            return 400, "The request has Content-Length and Transfer-Encoding. Send one of them."
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


class AcceptNegotiation:
    """Middleware that has a client answered with JSON if it takes only that.

    The SDK insists on clients that take both JSON and a stream of events. In protocol 2026-07-28 it refuses the others
    without a word.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
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
        await self._app(scope, receive, send)
