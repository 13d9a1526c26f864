"""fastmcp's client: a training with a question, over HTTP."""

import asyncio
import sys

from fastmcp import Client


async def main(url: str) -> None:
    """Ask, confirm, train, look."""

    async def yes(message, response_type, params, context):  # type: ignore[no-untyped-def]  # as fastmcp calls it
        return {"agree": True}

    async with Client(url, elicitation_handler=yes) as client:
        found = await client.call_tool(
            "list_base_models", {"locale": "en-US", "train_with": ["Language"], "limit": 100}
        )
        base = next(item for item in found.structured_content["base_models"] if item["training_is_charged"])
        request = {"display_name": "by fastmcp", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
        made = await client.call_tool("create_model", request | {"base_model": base["id"]})
        seen = await client.call_tool("get_model", {"model": made.structured_content["id"]})
        assert seen.structured_content["display_name"] == "by fastmcp"


asyncio.run(main(sys.argv[1]))
