"""Heads of requests that say one thing: no longer than needed, with one Host and at most one Origin, both well formed.

The SDK compares only how they begin, so nothing but a port may follow; and it reads the first of several.
"""

import re
from collections.abc import Sequence, Set

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HEAD_BYTES = 32 * 1024
"""The most that the head of a request may hold; an access token takes a few thousand."""

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{0,5})?"
_ORIGIN = f"null|[a-z][a-z0-9+.-]*://{_HOST}"


class PlainHeads:
    """Passes on the requests whose head is plain, and answers the others."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app, self._origins = app, frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        wrong = refusal(Headers(scope=scope), self._origins) if scope["type"] == "http" else None
        await (PlainTextResponse(wrong[1], wrong[0]) if wrong else self._app)(scope, receive, send)


def refusal(headers: Headers, allowed: Set[str]) -> tuple[int, str] | None:
    """The status and text with which a head is refused; None for a plain one. An allowed origin has any form."""
    if sum(len(name) + len(value) for name, value in headers.raw) > HEAD_BYTES:
        return 431, "Request header fields too large"
    if not _is_one(headers.getlist("host"), _HOST):
        return 421, "Invalid Host header"
    origins = headers.getlist("origin")
    if any(origins) and not _is_one(origins, _ORIGIN) and not (len(origins) == 1 and origins[0] in allowed):
        return 403, "Invalid Origin header"
    return None


def _is_one(values: Sequence[str], form: str) -> bool:
    return len(values) == 1 and re.fullmatch(form, values[0]) is not None
