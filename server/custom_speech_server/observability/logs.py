"""JSON logs on stderr: one object a line, with the call's request and trace ids, and one line for each call."""

import json
import logging
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from opentelemetry import trace

from custom_speech_server.observability.outcomes import failed

_request: ContextVar[str | None] = ContextVar("request", default=None)
_log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """Formats a record as JSON. A traceback is one field, so that a line stays a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        span = trace.get_current_span().get_span_context()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request": _request.get(),
            "trace": trace.format_trace_id(span.trace_id) if span.is_valid else None,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in line.items() if value is not None})


def to_stderr() -> None:
    """From here on everything is logged so; the calls too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    _log.setLevel(logging.INFO)


async def logged(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """The SDK's middleware that names the request in every line, and writes one when a call has ended."""
    headers = ctx.request.headers if ctx.request else {}
    token = _request.set(str(headers.get("x-request-id") or ctx.request_id)[:128])
    began, failure = time.monotonic(), True
    try:
        result = await call_next(ctx)
        failure = failed(result)
        return result
    finally:
        if ctx.method == "tools/call":
            tool, seconds = str((ctx.params or {}).get("name"))[:64], round(time.monotonic() - began, 3)
            _log.info("called", extra={"fields": {"tool": tool, "failed": failure, "seconds": seconds}})
        _request.reset(token)
