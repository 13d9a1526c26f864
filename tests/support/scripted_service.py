"""A client before the real server and a service of the test's own, in virtual time and at the product's own pace."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from mcp import Client
from pydantic import SecretStr

from custom_speech_server.app import Settings, build
from custom_speech_server.resource_config import EMULATED, Resources
from custom_speech_tools.speech import VERSIONS, KeyCredential, SpeechResource
from support.tool_client import Caller
from support.virtual_time import clock

ID = "827712a5-f942-4997-91c3-7c6cde35600b"
KEY = "canary-key-0123456789abcdef"


@asynccontextmanager
async def served(
    app: Any = None, *, resources: Resources = EMULATED, client: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Caller]:
    """A client of a server before `app`, which answers for its resources."""
    settings = {"confirm": "never", "now": clock(), "state_key": b"k" * 32} | settings
    server = build(Settings(resources, emulator=lambda: app, **settings))
    async with Client(server, cache=None, **(client or {})) as connection:
        yield Caller(connection)


def versioned(version: str, **known: Any) -> Resources:
    """The emulator's resources in an API version, and with whatever else is known of them."""
    changed = tuple(replace(one, api_version=VERSIONS[version], **known) for one in EMULATED.all)
    return replace(EMULATED, all=changed)


def one_resource(endpoint: str, **known: Any) -> Resources:
    """A single resource, reached over the network."""
    known = {"credential": KeyCredential(SecretStr(KEY))} | known
    return Resources((SpeechResource("here", endpoint, **known),), "here", "the test")


def model(**known: Any) -> dict[str, Any]:
    """A custom model as the service shows it."""
    address = f"http://eastus.localhost/speechtotext/models/{ID}?api-version=2025-10-15"
    return {"self": address, "displayName": "Calls", "locale": "en-US", "status": "Succeeded"} | known


Answer = tuple[int, dict[str, str], Any]


class Scripted:
    """A service that answers as told: `answer` gives status, headers and body for each method and path."""

    def __init__(self, answer: Callable[[str, str], Answer]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, str]] = []
        self.times: list[float] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Note the request and answer it."""
        self.asked.append((scope["method"], scope["path"]))
        self.times.append(asyncio.get_running_loop().time())
        status, headers, body = self._answer(scope["method"], scope["path"])
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": content})


class Listener:
    """A raw service on a loopback port: keeps every byte that arrives and answers with the parts it is given."""

    def __init__(self, *parts: bytes, pause: float = 0.0, endless: bool = False) -> None:
        self._parts, self._pause, self._endless = parts, pause, endless
        self.heard = b""
        self.open = 0
        self.ended = asyncio.Event()
        """Set while no connection is open."""
        self.ended.set()
        self.address = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Listener"]:
        """Listen on a port of its own."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self
            await self.ended.wait()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.ended.clear()
        try:
            self.heard += await reader.readuntil(b"\r\n\r\n")
            await self._speak(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has had enough
        writer.close()
        self.open -= 1
        if not self.open:
            self.ended.set()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            for part in self._parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(self._pause)
            if not self._endless or reader.at_eof():
                return
