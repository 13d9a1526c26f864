"""The emulator as a server: uvicorn on loopback, or on a host that other machines reach by a name."""

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
    """Another program listens on that port."""


def serve(host: str = "127.0.0.1", port: int = 8765, **options: Any) -> None:
    """Serve until it is interrupted; port 0 takes a free one. One line on stderr says where it listens.

    Raises `PortInUseError`, `StateUnusableError`, and ValueError for an option that makes no sense.
    """
    refused = refusal(host, options.get("allow_hosts", ()))
    if refused:
        raise ValueError(refused)
    emulation: EmulatorApp = emulator(**options).state.emulator
    stopped = threading.Event()

    def tick() -> None:
        while not stopped.wait(0.25):
            with contextlib.suppress(sqlite3.DatabaseError):  # the next request reports it
                emulation.tick()

    with listening(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        config = uvicorn.Config(
            emulation, log_level="critical", access_log=False, lifespan="off", server_header=False, date_header=False
        )
        port = listener.getsockname()[1]
        sys.stderr.write(f"Azure Speech emulator listening on http://{shown}:{port}\n")
        sys.stderr.flush()  # programs that start it wait for this line
        threading.Thread(target=tick, daemon=True).start()
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            stopped.set()


def refusal(host: str, allow_hosts: Sequence[str]) -> str | None:
    """Return why it must not listen there, with the next step; None if it may."""
    with contextlib.suppress(ValueError):
        if allow_hosts or host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return None
    return (
        "its keys are well known, so it serves this machine only: listen on a loopback address, "
        "or name the host under which others reach it with --allow-host NAME."
    )


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise PortInUseError(f"The emulator cannot listen on {host}:{port}: {error.strerror}.") from error
    # Connections inherit it; Nagle's algorithm would delay answers on kept-alive connections by 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
