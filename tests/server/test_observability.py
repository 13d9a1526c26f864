"""Whoever operates the server …"""

import gzip
import json
import logging
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from opentelemetry import trace

from custom_speech_server import observability
from custom_speech_server.__main__ import parse
from custom_speech_server.app import build
from custom_speech_server.auth.access_file import Access, StaticTokenVerifier
from custom_speech_server.commands.serve import settings_with_state
from custom_speech_server.http.asgi_app import HTTPSettings, create_app
from custom_speech_server.observability import CallObserver, Telemetry
from custom_speech_server.resource_config import EMULATED
from support.http_server import command, modern, over_http
from support.speech_service import Azure

sdk = pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402  # only where it is installed
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402  # the same
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402  # the same
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402  # the same
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402  # the same

pytestmark = pytest.mark.anyio

PROJECTS = modern("tools/call", name="list_projects", arguments={})


@dataclass
class Seen:
    """What was sent to OpenTelemetry."""

    telemetry: Telemetry
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def attempts(self) -> list[dict[str, Any]]:
        """The attributes of the spans of attempts, in order."""
        return [dict(span.attributes or {}) for span in self.exporter.get_finished_spans()]

    def counts(self) -> dict[str, int]:
        """How many values each metric has."""
        data = self.reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        return {metric.name: _count(metric.data) for scope in scopes for metric in scope.metrics}


def _count(data: Any) -> int:
    return sum(point.count for point in data.data_points)


@pytest.fixture
def seen() -> Iterator[Seen]:
    """OpenTelemetry in memory."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    yield Seen(Telemetry(tracers, meters), exporter, reader)
    meters.shutdown()


async def call(app: Any, seen: Seen) -> httpx2.Response:
    """A call of a tool that asks Azure once."""
    observed: dict[str, Any] = {
        "observe": seen.telemetry.attempted,
        "middleware": [CallObserver([seen.telemetry.record_call])],
    }
    async with over_http(app, **observed) as client:
        return await client.post("/mcp", **PROJECTS)


async def test_operator_sees_each_request_to_azure(azure: Azure, seen: Seen) -> None:
    """Operation, resource, status, attempt and wait, and no address, argument or secret."""
    await call(azure, seen)
    assert seen.attempts() == [
        {
            "speech.operation": "Projects_List",
            "speech.resource": "emulator-eastus",
            "http.response.status_code": 200,
            "http.request.method": "GET",
            "speech.attempt": 1,
            "speech.wait": 0.0,
        }
    ]
    assert seen.counts() == {"custom_speech.calls": 1, "custom_speech.requests": 1}


async def test_operator_sees_every_repetition_and_its_wait(azure: Azure, seen: Seen) -> None:
    """An attempt that failed is a span of its own."""
    await call(Failing(azure), seen)
    attempts = seen.attempts()
    assert [(each["http.response.status_code"], each["speech.attempt"]) for each in attempts] == [(503, 1), (200, 2)]
    assert attempts[1]["speech.wait"] > 0
    assert [span.status.is_ok for span in seen.exporter.get_finished_spans()] == [False, True]
    assert seen.counts()["custom_speech.waits"] == 1


def test_middleware_has_the_order_of_the_architecture_page(
    seen: Seen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text("utf-8")
    section = page.partition("## Order of middleware")[2].partition("HTTP requests")[0]
    monkeypatch.setenv("CUSTOM_SPEECH_AUDIT", "off")
    monkeypatch.setattr(observability, "start_telemetry", lambda: seen.telemetry)
    settings = settings_with_state(parse(["serve", "--log", "json", "--telemetry"]), EMULATED, None)
    server = build(settings)

    create_app(server, settings, HTTPSettings([], [], Access(StaticTokenVerifier(tmp_path / "access.toml"))))

    names = [getattr(one, "__name__", type(one).__name__) for one in server.middleware]
    assert names == re.findall(r"^\| `(\w+)`", section, re.MULTILINE)


@pytest.mark.parametrize("name", ["custom-speech-mcp", "speech-of-the-team"])
async def test_operator_finds_it_where_the_standard_variables_say(name: str) -> None:
    """The command sends spans and metrics over OTLP/HTTP, under its name or the operator's, before it ends."""
    own = {"OTEL_SERVICE_NAME": name} if name != "custom-speech-mcp" else {}
    with (
        Collector() as collector,
        command("--telemetry", OTEL_EXPORTER_OTLP_ENDPOINT=collector.address, **own) as (process, url),
    ):
        async with httpx2.AsyncClient() as client:
            await client.post(url, **PROJECTS)
        process.terminate()
        assert process.wait(timeout=60) == 0
    traces, metrics = collector.got["/v1/traces"], collector.got["/v1/metrics"]
    assert all(word in traces for word in (name.encode(), b"tools/call list_projects", b"Projects_List"))
    assert all(word in metrics for word in (name.encode(), b"custom_speech.calls", b"custom_speech.requests"))


async def test_operator_reads_one_json_object_a_line(azure: Azure, caplog: pytest.LogCaptureFixture) -> None:
    """A call's line names tool, request (not endlessly) and outcome; a traceback stays inside its line."""
    caplog.set_level(logging.INFO, logger=observability.__name__)
    caplog.handler.setFormatter(Lines(kept := []))
    async with over_http(azure, middleware=[CallObserver([observability.log_call])]) as client:
        await client.post("/mcp", **PROJECTS | {"headers": PROJECTS["headers"] | {"x-request-id": "a" * 200}})
    line = json.loads(next(line for line in kept if "called" in line))
    assert {name: line[name] for name in ("message", "tool", "request", "failed")} == {
        "message": "called",
        "tool": "list_projects",
        "request": "a" * 128,
        "failed": False,
    }


def test_operator_reads_json_from_the_first_line_on() -> None:
    """What the program says of itself is no exception."""
    started = [sys.executable, "-m", "custom_speech_server", "serve", "--emulated", "--http", "--port=0", "--log=json"]
    with subprocess.Popen(started, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first, second = (json.loads(process.stderr.readline())["message"] for _ in range(2))
        process.kill()
    assert first == "using the emulator (--emulated)."
    assert second.startswith("serving MCP on http://127.0.0.1:")


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_operator_sees_no_key_that_a_service_repeats(
    status: int, seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the answer echoes: not in a span, not in a metric, not in a line, at any level."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(Lines(kept := []))
    observed: dict[str, Any] = {
        "observe": seen.telemetry.attempted,
        "middleware": [CallObserver([seen.telemetry.record_call, observability.log_call])],
    }
    async with over_http(Echoing(status), **observed) as client:
        answer = await client.post("/mcp", **PROJECTS)

    spans = [span.to_json() for span in seen.exporter.get_finished_spans()]
    assert spans
    assert any("called" in line for line in kept)
    assert Echoing.KEY not in "".join([*spans, str(seen.reader.get_metrics_data()), *kept, answer.text])


def test_operator_reads_a_traceback_in_one_line_with_its_trace() -> None:
    """What a program collects line by line stays whole."""
    with TracerProvider().get_tracer("test").start_as_current_span("call") as span:
        try:
            raise ValueError("a reason\nof two lines")
        except ValueError as error:
            info = (ValueError, error, error.__traceback__)
        record = logging.LogRecord("name", logging.ERROR, "", 0, "It failed", None, info)
        line = observability.JSONFormatter().format(record)
        assert json.loads(line)["trace"] == trace.format_trace_id(span.get_span_context().trace_id)
    assert "\n" not in line
    assert "ValueError" in json.loads(line)["traceback"]


class Lines(logging.Formatter):
    """Keeps what the product's formatter makes."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__()
        self._kept, self._formatter = kept, observability.JSONFormatter()

    def format(self, record: logging.LogRecord) -> str:
        """The line, kept."""
        self._kept.append(self._formatter.format(record))
        return self._kept[-1]


class Collector:
    """An OTLP receiver on loopback that keeps what it is sent; protobuf leaves texts as they are."""

    def __init__(self) -> None:
        self.got: dict[str, bytes] = defaultdict(bytes)
        collector = self

        class Receiving(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                packed = self.headers.get("content-encoding") == "gzip"
                collector.got[self.path] += gzip.decompress(body) if packed else body
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiving)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Collector":
        Thread(target=self._server.serve_forever).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Failing:
    """A service whose first answer is 503."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._failed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        if self._failed:
            await self._app(scope, receive, send)
            return
        self._failed = True
        await send({"type": "http.response.start", "status": 503, "headers": [(b"retry-after", b"0")]})
        await send({"type": "http.response.body", "body": b"{}"})


class Echoing:
    """A service that repeats the key of its caller in every text of its answer."""

    KEY = "emulator-eastus-key"

    def __init__(self, status: int) -> None:
        self._status = status

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        key = dict(scope["headers"])[b"ocp-apim-subscription-key"]
        assert key.decode() == self.KEY
        said = json.dumps({"code": key.decode(), "message": f"The key is {key.decode()}."}).encode()
        headers = [(b"retry-after", b"999"), (b"www-authenticate", key), (b"x-key", key)]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": said})
