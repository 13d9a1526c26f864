"""JSON logs on stderr: one object a line, with request and trace ids, and one line for each call."""

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import CallToolResult
from opentelemetry import trace

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_log = logging.getLogger(__name__)


class JSONFormatter(logging.Formatter):
    """Formats a record as JSON; a traceback is one field, so that a record stays one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        span = trace.get_current_span().get_span_context()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request": _request_id.get(),
            "trace": trace.format_trace_id(span.trace_id) if span.is_valid else None,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in line.items() if value is not None})


def log_json_to_stderr() -> None:
    """Log everything as JSON, including one line for each call."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    _log.setLevel(logging.INFO)


def log_text_to_stderr() -> None:
    """Log warnings and errors as text."""
    template = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=template)


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


async def log_calls(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Name the request in every line, and log a call when it has ended (MCP middleware)."""

    def log(tool: str, failed: bool, seconds: float) -> None:
        _log.info("called", extra={"fields": {"tool": tool, "failed": failed, "seconds": round(seconds, 3)}})

    headers = ctx.request.headers if ctx.request else {}
    token = _request_id.set(str(headers.get("x-request-id") or ctx.request_id)[:128])
    try:
        return await observe_call(ctx, call_next, log)
    finally:
        _request_id.reset(token)
