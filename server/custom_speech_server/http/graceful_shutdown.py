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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)

_CUT_OFF = "The server stopped before it answered the request. Check what was done before you send it again."


class ResponseProgress:
    """The progress of a response, so that it can be completed properly."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_started = self._is_complete = False

    async def send(self, message: Message) -> None:
        """Send a part of the response."""
        self._has_started = True
        await self._send(message)
        self._is_complete = message["type"] == "http.response.body" and not message.get("more_body")

    async def complete(self, scope: Scope, receive: Receive) -> None:
        """End the response: with 503 where nothing of it was sent."""
        if self._is_complete:
            return
        if self._has_started:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await PlainTextResponse(_CUT_OFF, 503)(scope, receive, self._send)


class ListeningStreams:
    """Middleware that can end all streams on which clients only wait for notifications."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._ended = anyio.Event()

    def end(self) -> None:
        """End those that are open and those to come."""
        self._ended.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_subscription = (b"mcp-method", b"subscriptions/listen") in scope.get("headers", ())
        if scope["type"] != "http" or not (scope["method"] == "GET" or is_subscription):
            await self._app(scope, receive, send)
            return
        response = ResponseProgress(send)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._cancel_at_end, tasks.cancel_scope)
            await self._app(scope, receive, response.send)
            tasks.cancel_scope.cancel()
        await response.complete(scope, receive)

    async def _cancel_at_end(self, scope: anyio.CancelScope) -> None:
        await self._ended.wait()
        scope.cancel()


class QuietEndings:
    """Middleware that ends requests without a traceback: aborted by their clients, or cut off by the shutdown."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        response = ResponseProgress(send)
        try:
            await self._app(scope, receive, response.send)
        except ClientDisconnect:
            _log.warning("A client disconnected before its request was complete.")
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            await response.complete(scope, receive)


class GracefulServer(uvicorn.Server):
    """uvicorn, which ends listening streams first when it is told to stop, and exits with status 0.

    Args:
        announce: Called when the server accepts requests.
    """

    def __init__(self, config: uvicorn.Config, streams: ListeningStreams, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._streams, self._announce = streams, announce

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
        self._streams.end()
        await super().shutdown(sockets)
