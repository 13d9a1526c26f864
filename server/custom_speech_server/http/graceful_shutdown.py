"""A graceful shutdown: streams on which a client only listens end at once, running calls may finish."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable

import anyio
import uvicorn
from sse_starlette.sse import AppStatus
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.routing import Router
from starlette.types import Message, Receive, Scope, Send

_log = logging.getLogger(__name__)

_CUT_OFF = "The server stopped before it answered the request. Check what was done before you send it again."


class QuietEndings:
    """Middleware that ends requests without a traceback: aborted by their clients, or cut off by the shutdown."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self._streams: set[anyio.CancelScope] = set()  # on which clients only wait for notifications
        self._has_ended = False

    def end_streams(self) -> None:
        """End the listening streams that are open, and those to come."""
        self._has_ended = True
        for stream in self._streams:
            stream.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a response that was cut off is completed, with 503 if nothing of it was sent."""
        if scope["type"] != "http":
            await self.router(scope, receive, send)
            return
        has_started = is_complete = False

        async def note(message: Message) -> None:
            nonlocal has_started, is_complete
            has_started = True
            await send(message)
            is_complete = message["type"] == "http.response.body" and not message.get("more_body")

        stream = self._stream_of(scope)
        try:
            with stream:
                await self.router(scope, receive, note)
        except ClientDisconnect:
            _log.warning("A client disconnected before its request was complete.")
            return
        except asyncio.CancelledError:
            _log.debug("The shutdown ended a request.")
        finally:
            self._streams.discard(stream)
        if has_started and not is_complete:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not has_started:
            await PlainTextResponse(_CUT_OFF, 503)(scope, receive, send)

    def _stream_of(self, scope: Scope) -> anyio.CancelScope:
        """Return the scope in which to serve a request; one on which its client only listens is ended first."""
        stream = anyio.CancelScope()
        is_subscription = (b"mcp-method", b"subscriptions/listen") in scope["headers"]
        if scope["path"].rstrip("/") == "/mcp" and (scope["method"] == "GET" or is_subscription):
            self._streams.add(stream)
            if self._has_ended:
                stream.cancel()
        return stream


class GracefulServer(uvicorn.Server):
    """uvicorn, which announces when it accepts requests, ends listening streams first, and exits with status 0."""

    def __init__(self, config: uvicorn.Config, app: QuietEndings, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._app, self._announce = app, announce

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal."""
        # uvicorn handles signals only later, and raises them again once it has stopped: status 0 needs a handler.
        signal.signal(signal.SIGTERM, self.handle_exit)
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and announce it."""
        AppStatus.enable_automatic_graceful_drain = False  # it would end the streams of running calls
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        self._app.end_streams()
        await super().shutdown(sockets)
