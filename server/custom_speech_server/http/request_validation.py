"""Request headers that are unambiguous: bounded, one Host that is served, at most one Origin that may call.

The SDK checks Host and Origin again, but only by their beginning, and only the first of several.
"""

from collections.abc import Sequence, Set

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_HEADER_BYTES = 32 * 1024
"""The most that the headers of a request may take; an access token takes a few thousand."""


class RequestValidation:
    """Middleware that answers requests with ambiguous headers itself."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refusal = refuse_headers(Headers(scope=scope), self._hosts, self._origins) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, text = refusal
        await PlainTextResponse(text, status, headers={"connection": "close"})(scope, receive, send)


def refuse_headers(headers: Headers, hosts: Set[str], origins: Set[str]) -> tuple[int, str] | None:
    """Return status and text of a refusal, None for good headers.

    Args:
        hosts: Allowed hosts in lower case; `name:*` stands for any port.
        origins: Allowed origins, in the same form.
    """
    if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADER_BYTES:
        return 431, f"The headers are longer than {MAX_HEADER_BYTES // 1024} KiB. Send fewer or shorter headers."
    if "content-length" in headers and "transfer-encoding" in headers:
        return 400, "The request has Content-Length and Transfer-Encoding. Send one of them."
    if not _is_allowed(headers.getlist("host"), hosts):
        return 421, "This server does not serve that Host. Use its own address, or start it with --allow-host NAME."
    origin = headers.getlist("origin")
    if any(origin) and not _is_allowed(origin, origins):
        return 403, "Web pages of this Origin may not call. To allow them, start the server with --allow-origin URL."
    return None


def _is_allowed(values: Sequence[str], allowed: Set[str]) -> bool:
    if len(values) != 1:
        return False
    value = values[0].lower()
    name, _, port = value.rpartition(":")
    return value in allowed or (f"{name}:*" in allowed and (port.isdecimal() or not port))
