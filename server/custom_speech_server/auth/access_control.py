"""Authentication of HTTP requests, and authorization of MCP requests by the scopes of their caller."""

from collections.abc import Mapping
from typing import Any

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.routes import build_resource_metadata_url
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from custom_speech_server.auth.access_file import Access
from custom_speech_server.prompts import PROMPTS
from custom_speech_tools.runtime.calling_client import WRITE_SCOPE
from custom_speech_tools.runtime.registry import registered_tools
from custom_speech_tools.runtime.tool import error_answer

READ = "speech.read"  # the scope that every request needs


def require_token(app: ASGIApp, access: Access | None) -> ASGIApp:
    """Return the application with authentication, or unchanged without `access`, which only loopback permits."""
    if access is None:
        return app
    metadata = build_resource_metadata_url(access.public_url) if access.public_url and access.issuer else None
    protected = RequireAuthMiddleware(AuthContextMiddleware(app), [READ], metadata)
    return AuthenticationMiddleware(protected, backend=BearerAuthBackend(access.verifier))


def metadata_routes(access: Access | None) -> list[Route]:
    """Return the route of the protected-resource metadata (RFC 9728), or no route without OAuth.

    The SDK's route appends a slash to an issuer without a path, but clients compare issuers byte for byte.
    """
    if access is None or access.public_url is None or access.issuer is None:
        return []
    metadata = {
        "resource": str(access.public_url),
        "authorization_servers": [access.issuer],
        "scopes_supported": [f"{access.scope_prefix}{scope}" for scope in (READ, WRITE_SCOPE)],
        "bearer_methods_supported": ["header"],
        "resource_name": "Azure custom speech",
    }
    response = JSONResponse(metadata, headers={"cache-control": "public, max-age=3600"})
    path = f"/.well-known/oauth-protected-resource{(access.public_url.path or '').rstrip('/')}"
    return [Route(path, endpoint=CORSMiddleware(response, ["*"], ["GET"]), methods=["GET", "OPTIONS"])]


class ScopeMiddleware:
    """MCP middleware that offers each caller the tools and prompts that its scopes permit."""

    def __init__(self) -> None:
        self._writing = frozenset(tool.name for tool in registered_tools() if not tool.is_read_only)

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Reject calls that the caller's scopes do not permit, and hide these tools and their prompts."""
        # The scopes are those of this request, not of the session; a request without a token has no scopes.
        user = ctx.request.scope.get("user") if ctx.request else None
        scopes = user.scopes if isinstance(user, AuthenticatedUser) else ()
        tools = frozenset() if WRITE_SCOPE in scopes else self._writing
        name = str((ctx.params or {}).get("name"))
        if ctx.method == "tools/call" and name in tools:
            why = f"this caller may only read (scope {WRITE_SCOPE} is missing)"
            return error_answer(f"{name} was not run: {why}. Do not repeat the call.")
        result = await call_next(ctx)
        prompts = {prompt.name for prompt in PROMPTS if prompt.tools & tools}
        hidden = {"tools/list": tools, "prompts/list": prompts}.get(ctx.method)
        if hidden is None or not isinstance(result, Mapping):
            return result
        kind = ctx.method.partition("/")[0]
        shown = {kind: [item for item in result[kind] if item["name"] not in hidden]}
        # The list differs between callers, so a shared cache must not store it.
        return dict(result) | shown | ({"cacheScope": "private"} if "cacheScope" in result else {})
