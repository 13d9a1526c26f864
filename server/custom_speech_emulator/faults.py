"""Faults on request: rules that say which requests fail, when and how, and the failing responses.

A rule matches by `operation`, `method`, `account`, `api_version` and `path` (a part of it), by all that are given.
It applies to the `nth` matching request, or with a `probability` drawn from `seed`, or always; at most `times` times.
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

from custom_speech_emulator.http.responses import Refused, too_many_requests

_Errors = Literal["429", "500", "503"]
_Delivery = Literal["close-before", "close-after", "slow-headers", "slow-body", "truncated", "not-json", "hostile-link"]


class Rule(BaseModel):
    """One rule. `retry_after`: seconds, None for no header; `retry_after_date` writes it as a date."""

    model_config = ConfigDict(extra="forbid", strict=True)

    fault: Literal[_Errors, _Delivery]
    operation: str | None = None
    method: str | None = None
    account: str | None = None
    api_version: str | None = None
    path: str | None = None
    nth: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    seed: int = 0
    times: Annotated[int, Field(ge=1)] | None = None
    retry_after: Annotated[int, Field(ge=0, le=100_000)] | None = None
    retry_after_date: bool = False
    seconds: Annotated[float, Field(ge=0, le=600)] = 1.0
    host: str = "https://elsewhere.example"
    _matched: int = 0
    _applied: int = 0

    def applies(self, request: dict[str, Any]) -> bool:
        """Return whether it applies to a request, given as its entry in the log."""
        given = ("operation", "method", "account", "api_version")
        others = any(getattr(self, name) not in (None, request[name]) for name in given)
        if others or (self.path or "") not in request["path"]:
            return False
        self._matched += 1
        is_spent = self.times is not None and self._applied >= self.times
        draw = Random(f"{self.seed}/{self._matched}").random()  # noqa: S311 - repeatable on purpose
        applies = not is_spent and self.nth in (None, self._matched) and draw < self.probability
        self._applied += applies
        return applies


class Faults(list[Rule]):
    """The rules of one emulator; they are not part of its state."""

    @classmethod
    def of(cls, value: Sequence[dict[str, Any]]) -> "Faults":
        """Return rules with fresh counts, parsed from JSON; ValueError names the rule that is wrong and why."""
        try:
            rules = TypeAdapter(list[Rule]).validate_python(list(value))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        return cls(rules)

    def shown(self) -> list[dict[str, Any]]:
        """Return the rules and how often each matched and was applied."""
        return [
            one.model_dump(exclude_defaults=True) | {"matched": one._matched, "applied": one._applied} for one in self
        ]

    def first(self, request: dict[str, Any]) -> Rule | None:
        """Return the first rule that applies to a request. All that match count it."""
        applied = [rule for rule in self if rule.applies(request)]
        return applied[0] if applied else None


def refusal(rule: Rule, now: datetime) -> Refused | None:
    """Return the error of a rule, or None if the rule lets the request through."""
    headers = {}
    if rule.retry_after is not None:
        date = format_datetime(now + timedelta(seconds=rule.retry_after), usegmt=True)
        headers["Retry-After"] = date if rule.retry_after_date else str(rule.retry_after)
    if rule.fault == "429":
        return too_many_requests(headers)
    code = {"500": "InternalServerError", "503": "ServiceUnavailable"}.get(rule.fault)
    if code is None:
        return None
    return Refused(int(rule.fault), code, "This answer was asked for by a fault rule.", headers=headers)


async def send_faulty(response: Response, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a response as a rule demands. Without a server a closed connection is a ConnectionResetError."""
    if rule.fault in ("close-before", "close-after"):
        # ASGI cannot close a connection, but `send` is a method of uvicorn's object that has the transport.
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
    await response(scope, receive, partial(_send_halves, send, rule) if in_halves else send)


async def _send_halves(send: Send, rule: Rule, message: Message) -> None:
    if message["type"] == "http.response.body":
        half = len(message["body"]) // 2
        await send({**message, "body": message["body"][:half], "more_body": True})
        is_slow = rule.fault == "slow-body"
        if is_slow:
            await anyio.sleep(rule.seconds)
        message["body"] = message["body"][half:] if is_slow else b""
    await send(message)
