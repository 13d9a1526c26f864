"""Logs, traces and metrics, as the operator asks for them."""

from collections.abc import Mapping

from mcp.server.context import HandlerResult
from mcp.types import CallToolResult


def is_error(result: HandlerResult) -> bool:
    """Return whether a tool answered with an error."""
    if isinstance(result, Mapping):
        return bool(result.get("isError"))
    return isinstance(result, CallToolResult) and result.is_error
