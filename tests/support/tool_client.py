"""The product as its users drive it: an MCP client, the real server, the emulator behind it."""

import json
import re
from typing import Any

from mcp import Client
from mcp.types import CallToolResult


class Caller:
    """Calls tools by name."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The answer, which both channels carry alike."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, text_of(result)
        assert json.loads(text_of(result)) == result.structured_content
        return dict(result.structured_content or {})

    async def refusal(self, tool: str, **arguments: Any) -> str:
        """The text of an error."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, text_of(result)
        return text_of(result)

    async def id_of(self, kind: str, display_name: str, resource: str = "emulator-eastus") -> str:
        """The id of something in the stock; `kind` is `projects` or `datasets`."""
        found = await self(f"list_{kind}", limit=100, resource=resource)
        return next(str(item["id"]) for item in found[kind] if item["display_name"] == display_name)


def text_of(result: CallToolResult) -> str:
    """The text channel."""
    return "".join(str(getattr(block, "text", "")) for block in result.content)


def rules_of(refusal: str) -> list[str]:
    """The rules that a refusal names, in order."""
    return re.findall(r"^- \[\w+: ([\w-]+)\]", refusal, re.MULTILINE)
