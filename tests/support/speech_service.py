"""The service as tests see it: the emulator behind the server, with its log, its clock and its specification."""

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from custom_speech_emulator import emulator
from support.specification import specifications

Scope = MutableMapping[str, Any]


class Azure:
    """A fresh emulator. Every exchange is checked against the published specification where that is at hand."""

    def __init__(self, training: str = "reads:2", app: Any = None) -> None:
        self.app = app or emulator(training=training)
        self.violations: list[str] = []
        folder = os.environ.get("AZURE_SPEECH_SPECS")
        self._specifications = specifications(Path(folder)) if folder else None

    async def __call__(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
        """Answer as the emulator does, and look at what was asked and answered."""
        asked: list[bytes] = []
        answered: list[Any] = []

        async def hear() -> Any:
            message = await receive()
            asked.append(message.get("body", b""))
            return message

        async def say(message: Any) -> None:
            answered.append(message)
            await send(message)

        await self.app(scope, hear, say)
        if self._specifications and not scope["path"].startswith("/_emulator"):
            body = b"".join(message.get("body", b"") for message in answered[1:])
            query = scope["query_string"].decode()
            exchange = (scope["method"], scope["path"], query, b"".join(asked), answered[0]["status"], body)
            self.violations += self._specifications.violations(*exchange)

    async def requests(self) -> list[dict[str, Any]]:
        """What arrived so far."""
        return list(await self._control("GET", "requests"))

    async def operations(self) -> list[str]:
        """The operations that were asked for, in order."""
        return [request["operation"] for request in await self.requests()]

    async def writes(self) -> list[str]:
        """The requests that change something, copy authorizations aside: those create nothing."""
        return [
            request["operation"]
            for request in await self.requests()
            if request["method"] != "GET" and request["operation"] != "Models_AuthorizeCopy"
        ]

    async def forget(self) -> None:
        """Empty the log."""
        await self._control("DELETE", "requests")

    async def advance(self, by: timedelta) -> None:
        """Move the clock of the service."""
        await self._control("POST", "clock", {"advance_seconds": by.total_seconds()})

    async def fail(self, *rules: dict[str, Any]) -> None:
        """Let requests fail by the emulator's fault rules, instead of those before."""
        await self._control("PUT", "faults", list(rules))

    async def finish(self, entity: str, status: str, error: dict[str, str] | None = None) -> None:
        """End what is running."""
        await self._control("POST", "finish", {"id": entity, "status": status} | ({"error": error} if error else {}))

    async def ask(
        self, method: str, path: str, body: Any = None, *, region: str = "eastus", query: str = "api-version=2025-10-15"
    ) -> httpx.Response:
        """A request of somebody else's, as with curl."""
        headers = {"Ocp-Apim-Subscription-Key": f"emulator-{region}-key"}
        url = f"http://{region}.localhost{path}" + (f"?{query}" if query else "")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self)) as client:
            return await client.request(method, url, headers=headers, json=body)

    async def _control(self, method: str, route: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as client:
            content = None if body is None else json.dumps(body)
            answer = await client.request(method, f"http://localhost/_emulator/{route}", content=content)
            answer.raise_for_status()
            return answer.json() if answer.content else None
