"""google-genai: its converter of tools, which refuses keywords that Gemini does not know, over HTTP."""

import asyncio
import sys

from google.genai import types
from google.genai._mcp_utils import mcp_to_gemini_tools
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main(url: str) -> None:
    """List and convert, as `tools=[session]` does."""
    async with (
        streamable_http_client(url) as streams,
        ClientSession(*streams[:2]) as session,
    ):
        await session.initialize()
        tools = (await session.list_tools()).tools
    declarations = [one for tool in mcp_to_gemini_tools(tools) for one in tool.function_declarations or []]
    assert {tool.name for tool in tools} == {one.name for one in declarations}
    types.GenerateContentConfig(tools=[types.Tool(function_declarations=declarations)])


asyncio.run(main(sys.argv[1]))
