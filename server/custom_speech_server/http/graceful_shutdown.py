"""A graceful stop: streams on which a client only listens end at once, running calls may finish, nothing new begins."""

import asyncio
import signal
import socket
from collections.abc import Callable

import anyio
import uvicorn
from sse_starlette.sse import AppStatus
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from custom_speech_server.http.sessions import SESSION

ANSWER_SECONDS = 900.0
"""The longest that an answer in a session may take, a person's ten minutes for a question included."""

_ENDED = "The server ended the request before it was answered. Look what was done before asking again."


class Listeners:
    """Ends, when told, every stream on which a client waits for news; calls go on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._ended = anyio.Event()

    def end(self) -> None:
        """End those that are open and those to come."""
        self._ended.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not _listens(scope):
            await self._app(scope, receive, send)
            return
        stream = _Stream(send)
        async with anyio.create_task_group() as group:
            group.start_soon(self._cancel_at_end, group.cancel_scope)
            await self._app(scope, receive, stream.send)
            group.cancel_scope.cancel()
        await stream.complete(scope, receive)

    async def _cancel_at_end(self, scope: anyio.CancelScope) -> None:
        await self._ended.wait()
        scope.cancel()


class Endings:
    """Ends requests quietly: whose clients went away, that a stop cuts short, or whose answer never comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        stream = _Stream(send)
        try:
            await self._limited(scope, receive, stream)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            await stream.complete(scope, receive)

    async def _limited(self, scope: Scope, receive: Receive, stream: "_Stream") -> None:
        """Without a session there is nothing to wait for but the call, which has limits of its own."""
        if not _is_in_session(scope) or _listens(scope):
            await self._app(scope, receive, stream.send)
            return
        with anyio.move_on_after(ANSWER_SECONDS) as limit:
            await self._app(scope, receive, stream.send)
        if limit.cancelled_caught:
            await stream.complete(scope, receive)


class _Stream:
    """What was sent of an answer, so that it can be ended properly."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = self._is_complete = False

    async def send(self, message: Message) -> None:
        self._has_begun = True
        await self._send(message)
        self._is_complete = message["type"] == "http.response.body" and not message.get("more_body")

    async def complete(self, scope: Scope, receive: Receive) -> None:
        if self._is_complete:
            return
        if self._has_begun:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await PlainTextResponse(_ENDED, 503)(scope, receive, self._send)


class StoppingServer(uvicorn.Server):
    """uvicorn, ending the listening streams first when it is told to stop, and then leaving with status 0."""

    def __init__(self, config: uvicorn.Config, listeners: Listeners, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._listeners, self._announce = listeners, announce

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal."""
        # uvicorn listens for signals later, and raises them again once it has stopped.
        signal.signal(signal.SIGTERM, self.handle_exit)
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so; the library for event streams must not end the streams of running calls."""
        AppStatus.enable_automatic_graceful_drain = False
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        self._listeners.end()
        await super().shutdown(sockets)


def _is_in_session(scope: Scope) -> bool:
    return scope["type"] == "http" and SESSION in Headers(scope=scope)


def _listens(scope: Scope) -> bool:
    return scope["type"] == "http" and (
        scope["method"] == "GET" or (b"mcp-method", b"subscriptions/listen") in scope["headers"]
    )
