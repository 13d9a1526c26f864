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


class ListeningStreams:
    """The open streams on which clients only wait for notifications."""

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()
        self._has_ended = False

    def end(self) -> None:
        """End those that are open and those to come."""
        self._has_ended = True
        for stream in self._open:
            stream.cancel()

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; if it opens a listening stream, until the streams are ended."""
        is_subscription = (b"mcp-method", b"subscriptions/listen") in scope["headers"]
        is_stream = scope["path"].rstrip("/") == "/mcp" and (scope["method"] == "GET" or is_subscription)
        if not is_stream:
            await app(scope, receive, send)
            return
        with anyio.CancelScope() as stream:
            self._open.add(stream)
            if self._has_ended:
                stream.cancel()
            try:
                await app(scope, receive, send)
            finally:
                self._open.remove(stream)


class QuietEndings:
    """Middleware that ends requests without a traceback: aborted by their clients, or cut off by the shutdown."""

    def __init__(self, app: ASGIApp, streams: ListeningStreams) -> None:
        self._app, self._streams = app, streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a response that was cut off is completed, with 503 if nothing of it was sent."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = is_complete = False

        async def note(message: Message) -> None:
            nonlocal has_started, is_complete
            has_started = True
            await send(message)
            is_complete = message["type"] == "http.response.body" and not message.get("more_body")

        try:
            await self._streams.serve(self._app, scope, receive, note)
        except ClientDisconnect:
            _log.warning("A client disconnected before its request was complete.")
            return
        except asyncio.CancelledError:
            _log.debug("The shutdown ended a request.")
        if has_started and not is_complete:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not has_started:
            await PlainTextResponse(_CUT_OFF, 503)(scope, receive, send)


class GracefulServer(uvicorn.Server):
    """uvicorn, which announces when it accepts requests, ends listening streams first, and exits with status 0."""

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
