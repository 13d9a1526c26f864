"""Observability: JSON logs on stderr with a line for each call, and OpenTelemetry.

The SDK creates the spans of calls. This module adds a span for each attempt at a request to Azure, and metrics of calls
and attempts. The standard variables OTEL_* configure the destination.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcp.types import CallToolResult
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

if TYPE_CHECKING:  # the metrics alone cost 40 ms at the start
    from collections.abc import Callable

    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.util.types import AttributeValue

    from custom_speech_tools.speech import Attempt

NAME = "custom-speech-mcp"
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_log = logging.getLogger(__name__)


class JSONFormatter(logging.Formatter):
    """A formatter that writes each record as one line of JSON, with the traceback as a field."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
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


def log_to_stderr(form: str = "text") -> None:
    """Log warnings and errors to stderr. The form `json` adds a line for each tool call to the form `text`."""
    handler = logging.StreamHandler(sys.stderr)
    template = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    handler.setFormatter(JSONFormatter() if form == "json" else logging.Formatter(template))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    if form == "json":
        _log.setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class CallObserver:
    """MCP middleware that adds the request id to log lines, and passes each tool call to functions that record it."""

    records: Sequence[Callable[[str, bool, float], None]]  # each takes the tool, true for a failure, and the seconds

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Handle a request, and record it if it is a tool call."""
        headers = ctx.request.headers if ctx.request else {}
        token = _request_id.set(str(headers.get("x-request-id") or ctx.request_id)[:128])
        began, failed = time.monotonic(), True
        try:
            result = await call_next(ctx)
            if isinstance(result, Mapping):
                failed = bool(result.get("isError"))
            else:
                failed = isinstance(result, CallToolResult) and result.is_error
            return result
        finally:
            for record in self.records if ctx.method == "tools/call" else ():
                record(str((ctx.params or {}).get("name"))[:64], failed, time.monotonic() - began)
            _request_id.reset(token)


def log_call(tool: str, failed: bool, seconds: float) -> None:
    """Log a tool call."""
    _log.info("called", extra={"fields": {"tool": tool, "failed": failed, "seconds": round(seconds, 3)}})


class Telemetry:
    """OpenTelemetry spans and metrics, without call arguments or addresses."""

    def __init__(self, tracers: trace.TracerProvider, meters: MeterProvider) -> None:
        self._tracer = tracers.get_tracer(NAME)
        meter = meters.get_meter(NAME)
        self._calls = meter.create_histogram("custom_speech.calls", "s", "Tool calls")
        self._attempts = meter.create_histogram("custom_speech.requests", "s", "Attempts at requests to Azure")
        self._waits = meter.create_histogram("custom_speech.waits", "s", "Waits before a request was repeated")

    def attempted(self, attempt: Attempt) -> None:
        """Record an attempt that has just ended."""
        end, status = time.time_ns(), attempt.status
        began = end - int(attempt.seconds * 1e9)
        which: dict[str, AttributeValue] = {"speech.operation": attempt.operation, "speech.resource": attempt.resource}
        outcome = which | ({"http.response.status_code": status} if status else {"error.type": "no answer"})
        more: dict[str, AttributeValue] = outcome | {
            "http.request.method": attempt.method,
            "speech.attempt": attempt.number,
            "speech.wait": attempt.waited,
        }
        span = self._tracer.start_span(attempt.operation, kind=SpanKind.CLIENT, attributes=more, start_time=began)
        if status is None or status >= 500 or status == 429:
            span.set_status(StatusCode.ERROR)
        span.end(end)
        self._attempts.record(attempt.seconds, outcome)
        if attempt.waited:
            self._waits.record(attempt.waited, which)

    def record_call(self, tool: str, failed: bool, seconds: float) -> None:
        """Record the duration of a tool call."""
        self._calls.record(seconds, {"gen_ai.tool.name": tool, "failed": failed})


def start_telemetry() -> Telemetry:
    """Start exporting telemetry; raises ImportError if the extra `otel` is not installed."""
    from opentelemetry import metrics
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider as SDKMeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider as SDKTracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": NAME, **OTELResourceDetector().detect().attributes})
    tracers = SDKTracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    meters = SDKMeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(meters)
    return Telemetry(tracers, meters)
