"""The OpenAI Agents SDK's client: tools as strict functions, and a call, over HTTP."""

import asyncio
import json
import sys

from agents.mcp import MCPServerStreamableHttp, MCPUtil


async def main(url: str) -> None:
    """List, convert, call."""
    async with MCPServerStreamableHttp(params={"url": url}) as server:
        tools = await server.list_tools()
        functions = [MCPUtil.to_function_tool(tool, server, convert_schemas_to_strict=False) for tool in tools]
        assert {"create_model", "get_model"} < {function.name for function in functions}
        answer = await server.call_tool("list_projects", {"locale": "en-US"})
        assert json.loads(answer.content[0].text)["projects"][0]["locale"] == "en-US"


asyncio.run(main(sys.argv[1]))
