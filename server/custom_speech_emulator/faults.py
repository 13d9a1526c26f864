"""Fault injection: rules that select requests, and the faulty responses to these requests.

A rule matches a request if all its conditions do: `operation`, `method`, `account`, `api_version` and `path` (a part of
the path). It applies to the `nth` matching request, or with a `probability`, or always, and at most `times` times.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from random import Random
from typing import Annotated, Any, Literal

import anyio
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from custom_speech_emulator.http.responses import ServiceError, too_many_requests

_ErrorFault = Literal["429", "500", "503"]
_Delivery = Literal["close-before", "close-after", "slow-headers", "slow-body", "truncated", "not-json", "hostile-link"]
_ERROR_CODES = {"500": "InternalServerError", "503": "ServiceUnavailable"}


class FaultRule(BaseModel):
    """A fault, and the conditions under which it applies."""

    model_config = ConfigDict(extra="forbid", strict=True)

    fault: Literal[_ErrorFault, _Delivery]
    operation: str | None = None
    method: str | None = None
    account: str | None = None
    api_version: str | None = None
    path: str | None = None
    nth: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    seed: int = 0
    times: Annotated[int, Field(ge=1)] | None = None
    retry_after: Annotated[int, Field(ge=0, le=100_000)] | None = None  # seconds; None for no header
    retry_after_date: bool = False  # send a date instead of seconds
    seconds: Annotated[float, Field(ge=0, le=600)] = 1.0
    host: str = "https://elsewhere.example"
    _matched: int = 0
    _applied: int = 0

    def count_match(self, request: dict[str, Any]) -> bool:
        """Return whether the rule applies to a request, given as its log entry, and count the match."""
        conditions = ("operation", "method", "account", "api_version")
        differs = any(getattr(self, name) not in (None, request[name]) for name in conditions)
        if differs or (self.path or "") not in request["path"]:
            return False
        self._matched += 1
        is_used_up = self.times is not None and self._applied >= self.times
        draw = Random(f"{self.seed}/{self._matched}").random()  # noqa: S311 - reproducible on purpose
        applies = not is_used_up and self.nth in (None, self._matched) and draw < self.probability
        self._applied += applies
        return applies

    def error(self, now: datetime) -> ServiceError | None:
        """Return the error response of the rule, or None if the fault is of another kind."""
        headers = {}
        if self.retry_after is not None:
            date = format_datetime(now + timedelta(seconds=self.retry_after), usegmt=True)
            headers["Retry-After"] = date if self.retry_after_date else str(self.retry_after)
        if self.fault == "429":
            return too_many_requests(headers)
        if self.fault not in _ERROR_CODES:
            return None
        message = "This response was requested by a fault rule."
        return ServiceError(int(self.fault), _ERROR_CODES[self.fault], message, headers=headers)


class Faults(list[FaultRule]):
    """The fault rules of an emulator, which are not part of its state."""

    @classmethod
    def parse(cls, value: Sequence[dict[str, Any]]) -> "Faults":
        """Parse the rules in a JSON list, with counts of zero. Raises ValueError naming the first invalid property."""
        try:
            rules = TypeAdapter(list[FaultRule]).validate_python(list(value))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        return cls(rules)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the rules with the numbers of requests that each matched and was applied to."""
        counts = [{"matched": rule._matched, "applied": rule._applied} for rule in self]
        return [rule.model_dump(exclude_defaults=True) | count for rule, count in zip(self, counts, strict=True)]

    def first_match(self, request: dict[str, Any]) -> FaultRule | None:
        """Return the first rule that applies to a request, and count the request in all rules that match it."""
        applied = [rule for rule in self if rule.count_match(request)]
        return applied[0] if applied else None


async def send_with_fault(response: Response, rule: FaultRule, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a response with a fault. Callers in the same process get ConnectionResetError for a closed connection."""
    if rule.fault in ("close-before", "close-after"):
        # ASGI has no message that closes a connection, so uvicorn's transport is closed through the object of `send`.
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if transport:
            transport.abort()
        if response.background:
            await response.background()
        if not transport:
            raise ConnectionResetError("The connection was closed by a fault rule.")
        return
    if rule.fault == "slow-headers":
        await anyio.sleep(rule.seconds)
    if rule.fault == "not-json":
        response = Response(b"<html><body>Bad Gateway</body></html>", response.status_code, media_type="text/html")
    in_halves = rule.fault in ("slow-body", "truncated")
    await response(scope, receive, partial(_send_in_halves, send, rule) if in_halves else send)


async def _send_in_halves(send: Send, rule: FaultRule, message: Message) -> None:
    """Send half of a body, and then the other half after a delay, or nothing more for a truncated body."""
    if message["type"] == "http.response.body":
        half = len(message["body"]) // 2
        await send({**message, "body": message["body"][:half], "more_body": True})
        is_slow = rule.fault == "slow-body"
        if is_slow:
            await anyio.sleep(rule.seconds)
        message["body"] = message["body"][half:] if is_slow else b""
    await send(message)
