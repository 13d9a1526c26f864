"""Answers that go wrong on their way: late, cut off, no JSON, or never."""

from __future__ import annotations

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from custom_speech_emulator.faults.rules import Rule

HANG_UP = "custom_speech_emulator.hang_up"


async def sent(response: Response, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
    """Send a response as a rule has it. A closed connection is a ConnectionResetError in the process."""
    if rule.fault in ("close-before", "close-after"):
        await _closed(response, scope)
        return
    if rule.fault == "slow-headers":
        await anyio.sleep(rule.seconds)
    if rule.fault == "not-json":
        response = Response(b"<html><body>Bad Gateway</body></html>", response.status_code, media_type="text/html")
    if rule.fault in ("slow-body", "truncated"):
        await _in_halves(response, rule, send)
        return
    await response(scope, receive, send)


async def _closed(response: Response, scope: Scope) -> None:
    if HANG_UP in scope:
        scope[HANG_UP]()
    if response.background:
        await response.background()
    if HANG_UP not in scope:
        raise ConnectionResetError("The connection was closed by a fault rule.")


async def _in_halves(response: Response, rule: Rule, send: Send) -> None:
    body = bytes(response.body)
    half = len(body) // 2
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": body[:half], "more_body": True})
    if rule.fault == "slow-body":
        await anyio.sleep(rule.seconds)
        await send({"type": "http.response.body", "body": body[half:]})
    else:
        await send({"type": "http.response.body", "body": b""})
    if response.background:
        await response.background()
