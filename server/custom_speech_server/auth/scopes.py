"""What a caller may do: read, or write as well."""

from collections.abc import Mapping
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import CallToolResult, TextContent

from custom_speech_tools.runtime.registry import registered_tools

READ = "speech.read"
"""Without it nothing is answered."""

WRITE = "speech.write"
"""Without it the tools that change something are neither seen nor called."""


def writing_tools() -> frozenset[str]:
    """The names of the tools that change something, as their annotations say."""
    return frozenset(tool.name for tool in registered_tools()) - {
        tool.name for tool in registered_tools(read_only=True)
    }


class Allowed:
    """The SDK's middleware that offers each caller the tools it may call, and no others."""

    def __init__(self, writing: frozenset[str]) -> None:
        self._writing = writing

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass a message on, unless it calls what its sender may not; leave out of a list what is not for it."""
        hidden = frozenset() if WRITE in scopes_of(ctx) else self._writing
        if ctx.method == "tools/call" and (ctx.params or {}).get("name") in hidden:
            return _not_allowed(str((ctx.params or {})["name"]))
        result = await call_next(ctx)
        if ctx.method == "tools/list" and isinstance(result, Mapping):
            return visible(result, hidden)
        return result


def scopes_of(ctx: ServerRequestContext[Any, Any]) -> frozenset[str]:
    """The scopes of whoever sent this very request; none where it carried no accepted token."""
    user = ctx.request.scope.get("user") if ctx.request else None
    return frozenset(user.scopes) if isinstance(user, AuthenticatedUser) else frozenset()


def visible(listed: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """A list of tools without the hidden ones, which no cache may show to another caller."""
    tools = [tool for tool in listed["tools"] if tool["name"] not in hidden]
    return dict(listed) | {"tools": tools} | ({"cacheScope": "private"} if "cacheScope" in listed else {})


def _not_allowed(tool: str) -> HandlerResult:
    text = f"{tool} was not run: this caller may only read (scope {WRITE} is missing). Do not repeat the call."
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
