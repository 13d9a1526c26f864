"""The ASGI application: MCP at /mcp behind its door, and the two questions of whoever operates it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from custom_speech_server.app import Settings
from custom_speech_server.auth.config import Access
from custom_speech_server.auth.middleware import guarded, metadata_routes
from custom_speech_server.auth.scopes import Allowed, writing_tools
from custom_speech_server.http import health
from custom_speech_server.http.graceful_shutdown import Endings, Listeners
from custom_speech_server.http.host_validation import PlainHeads
from custom_speech_server.http.passing import Passing
from custom_speech_server.http.sessions import SESSION, Sessions
from custom_speech_tools.speech import RequestPipeline, Speech

BODY_BYTES = 1024 * 1024
"""The most that a request may hold; the largest sensible call takes a tenth."""

MOST_SESSIONS = 1000
"""Sessions of the handshake versions at once."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How the server is reached: under which names, from which web pages, by whom, and as which replica.

    `replica` is the address at which the other replicas reach this one, such as `http://10.0.0.7:8080`.
    """

    hosts: Sequence[str]
    origins: Sequence[str]
    access: Access | None = None
    replica: str | None = None


def application(server: MCPServer[Any], settings: Settings, serving: Serving) -> tuple[Starlette, Listeners]:
    """The application, and its streams that a stop ends first."""
    mcp: ASGIApp = _Mcp(server, serving)
    sessions = Sessions(mcp, serving.replica, settings.state_key, Passing(BODY_BYTES)) if serving.replica else None
    listeners = Listeners(sessions or mcp)
    readiness = health.Readiness(_speech(settings))
    inside = guarded(listeners, serving.access)
    routes = [
        Route("/mcp", endpoint=PlainHeads(_readable(inside, serving), serving.hosts, serving.origins)),
        Route("/healthz", endpoint=health.alive),
        Route("/readyz", endpoint=readiness.answer),
        *metadata_routes(serving.access),
    ]
    if serving.access:
        server.middleware.append(Allowed(writing_tools()))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(readiness.close)
            if sessions:
                stack.push_async_callback(sessions.close)
            await stack.enter_async_context(server.session_manager.run())
            yield

    app = Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(Endings)])
    app.router.redirect_slashes = False  # it would send a caller, token and all, to http and to any Host it named
    return app, listeners


def _readable(app: ASGIApp, serving: Serving) -> ASGIApp:
    """The application, whose answers the web pages of the allowed origins may read (CORS)."""
    pages = [origin for origin in serving.origins if not origin.endswith(":*")]
    if not pages:
        return app
    shown = (SESSION, "www-authenticate")
    return CORSMiddleware(app, pages, ("GET", "POST", "DELETE"), allow_headers=("*",), expose_headers=shown)


class _Mcp:
    """The SDK's handler of requests, which checks Host and Origin in every one."""

    def __init__(self, server: MCPServer[Any], serving: Serving) -> None:
        security = TransportSecuritySettings(allowed_hosts=list(serving.hosts), allowed_origins=list(serving.origins))
        server.streamable_http_app(
            transport_security=security, max_request_body_size=BODY_BYTES, max_sessions=MOST_SESSIONS
        )
        self._manager = server.session_manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)


def _speech(settings: Settings) -> dict[str, Speech]:
    app = settings.emulator if settings.resources.in_process else None
    return {resource.name: Speech(RequestPipeline(resource, app)) for resource in settings.resources.all}
