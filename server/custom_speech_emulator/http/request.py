"""Incoming ASGI requests, and strict parsing of their query and JSON."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Receive, Scope

from custom_speech_emulator.http.responses import invalid

_MAX_BODY_BYTES = 8 * 2**20  # of a block (specification)
_MAX_FORM_BYTES = {"/datasets/upload": 64 * 2**20, "/transcriptions:transcribe": 250 * 2**20}


@dataclass(frozen=True)
class IncomingRequest:
    """A request whose body has been read."""

    method: str
    scheme: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes | None  # None if it is larger than allowed


async def read_request(scope: Scope, receive: Receive) -> IncomingRequest:
    """Return the request of an ASGI scope. Raises ClientDisconnect."""
    path = scope["path"]
    form_sizes = (size for ending, size in _MAX_FORM_BYTES.items() if path.lower().endswith(ending))
    limit, parts, size = next(form_sizes, _MAX_BODY_BYTES), list[bytes](), 0
    async for part in Request(scope, receive).stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
    host, query = headers.get("host", "localhost"), scope["query_string"].decode("latin-1")
    body = b"".join(parts) if size <= limit else None
    return IncomingRequest(scope["method"], scope["scheme"], host, path, query, headers, body)


def parse_json(body: bytes) -> Any:
    """Parse a JSON body. Raises 400 for invalid JSON, including NaN, unpaired surrogates and deep nesting."""
    if not body.strip():
        raise invalid("EmptyRequest", "The request body is empty.")
    try:
        value = json.loads(body.decode("utf-8-sig"))
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise invalid("InvalidRequestBodyFormat", f"The request body is not valid JSON: {error}.") from None
    return value


def parse_query(text: str) -> dict[str, str]:
    """Return the parameters of a query string. Raises a 400 error for repeated or more than 20 parameters."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise invalid("InvalidParameter", "There are too many query parameters.") from None
    odata = ("$filter", "$top", "$skip")  # the service accepts these spellings, too (recorded live for `$filter`)
    query = {name.removeprefix("$") if name in odata else name: value for name, value in pairs}
    if len(query) < len(pairs):
        raise invalid("InvalidParameter", "A query parameter is given twice.")
    return query
