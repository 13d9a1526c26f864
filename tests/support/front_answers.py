"""The answers of the front, frozen from those of the real server."""

import json
import re
from collections.abc import Iterable
from typing import Any

import anyio
from mcp.shared._context_streams import create_context_streams
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from custom_speech_server import __version__
from custom_speech_server.app import Settings, build
from custom_speech_server.prompts import PROMPTS
from custom_speech_server.resource_config import EMULATED, Resources
from custom_speech_tools.runtime.registry import TOOLSETS, registered_tools

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": STATELESS_VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "client", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def settings(*, read_only: bool, emulated: bool, toolsets: Iterable[str] = TOOLSETS) -> Settings:
    """Return the settings of a server; whether it is emulated decides what it tells assistants."""
    from dataclasses import replace

    real = tuple(replace(one, emulated=False) for one in EMULATED.all)
    resources = EMULATED if emulated else Resources(real, EMULATED.default, "a file", in_process=True)
    return Settings(resources, state_key=b"k" * 32, read_only=read_only, toolsets=tuple(toolsets))


def handshake(version: str) -> list[dict[str, Any]]:
    """Return the messages with which a client of the handshake versions begins."""
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "client", "version": "1"}}
    return [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]


async def answered(given: Settings, messages: list[dict[str, Any]]) -> list[str]:
    """Return what the server writes for the messages, as it goes over stdio."""
    server = build(given)
    sender, read = create_context_streams[SessionMessage | Exception](0)
    write, receiver = create_context_streams[SessionMessage](100)
    lines: list[str] = []

    async def feed() -> None:
        expected = 0
        for message in messages:
            await sender.send(SessionMessage(jsonrpc_message_adapter.validate_python(message)))
            expected += "id" in message
            while len(lines) < expected:
                answer = await receiver.receive()
                lines.append(answer.message.model_dump_json(by_alias=True, exclude_unset=True))
        tasks.cancel_scope.cancel()

    async with sender, read, write, receiver, anyio.create_task_group() as tasks:
        tasks.start_soon(feed)
        await server.run(read, write, server.create_initialization_options())
    return lines


def result_of(line: str) -> str:
    """Return the text of a result."""
    found = re.fullmatch(r'\{"jsonrpc":"2\.0","id":\d+,"result":(.*)\}', line)
    assert found, line[:200]
    return found[1]


def instructions_of(result: str) -> str:
    """Return the instructions in the answer to an opening, as they are written there."""
    return json.dumps(json.loads(result)["instructions"], ensure_ascii=False)


def around(result: str, inner: str) -> list[str]:
    """Return what stands before and after a part."""
    before, found, after = result.partition(inner)
    assert found, (result[:200], inner[:80])
    return [before, after]


def split_list(result: str, name: str) -> tuple[list[str], dict[str, str]]:
    """Return what surrounds a list, and its items by name."""
    items = json.loads(result)[name]
    decoder, found = json.JSONDecoder(), {}
    start = result.index(f'"{name}":[') + len(f'"{name}":[')
    place = start
    for item in items:
        _, end = decoder.raw_decode(result, place)
        found[item["name"]] = result[place:end]
        place = end + 1
    return [result[:start], result[place - 1 :]], found


async def freeze() -> dict[str, Any]:
    """Return everything that the front says."""
    full = settings(read_only=False, emulated=False)
    dataless = settings(read_only=False, emulated=False, toolsets=["data"])
    eras: dict[str, Any] = {}
    surfaces: list[dict[str, str]] = []

    def surface(items: dict[str, str]) -> int:
        if items not in surfaces:
            surfaces.append(items)
        return surfaces.index(items)

    for version in (*HANDSHAKE_VERSIONS, STATELESS_VERSION):
        is_stateless = version == STATELESS_VERSION
        opening = [] if is_stateless else handshake(version)
        first = {"jsonrpc": "2.0", "id": 0, "method": "server/discover", "params": {"_meta": META}}
        opened = opening or [first]
        with_prompts = result_of((await answered(full, opened))[0])
        without = result_of((await answered(dataless, opened))[0])
        params = {"params": {"_meta": META}} if is_stateless else {}
        more = [
            {"jsonrpc": "2.0", "id": number, "method": method, **params}
            for number, method in enumerate(("tools/list", "prompts/list"), 1)
        ]
        tools, prompts = map(result_of, (await answered(full, [*opened, *more]))[1:])
        tools_frame, tool_items = split_list(tools, "tools")
        prompts_frame, prompt_items = split_list(prompts, "prompts")
        eras[version] = {
            "initialize": {
                "prompts": around(with_prompts, instructions_of(with_prompts)),
                "": around(without, instructions_of(without)),
            },
            "tools/list": [tools_frame, surface(tool_items)],
            "prompts/list": [prompts_frame, surface(prompt_items)],
        }
        if not is_stateless:
            ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            eras[version]["ping"] = result_of((await answered(full, [*opened, ping]))[1])
    return {
        "version": __version__,
        "eras": eras,
        "surfaces": surfaces,
        "tools": {tool.name: [tool.toolset, tool.is_read_only] for tool in registered_tools()},
        "prompts": {prompt.name: sorted(prompt.tools) for prompt in PROMPTS},
    }
