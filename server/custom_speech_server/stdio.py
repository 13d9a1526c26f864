"""The stdio transport: error responses to invalid input, and exit on a signal or when the client has ended."""

import io
import logging
import os
import signal
import sys
from typing import Any

import anyio
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from custom_speech_server.front import PARENT, PARENT_SECONDS, Handover

_log = logging.getLogger(__name__)

MAX_LOGGED_LINES = 10  # rejected lines of which each is logged
BYTE_ORDER_MARK = "\ufeff"


def serve_stdio(server: Server[Any], handover: Handover | None = None) -> int:
    """Serve the input from the front, then stdin until its end or a signal, and return the exit status."""
    try:
        anyio.run(_serve, server, handover or Handover())
    except* (BrokenPipeError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        _exit_now(1)
    return 0


async def _serve(server: Server[Any], handover: Handover) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_exit_on_signal)
        tasks.start_soon(_exit_with_parent)
        async with stdio_server() as (read_stream, write_stream):
            await serve_streams(server, handover, read_stream, write_stream)
        tasks.cancel_scope.cancel()


async def serve_streams(server: Server[Any], handover: Handover, read_stream: Any, write_stream: Any) -> None:
    """Serve the input from the front, then the stream."""
    lines = [*handover.opening, *io.StringIO(handover.line, newline=None)]
    writer = _ResponseFilter(write_stream, handover.answered) if handover.answered else write_stream
    sender, messages = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_forward_valid, lines, read_stream, sender, write_stream)
        await server.run(messages, writer, server.create_initialization_options())


class _ResponseFilter:
    """An output stream that drops the responses that the front has already sent."""

    def __init__(self, stream: Any, answered: set[int | str]) -> None:
        self._stream, self._answered = stream, set(answered)

    async def send(self, item: SessionMessage) -> None:
        identifier = getattr(item.message, "id", None)
        if identifier in self._answered and not isinstance(item.message, types.JSONRPCRequest):
            self._answered.discard(identifier)
            if not self._answered:
                self.send = self._stream.send  # type: ignore[method-assign]  # spares later messages the filter
            return
        await self._stream.send(item)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> "_ResponseFilter":
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> Any:
        return await self._stream.__aexit__(*error)


async def _forward_valid(lines: list[str], source: Any, target: Any, write_stream: Any) -> None:
    """Forward valid messages from the lines and the source. Answer invalid input with an error, and log it.

    The first rejected lines are all logged, then ever fewer, because two bytes of input write a hundred to the log.
    """
    refused = 0
    async with source, target:
        first = [_parsed(line) for line in lines]
        while True:
            try:
                checked = first.pop(0) if first else _checked(await source.receive())
            except anyio.EndOfStream:
                return
            if isinstance(checked, SessionMessage):
                await target.send(checked)
                continue
            refused += 1
            if refused <= MAX_LOGGED_LINES or refused.bit_count() == 1:
                _log.warning("A line of the input was rejected (%d so far): %s", refused, checked.error.message)
            await write_stream.send(SessionMessage(checked))


def _checked(item: SessionMessage | Exception) -> SessionMessage | types.JSONRPCError:
    """Return a valid message, or a JSON-RPC error for invalid input."""
    if isinstance(item, SessionMessage):
        message = item.message
        # The SDK reads a request whose id is null or a fraction as a notification, and sends no response.
        if isinstance(message, types.JSONRPCNotification) and not message.method.startswith("notifications/"):
            return _refused(types.INVALID_REQUEST, "The id of a request must be a string or an integer.")
        return item
    faults = item.errors(include_url=False) if isinstance(item, ValidationError) else []
    if not faults or faults[0]["type"] == "json_invalid":
        line = str(faults[0]["input"]) if faults else ""
        if line.startswith(BYTE_ORDER_MARK):  # the first bytes from some clients on Windows
            return _parsed(line.lstrip(BYTE_ORDER_MARK))
        return _refused(types.PARSE_ERROR, "The line is not JSON.")
    if isinstance(faults[0]["input"], list):
        return _refused(types.INVALID_REQUEST, "Batches are not supported; send one message a line.")
    return _refused(types.INVALID_REQUEST, "The line is not a JSON-RPC 2.0 message.")


def _parsed(line: str) -> SessionMessage | types.JSONRPCError:
    try:
        return _checked(SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False)))
    except ValidationError as error:
        return _checked(error)


def _refused(code: int, why: str) -> types.JSONRPCError:
    return types.JSONRPCError(jsonrpc="2.0", id=None, error=types.ErrorData(code=code, message=why))


async def _exit_on_signal() -> None:
    """Exit at the first signal, because the thread that reads stdin cannot be interrupted."""
    if sys.platform == "win32":
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for received in signals:
            _exit_now(128 + received)


async def _exit_with_parent() -> None:
    """Exit when the client process has ended, even if another process keeps the pipe open."""
    while sys.platform == "win32" or os.getppid() == PARENT:  # noqa: ASYNC110  # there is no event to wait for
        await anyio.sleep(PARENT_SECONDS)
    _exit_now(0)


def _exit_now(status: int) -> None:
    """Exit without the interpreter's clean-up, which would write to a closed stdout."""
    sys.stderr.flush()
    os._exit(status)
