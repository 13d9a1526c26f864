"""OpenTelemetry: a span for each attempt at a request to Azure, and metrics of calls and attempts.

The SDK itself creates the spans of calls. The standard variables OTEL_* say where the data are sent.
"""

import time
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import SpanKind, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

from custom_speech_server.observability.logs import observe_call
from custom_speech_tools.speech import Attempt

NAME = "custom-speech-mcp"


class Telemetry:
    """Records to OpenTelemetry, without arguments of calls and without addresses."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider) -> None:
        self._tracer = tracers.get_tracer(NAME)
        meter = meters.get_meter(NAME)
        self._calls = meter.create_histogram("custom_speech.calls", "s", "Calls of tools")
        self._attempts = meter.create_histogram("custom_speech.requests", "s", "Attempts at requests to Azure")
        self._waits = meter.create_histogram("custom_speech.waits", "s", "Waits before a request was sent again")

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

    async def measure_calls(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Measure calls of tools (MCP middleware)."""

        def record(tool: str, failed: bool, seconds: float) -> None:
            self._calls.record(seconds, {"gen_ai.tool.name": tool, "failed": failed})

        return await observe_call(ctx, call_next, record)


def start() -> Telemetry:
    """Start to send, or raise ImportError if the extra `otel` is not installed."""
    from opentelemetry import metrics, trace
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
