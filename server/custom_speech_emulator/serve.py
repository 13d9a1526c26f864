"""The emulator as an HTTP server on loopback, or on a host that other machines reach by an allowed name."""

import contextlib
import ipaddress
import socket
import sqlite3
import sys
import threading
from collections.abc import Sequence
from typing import Any

import uvicorn

from custom_speech_emulator.app import EmulatorApp, emulator


class PortInUseError(Exception):
    """The port cannot be used, for example because another program listens on it."""


def serve(host: str = "127.0.0.1", port: int = 8765, **options: Any) -> None:
    """Serve until interrupted, and write the address to stderr; port 0 selects a free port.

    Raises PortInUseError, StateUnusableError, and ValueError for an invalid option.
    """
    error = host_error(host, options.get("allow_hosts", ()))
    if error:
        raise ValueError(error)
    app: EmulatorApp = emulator(**options).state.emulator
    stopped = threading.Event()

    def tick() -> None:
        while not stopped.wait(0.25):
            with contextlib.suppress(sqlite3.DatabaseError):  # the response to the next request contains the error
                app.tick()

    with open_listener(host, port) as listener:
        url_host = f"[{host}]" if ":" in host else host
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, lifespan="off", server_header=False, date_header=False
        )
        port = listener.getsockname()[1]
        sys.stderr.write(f"Azure Speech emulator listening on http://{url_host}:{port}\n")
        sys.stderr.flush()  # programs that start the emulator wait for this line
        threading.Thread(target=tick, daemon=True).start()
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            stopped.set()


def host_error(host: str, allow_hosts: Sequence[str]) -> str | None:
    """Return why the emulator must not listen on a host and how to allow it, or None for an allowed host."""
    with contextlib.suppress(ValueError):
        if allow_hosts or host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return None
    return (
        "its keys are public, so it serves only this machine: listen on a loopback address, "
        "or allow the host name that other machines use with --allow-host NAME."
    )


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises PortInUseError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise PortInUseError(f"The emulator cannot listen on {host}:{port}: {error.strerror}.") from error
    # Accepted connections inherit the option. Nagle's algorithm would delay responses on them by 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
