"""Pydantic AI: a whole run of an agent whose model is a stand-in that calls a tool, over HTTP."""

import asyncio
import sys

from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.test import TestModel


async def main(url: str) -> None:
    """Let it call one tool."""
    agent = Agent(TestModel(call_tools=["list_resources"]), toolsets=[MCPToolset(url)])
    async with agent:
        result = await agent.run("Which resources are there?")
    assert "emulator-eastus" in result.output, result.output


asyncio.run(main(sys.argv[1]))
