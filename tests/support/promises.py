"""The promises that hold for every tool: each function calls one tool and raises AssertionError where one is broken."""

import json
import tempfile
from pathlib import Path
from typing import Any

import anyio

from custom_speech_emulator import emulator
from custom_speech_server.audit_log import AuditFile
from custom_speech_server.resource_config import EMULATED
from custom_speech_tools.runtime.tool import Annotations, SpeechTool
from custom_speech_tools.speech.sanitize import has_invisible
from support.example_calls import example_arguments
from support.fault_matrix_service import keyed
from support.scripted_service import Scripted, served
from support.tool_client import text_of
from support.virtual_time import clock

MAX_SECONDS = 50.0
MAX_CHARACTERS = 25_000


def is_writing(tool: SpeechTool) -> bool:
    """Return whether a tool changes something."""
    return not tool.is_read_only


async def assert_read_only_server_sends_get_only(tool: SpeechTool) -> None:
    """A read-only server does not offer a writing tool, and its other tools send nothing but GET."""
    app = emulator(now=clock())
    async with served(app, read_only=True) as call:
        offered = {one.name for one in (await call.client.list_tools()).tools}
        result = await call.client.call_tool(tool.name, example_arguments(tool))

    assert (tool.name in offered) is not is_writing(tool)
    assert not is_writing(tool) or result.is_error
    assert {entry["method"] for entry in app.state.emulator.log.entries} <= {"GET"}


async def assert_ends_in_time(tool: SpeechTool) -> None:
    """A service that never answers does not hold a call longer than calls may take."""
    app = emulator(now=clock(), faults=[{"fault": "slow-headers", "seconds": 600.0}])
    async with served(app) as call:
        start = anyio.current_time()
        await call.client.call_tool(tool.name, example_arguments(tool))
        assert anyio.current_time() - start <= MAX_SECONDS


async def assert_errors_are_explained(tool: SpeechTool) -> None:
    """A service in trouble leads to a text with a next step, never to an internal error."""
    error = {"error": {"code": "403", "message": "Access denied due to Virtual Network/Firewall rules."}}
    async with served(Scripted(lambda method, path: (403, {}, error))) as call:
        result = await call.client.call_tool(tool.name, example_arguments(tool))

    assert "internal error" not in text_of(result)
    assert tool.annotations is Annotations.READ_LOCAL or not result.is_error or "firewall" in text_of(result).lower()


async def assert_audited(tool: SpeechTool) -> None:
    """Every request that changes something is recorded before and after it is sent."""
    app = emulator(now=clock())
    with tempfile.TemporaryDirectory() as folder:
        audit = AuditFile(Path(folder) / "audit.jsonl", clock())
        async with served(app, audit=audit) as call:
            await call.client.call_tool(tool.name, example_arguments(tool))
        lines = audit.path.read_text("utf-8").splitlines() if audit.path.exists() else []
    sent = [entry["operation"] for entry in app.state.emulator.log.entries if entry["method"] != "GET"]
    entries = [json.loads(line) for line in lines]

    assert sorted(entry["operation"] for entry in entries if entry["event"] == "sends") == sorted(sent)
    assert sorted(entry["operation"] for entry in entries if entry["event"] == "ended") == sorted(sent)
    assert is_writing(tool) or sent == []


async def assert_text_is_data(tool: SpeechTool, text: str) -> None:
    """Hostile text of the service is shown on one line, bounded, without invisible characters."""
    async with served(hostile_service(text)) as call:
        result = await call.client.call_tool(tool.name, example_arguments(tool))
    shown = text_of(result)

    assert len(shown) <= MAX_CHARACTERS
    assert not has_invisible(shown.replace("\n", " "))
    assert result.is_error or json.loads(shown)["next_steps"]


def hostile_service(text: str) -> Scripted:
    """Return a service all of whose texts are hostile: names, locales, statuses, kinds, codes and messages."""
    identifier = "827712a5-f942-4997-91c3-7c6cde35600b"

    def entity(kind: str) -> dict[str, Any]:
        said = dict.fromkeys(("displayName", "description", "status", "kind", "locale"), text)
        address = f"http://eastus.localhost/speechtotext/{kind}/{identifier}"
        return said | {"self": address, "properties": {"error": {"code": text, "message": text}}}

    def answer(method: str, path: str) -> Any:
        kind = path.removeprefix("/speechtotext/").removesuffix(f"/{identifier}")
        if kind == "models/locales":
            return 200, {}, [text]
        if kind == "operations/models/copy":
            return 200, {}, {"id": identifier, "status": text, "error": {"code": text, "message": text}}
        if path.endswith(identifier) or method != "GET":
            return 200, {}, entity(kind)
        return 200, {}, {"values": [entity(kind)]}

    return Scripted(answer)


async def assert_keys_are_not_exposed(tool: SpeechTool) -> None:
    """A service that repeats the key in its answers does not bring it into an answer of a tool."""
    from support.fault_matrix_service import Service

    service = Service("2025-10-15")
    await service.prepare(marked=True)
    service.arm([{"fault": "echo", "times": 50}])
    async with served(service, resources=keyed(EMULATED, service)) as call:
        shown = str(await call.client.call_tool(tool.name, example_arguments(tool)))

    assert not [key for key in service.keys if key in shown]


PROMISES = (
    assert_read_only_server_sends_get_only,
    assert_ends_in_time,
    assert_errors_are_explained,
    assert_audited,
    assert_keys_are_not_exposed,
)
