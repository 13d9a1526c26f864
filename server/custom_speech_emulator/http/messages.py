"""A request as it came in, and the answer on its way out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from urllib.parse import parse_qsl

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from custom_speech_emulator.faults.rules import Rule
from custom_speech_emulator.http.errors import invalid
from custom_speech_emulator.http.links import Address
from custom_speech_emulator.http.operation_call import Answer
from custom_speech_emulator.resources import dataset_blocks, dataset_uploads

_ODATA_NAMES = ("$filter", "$top", "$skip")
"""Names that the service takes as well (recorded live for `$filter`)."""

EMULATOR_HEADER = "custom-speech-emulator"
"""Every answer carries it, so that a client can tell the emulator from Azure."""


@dataclass(frozen=True)
class IncomingRequest:
    """A request whose body has been read; `body` is None when it was too large to be read."""

    method: str
    scheme: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes | None

    @classmethod
    def of(cls, scope: Scope, body: bytes | None) -> IncomingRequest:
        """Return the request of an ASGI scope."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        query = scope["query_string"].decode("latin-1")
        host = headers.get("host", "localhost")
        return cls(scope["method"], scope["scheme"], host, scope["path"], query, headers, body)


@dataclass
class OutgoingResponse:
    """The response to a request: the answer, its address, what is done after it is sent, and a fault on its way."""

    address: Address
    answer: Answer = field(default_factory=lambda: Answer(204))
    later: list[Callable[[], object]] = field(default_factory=list)
    fault: Rule | None = None
    now: datetime | None = None

    def written(self) -> Response:
        """Return the HTTP response."""
        headers = {name: self._linked(value) for name, value in self.answer.headers.items()}
        headers |= {EMULATOR_HEADER: "1"} | (
            {"Date": formatdate(self.now.timestamp(), usegmt=True)} if self.now else {}
        )
        background = BackgroundTask(do_all, self.later) if self.later else None
        body = self.answer.body
        if body is None or isinstance(body, bytes):
            return Response(body, self.answer.status, headers, background=background)
        text = self._linked(body if isinstance(body, str) else json.dumps(body))
        return Response(text, self.answer.status, headers, "application/json; charset=utf-8", background)

    def _linked(self, text: str) -> str:
        """Return a text with the hosts of its links, which a fault may lead astray."""
        written = self.address.write(text)
        astray = self.fault is not None and self.fault.fault == "hostile-link"
        return written.replace(self.address.base, self.fault.host) if astray and self.fault else written


async def body_of(request: Request) -> bytes | None:
    """Return the body of a request; None when it is larger than any operation takes."""
    most = dataset_uploads.LARGEST if request.url.path.endswith("/datasets/upload") else dataset_blocks.LARGEST
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= most:
            parts.append(part)
    return b"".join(parts) if size <= most else None


def query_of(text: str) -> dict[str, str]:
    """Return a query string taken apart; 400 when a parameter is repeated, or there are too many."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise invalid("InvalidParameter", "There are too many query parameters.") from None
    pairs = [(name.removeprefix("$") if name in _ODATA_NAMES else name, value) for name, value in pairs]
    query = dict(pairs)
    if len(query) < len(pairs):
        raise invalid("InvalidParameter", "A query parameter is given twice.")
    return query


def do_all(later: list[Callable[[], object]]) -> None:
    """Do what was put off until an answer had been sent."""
    for do in later:
        do()
