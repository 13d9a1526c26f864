"""Requests: as received, in the log, and as the operations get them."""

import contextlib
import json
import re
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Receive, Scope

from custom_speech_emulator.http.api_versions import Version
from custom_speech_emulator.http.links import Address, host_of
from custom_speech_emulator.http.responses import Refused, invalid
from custom_speech_emulator.state.emulator_state import Account, EmulatorState, stamp
from custom_speech_emulator.state.entity_store import EntityStore

_LARGEST_BLOCK = 8 * 2**20  # specification
_LARGEST_FORM = {"/datasets/upload": 64 * 2**20, "/transcriptions:transcribe": 250 * 2**20}
_FIELD = re.compile(rb'^content-disposition:\s*form-data\s*;.*?\bname="?([^";\r\n]*)', re.IGNORECASE | re.MULTILINE)
_SECRET_HEADERS = {"ocp-apim-subscription-key", "authorization"}
_SECRET_PROPERTIES = {"targetSubscriptionKey", "secret"}
_MASK = "***"  # the log is shown without a key


@dataclass(frozen=True)
class IncomingRequest:
    """A request whose body has been read; `body` is None if it is larger than its operation takes."""

    method: str
    scheme: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes | None


async def received(scope: Scope, receive: Receive) -> IncomingRequest:
    """Return the request of an ASGI scope; raises ClientDisconnect."""
    path = scope["path"]
    sizes = (size for ending, size in _LARGEST_FORM.items() if path.lower().endswith(ending))
    most, parts, size = next(sizes, _LARGEST_BLOCK), list[bytes](), 0
    async for part in Request(scope, receive).stream():
        size += len(part)
        if size <= most:
            parts.append(part)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
    host, query = headers.get("host", "localhost"), scope["query_string"].decode("latin-1")
    body = b"".join(parts) if size <= most else None
    return IncomingRequest(scope["method"], scope["scheme"], host, path, query, headers, body)


@dataclass
class RequestLog:
    """The last ten thousand requests with keys masked; they are not part of the state."""

    count: int = 0
    entries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=10_000))

    def add(self, at: datetime, request: IncomingRequest) -> dict[str, Any]:
        """Note a request; the rest of the entry is filled in as it becomes known."""
        self.count += 1
        asked = {name: getattr(request, name) for name in ("method", "path", "query")}
        unknown = dict.fromkeys(("account", "operation", "api_version", "status"))
        headers = {name: _MASK if name in _SECRET_HEADERS else text for name, text in request.headers.items()}
        body = request.body or b""
        shown: Any = {"bytes": len(body)} if body else None  # only the length of what is long or not JSON
        with contextlib.suppress(ValueError, RecursionError):
            shown = json.loads(body, object_hook=_masked) if len(body) <= 64 * 1024 else shown
        entry = {"n": self.count, "time": stamp(at), **asked, **unknown, "headers": headers, "body": shown}
        self.entries.append(entry)
        return entry


def _masked(value: dict[str, Any]) -> dict[str, Any]:
    return value | dict.fromkeys(_SECRET_PROPERTIES & value.keys(), _MASK)


@dataclass
class Call:
    """An authenticated request to an operation; `later` holds work that follows the answer."""

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
        """The store of the state."""
        return self.state.store

    def require_trust(self, name: str, url: str) -> None:
        """403 if a web page, or a caller on another machine, could make this machine read or call something."""
        settings = self.state.settings
        if settings.allow_hosts and host_of(url) not in settings.allow_content_hosts:
            raise Refused(403, "Forbidden", f"{name} must be on an --allow-content-host if others reach the emulator.")
        if not settings.allow_hosts and not self.address.trusted:
            raise Refused(403, "Forbidden", f"{name} is taken only from callers that use a loopback or Azure name.")

    def number(self, name: str, least: int) -> int | None:
        """Return a whole number from the query; 400 if it is too small, above 32 bits or not a number."""
        text = self.query.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) < 2**31):
            message = f"The value of {name} must be a whole number of at least {least}."
            raise invalid("InvalidParameterValue", message, name)
        return int(text)

    def json(self) -> Any:
        """Return the request body; 415 if it is sent as something else, 400 if it is not JSON."""
        accepted = ("application/json", *(("application/merge-patch+json",) if self.method == "PATCH" else ()))
        sent_as = self.content_type.partition(";")[0].strip().lower()
        if sent_as and sent_as not in accepted:  # programs of others leave it out
            raise Refused(415, "UnsupportedMediaType", f"The Content-Type must be {' or '.join(accepted)}.")
        if len(self.body) > 2**20:
            raise Refused(413, "InvalidRequest", "The request body is too large.", "InvalidRequestBodyFormat")
        return parsed(self.body)

    def form(self, known: Collection[str]) -> dict[str, bytes]:
        """Return the fields of a form by name; 415 for another type, 400 for a broken form and for unknown fields."""
        header = Message()
        header["Content-Type"] = self.content_type
        if header.get_content_type() != "multipart/form-data":
            raise Refused(415, "UnsupportedMediaType", "The Content-Type must be multipart/form-data.")
        boundary = str(header.get_param("boundary") or "").encode("latin-1", "replace")
        first, *parts = (b"\r\n" + self.body).split(b"\r\n--" + boundary) if boundary else [b""]
        if first.strip() or len(parts) < 2 or not parts[-1].startswith(b"--"):
            raise invalid("InvalidRequestBodyFormat", "The form cannot be read.")
        fields: dict[str, bytes] = {}
        for part in parts[:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            found = _FIELD.search(head)
            name = found[1].decode("utf-8", "replace") if found else ""
            if name not in known or name in fields:
                raise invalid("InvalidPayload", f"The form field {name[:64]!r} is not known, or is there twice.")
            fields[name] = content
        return fields


def parsed(body: bytes) -> Any:
    """Return JSON read strictly: no NaN, no unpaired surrogates, no endless nesting; 400 otherwise."""
    if not body.strip():
        raise invalid("EmptyRequest", "The request body is empty.")
    try:
        value = json.loads(body.decode("utf-8-sig"))
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise invalid("InvalidRequestBodyFormat", f"The request body is not valid JSON: {error}.") from None
    return value


def query_of(text: str) -> dict[str, str]:
    """Return the parameters of a query string; 400 if a parameter is repeated, and above 20 parameters."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise invalid("InvalidParameter", "There are too many query parameters.") from None
    odata = ("$filter", "$top", "$skip")  # are taken as well (recorded live for `$filter`)
    query = {name.removeprefix("$") if name in odata else name: value for name, value in pairs}
    if len(query) < len(pairs):
        raise invalid("InvalidParameter", "A query parameter is given twice.")
    return query
