"""The MCP resources: the agent skill, and what it promises of the tools."""

import re
from typing import Any

import pytest
import yaml
from mcp.shared.exceptions import MCPError

from conftest import Connect
from custom_speech_server.mcp_resources import SKILL_FILE, SKILL_URI, VIEW_URI
from custom_speech_tools.runtime.registry import TOOLSETS, registered_tools
from support.tool_client import Caller

pytestmark = pytest.mark.anyio

TEXT = SKILL_FILE.read_text("utf-8")
_, FRONTMATTER, BODY = TEXT.split("---\n", 2)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_skill_is_offered_as_a_resource(connect: Connect, mode: str) -> None:
    async with connect(client={"mode": mode}) as call:
        listed = {str(one.uri): one.mime_type for one in (await call.client.list_resources()).resources}
        (content,) = (await call.client.read_resource(SKILL_URI)).contents

    assert listed[SKILL_URI] == content.mime_type == "text/markdown"
    assert getattr(content, "text", None) == TEXT


@pytest.mark.parametrize("settings", [{"read_only": True}, {"toolsets": ("models",)}], ids=str)
async def test_skill_is_not_offered_without_its_tools(connect: Connect, settings: dict[str, Any]) -> None:
    async with connect(**settings) as call:
        listed = [str(one.uri) for one in (await call.client.list_resources()).resources]
        with pytest.raises(MCPError, match=f"This server has: {VIEW_URI}."):
            await call.client.read_resource(SKILL_URI)

    assert listed == [VIEW_URI]


async def test_unknown_resource_is_answered_with_those_that_exist(call: Caller) -> None:
    with pytest.raises(MCPError, match=f"This server has: {VIEW_URI}, {SKILL_URI}."):
        await call.client.read_resource("ui://custom-speech/other.html")


def test_skill_names_only_tools_and_arguments_that_exist() -> None:
    definitions = [tool.definition for tool in registered_tools(read_only=False, toolsets=TOOLSETS)]
    tools = {one.name for one in definitions}
    arguments = {name for one in definitions for name in one.input_schema["properties"]}
    named = set(re.findall(r"`([a-z_]+)(?:=\d+)?`", BODY))

    assert named - tools - arguments == set()


def test_skill_has_the_front_matter_of_agent_skills() -> None:
    """As agentskills.io specifies it."""
    front = yaml.safe_load(FRONTMATTER)

    assert set(front) <= {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", front["name"])
    assert front["name"] == SKILL_FILE.parent.name
    assert 1 <= len(front["description"]) <= 1024
    assert 1 <= len(front["compatibility"]) <= 500
    assert len(BODY.splitlines()) < 500


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("settings", [{}, {"read_only": True}, {"toolsets": ("data",)}], ids=str)
async def test_every_list_of_what_is_announced_is_answered(
    connect: Connect, settings: dict[str, Any], mode: str
) -> None:
    """Some gateways drop a server that announces resources and knows no list of their templates."""
    async with connect(**settings, client={"mode": mode}) as call:
        announced = call.client.server_capabilities
        assert announced.resources
        assert (await call.client.list_resource_templates()).resource_templates == []
        assert (await call.client.list_resources()).resources
        if announced.prompts:
            assert (await call.client.list_prompts()).prompts
