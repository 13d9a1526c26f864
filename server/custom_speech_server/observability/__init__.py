"""Logs, traces and metrics, as the operator asks for them."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import CallToolResult


async def observe_call(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext, record: Callable[[str, bool, float], None]
) -> HandlerResult:
    """Answer a request; of a call of a tool, record its name, whether it failed, and its seconds."""
    if ctx.method != "tools/call":
        return await call_next(ctx)
    began, failed = time.monotonic(), True
    try:
        result = await call_next(ctx)
        if isinstance(result, Mapping):
            failed = bool(result.get("isError"))
        else:
            failed = isinstance(result, CallToolResult) and result.is_error
        return result
    finally:
        record(str((ctx.params or {}).get("name"))[:64], failed, time.monotonic() - began)
