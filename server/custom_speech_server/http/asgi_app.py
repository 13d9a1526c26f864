"""The ASGI application: MCP at /mcp behind authentication, and two health checks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from custom_speech_server.app import Settings
from custom_speech_server.auth.access_control import ScopeMiddleware, metadata_routes, require_token
from custom_speech_server.auth.access_file import Access
from custom_speech_server.http import middleware
from custom_speech_tools.speech import RequestPipeline, Speech, SpeechError
from custom_speech_tools.speech.tasks_and_threads import gather

MAX_BODY_BYTES = 4 * 1024 * 1024  # `upload_dataset` takes 1 MiB of lines, which JSON may double or triple
MAX_SESSIONS = 1000  # open sessions of the handshake versions
FRESH_SECONDS = 30.0  # after which a readiness check probes the resources again
PROBE_SECONDS = 5.0  # the time-out of a probe
_OPENING_SESSIONS = 100  # beyond the limit, while idle sessions are ended for new sessions


@dataclass(frozen=True, slots=True)
class HTTPSettings:
    """The HTTP settings: allowed host names, allowed web origins, and access control."""

    hosts: Sequence[str]
    origins: Sequence[str]
    access: Access | None = None
    stateless: bool = False  # without sessions any replica can serve any request


def create_app(server: Server[Any], settings: Settings, http: HTTPSettings) -> middleware.InterruptionHandling:
    """Return the ASGI application."""
    manager = middleware.SessionManager(
        server,
        stateless=http.stateless,
        # The SDK checks Host and Origin again.
        security_settings=TransportSecuritySettings(allowed_hosts=[*http.hosts], allowed_origins=[*http.origins]),
        max_request_body_size=MAX_BODY_BYTES,
        max_sessions=MAX_SESSIONS + _OPENING_SESSIONS,
    )

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await manager.handle_request(scope, await _with_body(receive), send)

    app: ASGIApp = middleware.AcceptNegotiation(
        answer if http.stateless else middleware.IdleSessionEviction(answer, MAX_SESSIONS)
    )
    app = require_token(app, http.access)
    if pages := [origin for origin in http.origins if not origin.endswith(":*")]:
        exposed = ("mcp-session-id", "www-authenticate")
        app = CORSMiddleware(app, pages, ("GET", "POST", "DELETE"), allow_headers=("*",), expose_headers=exposed)
    endpoint = middleware.RequestValidation(app, http.hosts, http.origins)
    emulator = settings.emulator if settings.resources.in_process else None
    resources = [Speech(RequestPipeline(each, emulator)) for each in settings.resources.all]
    routes = [
        *(Route(path, endpoint=endpoint) for path in ("/mcp", "/mcp/")),
        Route("/healthz", endpoint=JSONResponse({"alive": True}), methods=["GET"]),
        Route("/readyz", endpoint=Readiness(resources).answer),
        *metadata_routes(http.access),
    ]
    if http.access:
        server.middleware.append(ScopeMiddleware())

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:  # Starlette's signature
        try:
            async with manager.run():
                yield
        finally:
            for speech in resources:
                await speech.close()

    # A redirect would send the token over http, to the Host of the request.
    return middleware.InterruptionHandling(Router(routes, redirect_slashes=False, lifespan=lifespan))


async def _with_body(receive: Receive) -> Receive:
    """Buffer a request body up to the size limit, and return a `receive` that replays it; raises ClientDisconnect."""
    messages: list[Message] = []
    while sum(len(message.get("body", b"")) for message in messages) <= MAX_BODY_BYTES:
        messages.append(await receive())
        if messages[-1]["type"] == "http.disconnect":
            raise ClientDisconnect  # within the application the SDK would log a traceback
        if not messages[-1].get("more_body"):
            break

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return again


class Readiness:
    """The handler of GET /readyz, with status 200 if at least one resource responded recently, else 503."""

    def __init__(self, resources: Sequence[Speech]) -> None:
        self._resources, self._lock = resources, anyio.Lock()
        self._answered, self._probed = 0, float("-inf")

    async def answer(self, request: Request) -> JSONResponse:  # Starlette's signature
        """Return the number of resources, and of those that responded."""
        async with self._lock:
            if anyio.current_time() - self._probed > FRESH_SECONDS:
                self._answered = sum(await gather(*map(_answers, self._resources)))
                self._probed = anyio.current_time()
        body = {"ready": self._answered > 0, "resources": len(self._resources), "answered": self._answered}
        return JSONResponse(body, status_code=200 if self._answered else 503)


async def _answers(speech: Speech) -> bool:
    with anyio.move_on_after(PROBE_SECONDS), suppress(SpeechError):
        await speech.models_list_supported_locales()
        return True
    return False
