"""The uvicorn server of `serve --http`, its command line options, and the checks before it starts."""

import argparse
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import h11
import uvicorn
from mcp.server.lowlevel import Server
from sse_starlette.sse import AppStatus
from uvicorn.protocols.http.h11_impl import H11Protocol

from custom_speech_server.app import Settings, build
from custom_speech_server.auth import access_file
from custom_speech_server.config_source import STATE_KEY_VARIABLE, ConfigurationError
from custom_speech_server.console import notice
from custom_speech_server.distributed_lock import LOCK_URL_VARIABLE
from custom_speech_server.http.asgi_app import HTTPSettings, create_app
from custom_speech_server.http.middleware import MAX_HEADER_BYTES
from custom_speech_tools.speech.service_urls import is_loopback, parse_url

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MAX_CONNECTIONS = 2000  # further connections get 503; the reverse proxy limits idle and slow clients


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Serve until a signal and return the exit status."""
    try:
        http = http_settings(options)
        listener = listen(options.host, options.port)
    except (ConfigurationError, OSError) as error:
        notice(str(error), options.log)
        return 2
    warnings = list(http.access.warnings) if http.access else []
    if http.stateless and not os.environ.get(LOCK_URL_VARIABLE):
        warnings.append(
            f"--stateless without {LOCK_URL_VARIABLE}: replicas on several machines do not wait for each other, so "
            "the same request sent to two of them at once trains twice."
        )
    for warning in warnings:
        notice(f"caution: {warning}", options.log)
    with listener:
        url = f"http://{_in_brackets(options.host)}:{listener.getsockname()[1]}/mcp"
        announce = partial(notice, f"serving MCP on {url}", options.log)
        GracefulServer(build(settings), settings, http, options.stop_seconds, announce).run([listener])
    return 0


class GracefulServer(uvicorn.Server):
    """A uvicorn server that announces its start, ends listening streams at a shutdown, and exits with status 0."""

    def __init__(
        self,
        mcp: Server[Any],
        settings: Settings,
        http: HTTPSettings,
        stop_seconds: int,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        self._app, self._announce = create_app(mcp, settings, http), announce
        config = uvicorn.Config(
            self._app,
            http=StrictH11Protocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=stop_seconds,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        )
        super().__init__(config)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on listening sockets until a signal."""
        # uvicorn installs its handlers later, and raises the signal again at its end: status 0 needs this handler.
        signal.signal(signal.SIGTERM, self.handle_exit)
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start accepting requests, and announce the start."""
        AppStatus.enable_automatic_graceful_drain = False  # it would end the streams of running calls
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the listening streams, then shut down."""
        self._app.end_streams()
        await super().shutdown(sockets)


class StrictH11Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, which rejects folded headers and line ends without a carriage return.

    h11 accepts both, so a proxy might parse a request differently (RFC 9112, 2.2 and 5.2).
    """

    def handle_events(self) -> None:
        """Process received bytes, after a check of the header lines if a request begins."""
        if self.conn.their_state is h11.IDLE:
            head = self.conn.trailing_data[0].partition(b"\r\n\r\n")[0]
            if re.search(rb"(?<!\r)\n|\r\n[ \t]|\r[^\n]", head):
                self.send_400_response("Header lines must end with CR LF and must not be folded.")
                return
        super().handle_events()


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises ConfigurationError if the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol number, Nagle's algorithm delays every response on a kept-alive connection by 40 ms.
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


def http_settings(options: argparse.Namespace) -> HTTPSettings:
    """Return the HTTP settings; raises ConfigurationError if they are unsafe."""
    access = access_file.load(options.access) if options.access else None
    names = [_in_brackets(options.host), *options.allow_host]
    shares_key = STATE_KEY_VARIABLE in os.environ
    is_authenticated = access is not None
    if why := refuse_start(names, authenticated=is_authenticated, stateless=options.stateless, shares_key=shares_key):
        raise ConfigurationError(why)
    public = [access.public_url.host or ""] if access and access.public_url else []
    hosts = allowed_hosts(options.host, [*options.allow_host, *public])
    return HTTPSettings(hosts, allowed_origins(options.allow_origin), access, options.stateless)


def refuse_start(names: list[str], *, authenticated: bool, stateless: bool, shares_key: bool) -> str | None:
    """Return why the settings are unsafe and how to fix them, or None."""
    parts = {name: parse_url(f"http://{name}") for name in names}
    public = next((name for name, part in parts.items() if part is None or not is_loopback(part)), None)
    if public is not None and not authenticated:
        return f"{public} is not loopback: configure the callers with --access FILE (docs/deploy.md), or use 127.0.0.1."
    if stateless and not shares_key:
        return f"stateless replicas share a key: set {STATE_KEY_VARIABLE} to 32 random characters or more."
    return None


def allowed_hosts(host: str, allowed: list[str]) -> list[str]:
    """Return the allowed Host headers: loopback names, the address and allowed hosts, each with any port."""
    is_unspecified = host in ("0.0.0.0", "::", "")  # noqa: S104  # a comparison, no binding
    names = [*LOOPBACK, *([] if is_unspecified else [_in_brackets(host)]), *allowed]
    return [form for name in dict.fromkeys(names) for form in (name, f"{name}:*")]


def allowed_origins(allowed: list[str]) -> list[str]:
    """Return the allowed Origin headers: loopback names with any port, and the allowed origins."""
    return [f"http://{name}:*" for name in LOOPBACK] + allowed


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host
