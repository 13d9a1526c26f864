"""How a call ended, as far as logs and metrics care."""

from collections.abc import Mapping

from mcp.server.context import HandlerResult
from mcp.types import CallToolResult


def failed(result: HandlerResult) -> bool:
    """Whether a tool answered with an error."""
    if isinstance(result, Mapping):
        return bool(result.get("isError"))
    return isinstance(result, CallToolResult) and result.is_error
