"""Heads of requests that say one thing: no longer than needed, one Host that is ours, at most one Origin that may call.

The SDK checks both again, but only how they begin, and the first of several.
"""

from collections.abc import Sequence, Set

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HEAD_BYTES = 32 * 1024
"""The most that the head of a request may hold; an access token takes a few thousand."""


class PlainHeads:
    """Passes on the requests whose head is plain, and answers the others."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: Sequence[str]) -> None:
        self._app, self._hosts, self._origins = app, frozenset(hosts), frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        wrong = refusal(Headers(scope=scope), self._hosts, self._origins) if scope["type"] == "http" else None
        await (PlainTextResponse(wrong[1], wrong[0]) if wrong else self._app)(scope, receive, send)


def refusal(headers: Headers, hosts: Set[str], origins: Set[str]) -> tuple[int, str] | None:
    """The status and text with which a head is refused; None for a plain one. `name:*` stands for any port."""
    if sum(len(name) + len(value) for name, value in headers.raw) > HEAD_BYTES:
        return 431, f"The head of the request is longer than {HEAD_BYTES // 1024} KiB. Send fewer or shorter headers."
    if not _is_one_of(headers.getlist("host"), hosts):
        return 421, "No such Host is here. Call the server by its own address, or start it with --allow-host NAME."
    origin = headers.getlist("origin")
    if any(origin) and not _is_one_of(origin, origins):
        return 403, "Pages of this Origin may not call. If they should, start the server with --allow-origin URL."
    return None


def _is_one_of(values: Sequence[str], allowed: Set[str]) -> bool:
    if len(values) != 1:
        return False
    name, _, port = values[0].rpartition(":")
    return values[0] in allowed or (f"{name}:*" in allowed and (port.isdecimal() or not port))
