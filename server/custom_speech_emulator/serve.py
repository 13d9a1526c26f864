"""The emulator by itself: uvicorn on loopback, or where others reach it by a name."""

import contextlib
import ipaddress
import socket
import sqlite3
import sys
import threading
from collections.abc import Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from custom_speech_emulator.app import EmulatorApp, emulator
from custom_speech_emulator.faults import CLOSE

_TICK = 0.25


class PortInUseError(Exception):
    """Another program listens on that port."""


def serve(host: str = "127.0.0.1", port: int = 8765, **options: Any) -> None:
    """Serve until it is interrupted; port 0 takes a free one. One line on stderr says where it listens.

    Raises `PortInUseError`, `StateUnusableError`, and ValueError for an option that makes no sense.
    """
    refused = refusal(host, options.get("allow_hosts", ()))
    if refused:
        raise ValueError(refused)
    app = emulator(**options)
    ticking = threading.Event()
    with listening(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        config = uvicorn.Config(
            _able_to_close(app),
            log_level="critical",
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
        )
        port = listener.getsockname()[1]
        sys.stderr.write(f"Azure Speech emulator listening on http://{shown}:{port}\n")
        sys.stderr.flush()
        threading.Thread(target=_tick, args=(app.state.emulator, ticking), daemon=True).start()
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            ticking.set()


def refusal(host: str, allow_hosts: Sequence[str]) -> str | None:
    """Return why it must not listen there, with the next step; None if it may."""
    if allow_hosts or _is_loopback(host):
        return None
    return (
        "its keys are well known, so it serves this machine only: listen on a loopback address, "
        "or name the host under which others reach it with --allow-host NAME."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tick(emulation: EmulatorApp, stop: threading.Event) -> None:
    while not stop.wait(_TICK):
        with contextlib.suppress(sqlite3.DatabaseError):
            emulation.tick()


def _able_to_close(app: ASGIApp) -> ASGIApp:
    """Let a fault rule close the connection, which ASGI cannot express."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        await app({**scope, CLOSE: transport.abort} if transport else scope, receive, send)

    return wrapped


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket; without a named protocol, Nagle's algorithm delays kept-alive answers by 40 ms."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortInUseError(f"The emulator cannot listen on {host}:{port}: {error.strerror}.") from error
    return listener
