"""Scopes of callers: read only, or write as well."""

from collections.abc import Mapping
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from custom_speech_server.prompts import JOBS
from custom_speech_tools.runtime.client import WRITE_SCOPE
from custom_speech_tools.runtime.registry import registered_tools
from custom_speech_tools.runtime.tool import error_answer

READ = "speech.read"
"""Without it no request is served."""

WRITE = WRITE_SCOPE
"""Without it, tools that change something are neither listed nor run."""


def writing_tools() -> frozenset[str]:
    """Return the names of the tools that change something, as their annotations say."""
    every, reading = registered_tools(), registered_tools(read_only=True)
    return frozenset(tool.name for tool in every) - {tool.name for tool in reading}


class ScopeMiddleware:
    """MCP middleware that offers each caller the tools and prompts that its scopes permit."""

    def __init__(self, writing: frozenset[str]) -> None:
        self._writing = writing

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Refuse calls that the caller may not make, and leave them out of its list."""
        hidden = frozenset() if WRITE in scopes_of(ctx) else self._writing
        name = (ctx.params or {}).get("name")
        if ctx.method == "tools/call" and name in hidden:
            return error_answer(
                f"{name} was not run: this caller may only read (scope {WRITE} is missing). Do not repeat the call."
            )
        result = await call_next(ctx)
        if ctx.method == "tools/list" and isinstance(result, Mapping):
            return without(result, "tools", hidden)
        if ctx.method == "prompts/list" and isinstance(result, Mapping):
            return without(result, "prompts", frozenset(job.name for job in JOBS if job.tools & hidden))
        return result


def scopes_of(ctx: ServerRequestContext[Any, Any]) -> frozenset[str]:
    """Return the scopes of the caller of this very request; none where it carried no accepted token."""
    user = ctx.request.scope.get("user") if ctx.request else None
    return frozenset(user.scopes) if isinstance(user, AuthenticatedUser) else frozenset()


def without(listed: Mapping[str, Any], kind: str, hidden: frozenset[str]) -> dict[str, Any]:
    """Return a list of tools or prompts without the hidden ones; no cache may show it to another caller."""
    shown = [item for item in listed[kind] if item["name"] not in hidden]
    return dict(listed) | {kind: shown} | ({"cacheScope": "private"} if "cacheScope" in listed else {})
