"""Streamable HTTP …"""

from typing import Any

import pytest
from mcp import Client

from azure import Azure
from caller import Caller
from http_server import ACCEPT, HANDSHAKE, answer_in, command, initialize, message, modern, over_http

pytestmark = pytest.mark.anyio


async def test_answers_protocol_2026_07_28_without_a_session(azure: Azure) -> None:
    """One POST, one answer, and nothing to remember."""
    async with over_http(azure) as client:
        response = await client.post("/mcp", **modern("tools/call", name="list_resources", arguments={}))
    assert response.status_code == 200
    assert "mcp-session-id" not in response.headers
    assert answer_in(response)["result"]["structuredContent"]["resources"][0]["name"] == "emulator-eastus"


@pytest.mark.parametrize("version", HANDSHAKE)
async def test_answers_the_handshake_versions_in_a_session(azure: Azure, version: str) -> None:
    """initialize opens a session, in which the same tools are there."""
    async with over_http(azure) as client:
        opened = await client.post("/mcp", **initialize(version))
        assert answer_in(opened)["result"]["protocolVersion"] == version
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": version}
        done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await client.post("/mcp", headers=headers, json=done)).status_code == 202
        call = message("tools/call", name="list_resources", arguments={})
        response = await client.post("/mcp", headers=headers, json=call)
    assert answer_in(response)["result"]["structuredContent"]["resources"][0]["name"] == "emulator-eastus"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_is_what_the_command_serves(mode: Any) -> None:
    """An MCP client finds the product behind the port that the command prints, in both protocol eras."""
    with command() as (_, url):
        async with Client(url, cache=None, mode=mode) as client:
            assert (await Caller(client)("list_resources"))["resources"][0]["emulated"]
