"""Decoding of answers: entities, errors, and pages that are not the service's."""

from datetime import datetime
from functools import cache
from html import unescape
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from custom_speech_tools.speech.errors import AzureError, ForeignAnswerError, UnreadableAnswerError
from custom_speech_tools.speech.http_exchange import Answer
from custom_speech_tools.speech.sanitize import quote, sanitize
from custom_speech_tools.speech.service_clock import parse_http_date

_MAX_WAIT = 86_400.0  # seconds; a service that asks for more is understood to ask for a day
_HEAD_BYTES = 64 * 1024  # in which the title of a page is looked for

Decoded = TypeVar("Decoded")

_adapter = cache(TypeAdapter[Any])


def decode(resource: str, operation: str, answer: Answer, schema: type[Decoded]) -> Decoded:
    """Return the body of a successful answer in the schema; raises UnreadableAnswerError if it does not fit."""
    if schema is type(None):
        return None
    try:
        return cast(Decoded, _adapter(cast(Any, schema)).validate_json(answer.body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise UnreadableAnswerError(
            f"{resource} sent an answer to {operation} that could not be read ({place}: {first['type']})."
        ) from None


def foreign_answer(resource: str, operation: str, answer: Answer) -> ForeignAnswerError | None:
    """Return the error for a page or redirect of something between here and the service; None for its own answers.

    A server error in HTML counts as the service's own: its front door sends such pages, and it may work later.
    """
    is_page = answer.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
    if answer.status >= 500 or not (is_page or 300 <= answer.status < 400 or answer.status == 407):
        return None
    said = f"{answer.status}"
    if is_page:
        head = answer.body[:_HEAD_BYTES].decode(errors="replace")
        start = head.lower().find("<title")
        title = head[start:].partition(">")[2].partition("<")[0].strip() if start >= 0 else ""
        said += f", a page titled {quote(unescape(title))}" if title else ", a page without a title"
    fix = " The proxy wants credentials: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT." if answer.status == 407 else ""
    message = f"A proxy or gateway answered {operation} for {resource}, not Azure Speech ({said}).{fix}"
    return ForeignAnswerError(message, answer.status)


def decode_error(resource: str, operation: str, answer: Answer, now: datetime) -> AzureError:
    """Return the error that an unsuccessful answer states; of a body in an unknown form only the status is kept."""
    try:
        body = _adapter(dict[str, Any]).validate_json(answer.body)
    except ValidationError:
        body = {}
    error = body["error"] if isinstance(body.get("error"), dict) else body  # the gateway nests its own
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
        status=answer.status,
        code=code,
        inner_code=inner_code,
        retry_after=retry_after_seconds(answer.headers.get("retry-after"), now),
    )


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait, None if it asks for none; `now` is the service's."""
    if header is None:
        return None
    if header.strip().isdecimal() and header.isascii():
        return min(float(header.strip()[:12]), _MAX_WAIT)
    date = parse_http_date(header)
    return None if date is None else min(max(0.0, (date - now).total_seconds()), _MAX_WAIT)
