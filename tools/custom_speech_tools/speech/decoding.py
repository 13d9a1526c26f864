"""Decoding of responses: entities, errors, and pages that are not from the service."""

from datetime import datetime
from functools import cache
from html import unescape
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from custom_speech_tools.speech.errors import AzureError, InterceptedResponseError, UnreadableResponseError
from custom_speech_tools.speech.http_messages import Response
from custom_speech_tools.speech.sanitize import quote, sanitize
from custom_speech_tools.speech.service_clock import parse_http_date

_MAX_WAIT = 86_400.0  # seconds; a longer Retry-After is shortened to a day
_HEAD_BYTES = 64 * 1024  # of a page, searched for its title

Decoded = TypeVar("Decoded")

_adapter = cache(TypeAdapter[Any])


def decode(resource: str, operation: str, response: Response, schema: type[Decoded]) -> Decoded:
    """Parse the body of a successful response; raises UnreadableResponseError if it does not match the schema."""
    if schema is type(None):
        return None
    try:
        return cast(Decoded, _adapter(cast(Any, schema)).validate_json(response.body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise UnreadableResponseError(
            f"{resource} sent an answer to {operation} that could not be read ({place}: {first['type']})."
        ) from None


def intercepted_response(resource: str, operation: str, response: Response) -> InterceptedResponseError | None:
    """Return the error for a page or redirect of a proxy or gateway, or None for a response of the service."""
    is_page = response.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
    # The service's front door sends server errors in HTML.
    if response.status >= 500 or not (is_page or 300 <= response.status < 400 or response.status == 407):
        return None
    shown = f"{response.status}"
    if is_page:
        head = response.body[:_HEAD_BYTES].decode(errors="replace")
        start = head.lower().find("<title")
        title = head[start:].partition(">")[2].partition("<")[0].strip() if start >= 0 else ""
        shown += f", a page titled {quote(unescape(title))}" if title else ", a page without a title"
    fix = " The proxy wants credentials: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT." if response.status == 407 else ""
    message = f"A proxy or gateway answered {operation} for {resource}, not Azure Speech ({shown}).{fix}"
    return InterceptedResponseError(message, response.status)


def decode_error(resource: str, operation: str, response: Response, now: datetime) -> AzureError:
    """Return the error in an unsuccessful response; if the body is malformed, the error has only the status."""
    try:
        body = _adapter(dict[str, Any]).validate_json(response.body)
    except ValidationError:
        body = {}
    error = body["error"] if isinstance(body.get("error"), dict) else body  # the gateway nests the error
    inner = error.get("innerError") or error.get("innererror")
    inner = inner if isinstance(inner, dict) else {}
    code, inner_code, message, inner_message = (
        str(value) if isinstance(value, str | int) else None
        for value in (error.get("code"), inner.get("code"), error.get("message"), inner.get("message"))
    )
    return AzureError(
        sanitize(inner_message or message or "").replace('"', "'"),
        resource=resource,
        operation=operation,
        status=response.status,
        code=code,
        inner_code=inner_code,
        retry_after=retry_after_seconds(response.headers.get("retry-after"), now),
    )


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Return the seconds in a `Retry-After` header, or None without a valid header; `now` is the service's time."""
    if header is None:
        return None
    if header.strip().isdecimal() and header.isascii():
        return min(float(header.strip()[:12]), _MAX_WAIT)
    date = parse_http_date(header)
    return None if date is None else min(max(0.0, (date - now).total_seconds()), _MAX_WAIT)
