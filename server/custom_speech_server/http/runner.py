"""`serve --http`: look whether it may start, listen, and serve in one process or several."""

import argparse
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer

from custom_speech_server.app import Settings, build
from custom_speech_server.auth import config
from custom_speech_server.config import ConfigurationError
from custom_speech_server.console import notice
from custom_speech_server.http import connections, startup_checks
from custom_speech_server.http.app import Serving, application
from custom_speech_server.http.graceful_shutdown import StoppingServer
from custom_speech_server.http.workers import Workers


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Serve until a signal; gives the exit status."""
    try:
        serving = _serving(options)
        listener = listening(options.host, options.port)
    except (ConfigurationError, OSError) as error:
        notice(str(error), options.log)
        return 2
    connections.allow_as_many_files()
    with listener:
        announce = partial(_announce, options.host, listener.getsockname()[1], options.log)
        if options.workers > 1:
            owns = [listening("127.0.0.1", 0) for _ in range(options.workers)]
            return Workers(partial(_work, options, settings, serving, listener), listener, owns).run(announce)
        server(settings, serving, options.stop_seconds, announce).run([listener])
    return 0


def _announce(host: str, port: int, log: str) -> None:
    shown = f"[{host}]" if ":" in host else host
    notice(f"serving MCP on http://{shown}:{port}/mcp", log)


def _work(
    options: argparse.Namespace, settings: Settings, serving: Serving, shared: socket.socket, own: socket.socket
) -> None:
    """Serve as one of several workers; the others reach it at a port of its own, for its sessions."""
    replica = f"http://127.0.0.1:{own.getsockname()[1]}"
    server(settings, replace(serving, replica=replica), options.stop_seconds).run([shared, own])


def server(
    settings: Settings, serving: Serving, stop_seconds: int, announce: Callable[[], None] = lambda: None
) -> StoppingServer:
    """The server of one process, which takes sockets that listen already; `announce` is called when it serves."""
    return server_of(build(settings), settings, serving, stop_seconds, announce)


def server_of(
    mcp: MCPServer[Any], settings: Settings, serving: Serving, stop_seconds: int, announce: Callable[[], None]
) -> StoppingServer:
    """The same, of an MCP server that is built already."""
    app, streams = application(mcp, settings, serving)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=stop_seconds,
        **connections.limits(),
    )
    return StoppingServer(config, streams, announce)


def listening(host: str, port: int) -> socket.socket:
    """A listening socket. Its protocol is named, or Nagle's algorithm delays every kept-alive answer by 40 ms."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}.") from error
    return listener


def _serving(options: argparse.Namespace) -> Serving:
    """Raises ConfigurationError where it must not start so."""
    allowed = config.load(options.access) if options.access else None
    replica = os.environ.get("CUSTOM_SPEECH_REPLICA") or None
    public = [allowed.public_url.host or ""] if allowed and allowed.public_url else []
    refused = startup_checks.refusal(
        host=options.host,
        allowed=options.allow_host,
        workers=options.workers,
        authenticated=allowed is not None,
        shares_key="CUSTOM_SPEECH_STATE_KEY" in os.environ,
        replica=replica,
    )
    if refused:
        raise ConfigurationError(refused)
    hosts = startup_checks.hosts(options.host, [*options.allow_host, *public])
    return Serving(hosts, startup_checks.origins(options.allow_origin), allowed, replica)
