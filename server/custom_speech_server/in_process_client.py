"""An MCP client of a read-only server in this process, for the commands report and check-expirations."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from custom_speech_server.resource_config import Resources

MAX_ITEMS = 1000  # the highest `limit` of a list tool


class ToolFailedError(Exception):
    """A tool call failed; `str()` is the text of its error."""


@asynccontextmanager
async def read_only_client(resources: Resources) -> AsyncIterator[Callable[..., Awaitable[dict[str, Any]]]]:
    """Yield a function that calls a tool and returns its structured result, or raises ToolFailedError."""
    from mcp import Client

    from custom_speech_server.app import Settings, build

    server = build(Settings(resources, state_key=os.urandom(32), read_only=True))
    async with Client(server, cache=None) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            if result.is_error:
                raise ToolFailedError("".join(getattr(block, "text", "") for block in result.content))
            return dict(result.structured_content or {})

        failed = None
        try:
            yield call
        except ToolFailedError as error:
            failed = error  # raised here it would arrive in an ExceptionGroup of the client's tasks
    if failed:
        raise failed
