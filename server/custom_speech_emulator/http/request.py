"""A request: as it came in, and as the resource modules see it once it is signed in and its operation is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Scope

from custom_speech_emulator.http.api_versions import Version
from custom_speech_emulator.http.error_responses import Refused, invalid
from custom_speech_emulator.http.links import Address, host_of
from custom_speech_emulator.state.accounts import Account
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import EntityStore

LARGEST_JSON = 2**20
LARGEST_BLOCK = 8 * 2**20
LARGEST_UPLOAD = 64 * 2**20
LARGEST_RECORDING = 250 * 2**20
_JSON = ("application/json",)
_PATCH = ("application/json", "application/merge-patch+json")

_ODATA_NAMES = ("$filter", "$top", "$skip")
"""Names that the service takes as well (recorded live for `$filter`)."""


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
class Call:
    """A signed-in request to one operation; `later` is done when the answer has been sent."""

    state: EmulatorState
    now: datetime
    account: Account
    version: Version
    address: Address
    method: str
    path: dict[str, str]
    query: dict[str, str]
    content_type: str
    body: bytes
    later: list[Callable[[], object]] = field(default_factory=list)

    @property
    def store(self) -> EntityStore:
        """The state."""
        return self.state.store

    def require_trust(self, name: str, url: str) -> None:
        """403 if a web page, or a caller on another machine, could make this one read or call something."""
        settings = self.state.settings
        if settings.allow_hosts and host_of(url) not in settings.allow_content_hosts:
            raise Refused(
                403, "Forbidden", f"{name} must be on an --allow-content-host where others reach the emulator."
            )
        if not settings.allow_hosts and not self.address.trusted:
            raise Refused(403, "Forbidden", f"{name} is taken only from callers that use a loopback or Azure name.")

    def json(self) -> Any:
        """Return the request body; 415 when it is not sent as JSON, 400 when it is not one."""
        accepted = _PATCH if self.method == "PATCH" else _JSON
        sent_as = self.content_type.partition(";")[0].strip().lower()
        if sent_as and sent_as not in accepted:  # programs of others leave it out
            raise Refused(415, "UnsupportedMediaType", f"The Content-Type must be {' or '.join(accepted)}.")
        if len(self.body) > LARGEST_JSON:
            raise Refused(413, "InvalidRequest", "The request body is too large.", "InvalidRequestBodyFormat")
        return parsed(self.body)


def parsed(body: bytes) -> Any:
    """JSON read strictly: no NaN, no unpaired surrogates, no endless nesting; 400 otherwise."""
    if not body.strip():
        raise invalid("EmptyRequest", "The request body is empty.")
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        where = f"{error.msg}, line {error.lineno} column {error.colno}"
        raise invalid("InvalidRequestBodyFormat", f"The request body is not valid JSON: {where}.") from None
    except (ValueError, RecursionError):
        raise invalid("InvalidRequestBodyFormat", "The request body is not valid JSON.") from None
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


async def body_of(request: Request) -> bytes | None:
    """Return the body of a request; None when it is larger than any operation takes."""
    path = request.url.path.lower()
    most = LARGEST_UPLOAD if path.endswith("/datasets/upload") else LARGEST_BLOCK
    most = LARGEST_RECORDING if path.endswith("/transcriptions:transcribe") else most
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
