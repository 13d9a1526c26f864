"""A call of a tool that is not there is answered with what to do instead, never with an endless name."""

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.types import CallToolResult, TextContent

from custom_speech_tools.speech.sanitize import plain


class Known:
    """The SDK's middleware that passes on the calls of tools that there are."""

    def __init__(self, server: MCPServer[Any]) -> None:
        self._server = server
        self._names: frozenset[str] = frozenset()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass a message on, unless it calls a tool that is not there."""
        name = (ctx.params or {}).get("name")
        if ctx.method != "tools/call" or not isinstance(name, str) or await self._has(name):
            return await call_next(ctx)
        text = f"No tool is called '{plain(name, 64)}' here. Nothing was done; tools/list names those there are."
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)

    async def _has(self, name: str) -> bool:
        if name not in self._names:
            self._names = frozenset(tool.name for tool in await self._server.list_tools())
        return name in self._names
