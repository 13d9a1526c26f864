"""The server over HTTP as tests drive it: in this process without a socket, or as the command on loopback."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import httpx2
from anyio.abc import TaskGroup

from custom_speech_server.app import Settings, build
from custom_speech_server.http import uvicorn_server
from custom_speech_server.http.asgi_app import HTTPSettings, create_app
from custom_speech_server.http.uvicorn_server import GracefulServer
from custom_speech_server.resource_config import EMULATED

VERSION = "2026-07-28"
HANDSHAKE = ("2025-03-26", "2025-06-18", "2025-11-25")
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
URL = "http://127.0.0.1:8080"


@asynccontextmanager
async def over_http(
    azure: Any, *, serving: HTTPSettings | None = None, **settings: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client before the whole application."""
    whole = Settings(**{"resources": EMULATED, "state_key": b"k" * 32, "emulator": lambda: azure} | settings)
    app = create_app(build(whole), whole, serving or on_loopback())
    transport = httpx2.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, base_url=URL) as client:
        yield client


def start(group: TaskGroup, server: GracefulServer, listener: socket.socket) -> anyio.Event:
    """Let a server serve in this process; gives what is set when it has stopped."""
    stopped = anyio.Event()

    async def serve() -> None:
        try:
            await server.serve([listener])
        finally:
            stopped.set()

    group.start_soon(serve)
    return stopped


def on_loopback(**more: Any) -> HTTPSettings:
    """Served on loopback."""
    return HTTPSettings(uvicorn_server.allowed_hosts("127.0.0.1", []), uvicorn_server.allowed_origins([]), **more)


def modern(method: str, **params: Any) -> dict[str, Any]:
    """The keywords of a POST of protocol 2026-07-28."""
    names = {"mcp-name": str(params["name"])} if "name" in params else {}
    headers = ACCEPT | {"mcp-protocol-version": VERSION, "mcp-method": method} | names
    capabilities = params.pop("capabilities", {})
    meta = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }
    return {"headers": headers, "json": message(method, **params, _meta=meta)}


def message(method: str, **params: Any) -> dict[str, Any]:
    """A JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def initialize(version: str, capabilities: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The keywords of the POST that opens a session of a handshake version."""
    client = {"name": "test", "version": "1"}
    body = message("initialize", protocolVersion=version, capabilities=capabilities or {}, clientInfo=client)
    return {"headers": ACCEPT, "json": body}


def answer_in(response: httpx2.Response) -> dict[str, Any]:
    """The last message of an answer, be it JSON or a stream of events."""
    if response.headers["content-type"].startswith("application/json"):
        return dict(response.json())
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: {")]
    return dict(json.loads(lines[-1]))


async def refused(port: int) -> None:
    """Come back when nobody new is let in there."""
    while True:
        try:
            async with await anyio.connect_tcp("127.0.0.1", port):
                await anyio.lowlevel.checkpoint()
        except OSError:
            return


@contextmanager
def command(
    *arguments: str, program: Sequence[str] = ("-m", "custom_speech_server"), **environment: str
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The command itself, serving on a free port of loopback; gives the process and its URL."""
    own = {"CUSTOM_SPEECH_EMULATOR_STATE": ":memory:"} | environment
    started = [sys.executable, *program, "serve", "--emulated", "--http", "--port", "0", *arguments]
    with subprocess.Popen(started, env=os.environ | own, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            lines = iter(process.stderr.readline, "")
            url = next(line.split()[-1] for line in lines if "serving MCP on" in line)
            yield process, url
        finally:
            process.kill()
