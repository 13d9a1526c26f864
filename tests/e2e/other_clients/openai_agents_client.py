"""The OpenAI Agents SDK's client: tools as strict functions, and a call, over HTTP."""

import asyncio
import json
import sys

from agents.mcp import MCPServerStreamableHttp, MCPUtil


async def main(url: str) -> None:
    """List, convert, call."""
    async with MCPServerStreamableHttp(params={"url": url}) as server:
        tools = await server.list_tools()
        functions = {
            tool.name: MCPUtil.to_function_tool(tool, server, convert_schemas_to_strict=True) for tool in tools
        }
        assert {"create_model", "get_model"} < functions.keys()
        for name, function in functions.items():
            assert function.strict_json_schema, f"{name} cannot be called in strict mode"
        # In strict mode every argument is required, so models send null for those that are left out.
        listing = functions["list_models"].params_json_schema
        everything = dict.fromkeys(listing["required"])
        assert set(everything) == set(listing["properties"])
        models = await server.call_tool("list_models", everything)
        assert not models.is_error, models.content
        answer = await server.call_tool("list_projects", {"locale": "en-US"})
        assert json.loads(answer.content[0].text)["projects"][0]["locale"] == "en-US"


asyncio.run(main(sys.argv[1]))
