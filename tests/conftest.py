"""The fixtures: a fresh emulator, and a client that is connected to a server before it."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import hypothesis
import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.client import session as client_session
from mcp.types import CallToolRequestParams, CallToolResult, Implementation

from custom_speech_server.app import Settings, build
from custom_speech_server.resource_config import EMULATED
from custom_speech_tools.runtime import idempotency, polling
from custom_speech_tools.runtime.tool import SpeechTool
from custom_speech_tools.speech import VERSIONS, pipeline
from support.answer_check import faults_of
from support.speech_service import Azure
from support.tool_client import Caller

hypothesis.settings.register_profile("no time limits", deadline=None)
hypothesis.settings.load_profile("no time limits")

Connect = Callable[..., AbstractAsyncContextManager[Caller]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of tests/live, which asks the real service."""
    parser.addoption("--live-write", action="store_true", help="let tests/live make and delete entities")
    parser.addoption("--record", metavar="FILE", help="write what tests/live exchanged, with names and ids replaced")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what the README's command leaves out."""
    if config.option.markexpr == "not long":
        terminalreporter.write_line(
            "Left out: the tests marked long (rollouts killed at each request, faults and sessions at random, fuzzers, "
            "browsers, nginx). Run them with: pytest -n auto -m long"
        )


@pytest.fixture(autouse=True, scope="session")
def client_info() -> Iterator[None]:
    """Give the tests' client a name of its own: that of the SDK counts as impatient."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client_session, "DEFAULT_CLIENT_INFO", Implementation(name="tests", version="1"))
        yield


@pytest.fixture(autouse=True, scope="session")
def output_schemas_checked_once() -> Iterator[None]:
    """Let the many clients of the tests check each tool's output schema once: that takes longer than most calls."""
    check, checked = Draft202012Validator.check_schema, set[str]()

    def check_once(schema: dict[str, Any]) -> None:
        if (text := json.dumps(schema)) not in checked:
            check(schema)
            checked.add(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft202012Validator, "check_schema", check_once)
        yield


@pytest.fixture(autouse=True, scope="session")
def state_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep state keys, locks and markers of tests out of the user's own directory, and of the next run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def checked_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Check every answer of every tool in this process, whatever the test is about."""
    run, faults = SpeechTool.run, list[str]()

    async def checked(tool: SpeechTool, request: Any, params: CallToolRequestParams) -> Any:
        result = await run(tool, request, params)
        if isinstance(result, CallToolResult):
            found = faults_of(result, request.lifespan_context.missing_tools)
            faults.extend(f"{tool.name}: {fault}" for fault in found)
        return result

    monkeypatch.setattr(SpeechTool, "run", checked)
    yield
    assert faults == []


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the SDK runs on."""
    return "asyncio"


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once: the emulator counts requests, not seconds."""
    monkeypatch.setattr(polling, "POLL_INTERVALS", (0.0,))
    monkeypatch.setattr(idempotency, "SEARCH_INTERVALS", (0.0, 0.0))
    monkeypatch.setattr(idempotency, "VISIBILITY_SECONDS", 0.0)


@pytest.fixture
def no_retry_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send a request again at once if the service names no time."""
    monkeypatch.setattr(pipeline, "_FIRST_WAIT", 0)


@pytest.fixture
def azure() -> Iterator[Azure]:
    """The service; when a test ends, every exchange was as the published specification has it."""
    azure = Azure()
    yield azure
    assert azure.violations == []


@pytest.fixture
def connect(azure: Azure, no_pauses: None) -> Connect:
    """Connect a client: `async with connect(confirm="never") as call`; settings, and options of the client."""

    @asynccontextmanager
    async def connected(
        *, version: str = "2025-10-15", client: dict[str, Any] | None = None, **settings: Any
    ) -> AsyncIterator[Caller]:
        all_resources = tuple(replace(resource, api_version=VERSIONS[version]) for resource in EMULATED.all)
        settings = {"resources": replace(EMULATED, all=all_resources), "now": lambda: datetime.now(UTC)} | settings
        server = build(Settings(state_key=b"k" * 32, emulator=lambda: azure, **settings))
        async with Client(server, cache=None, **(client or {})) as connection:
            yield Caller(connection)

    return connected


@pytest.fixture
async def call(connect: Connect) -> AsyncIterator[Caller]:
    """A client that cannot ask its user, on a server that does not ask either."""
    async with connect(confirm="never") as caller:
        yield caller
