"""httpx, behind a gate: the one module that touches the network."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import truststore

GATE = 16
"""Requests at once to one resource. The pool is no larger: httpx costs more with every pooled connection."""


class NotSent(Exception):
    """No connection came about."""


class Lost(Exception):
    """The request left and no whole answer came back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Transport:
    """Requests to one endpoint. `app` is an ASGI application that answers in place of the network."""

    def __init__(self, endpoint: str, app: Callable[..., Any] | None = None) -> None:
        self._gate = anyio.CapacityLimiter(GATE)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app) if app else None,
            verify=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if endpoint.startswith("https:") else False,
            trust_env=endpoint.startswith("https:"),
            follow_redirects=False,
            timeout=httpx.Timeout(15, connect=5),
            limits=httpx.Limits(max_connections=GATE, max_keepalive_connections=GATE),
        )

    async def exchange(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Send one request; raises NotSent or Lost where no whole answer came."""
        try:
            async with self._gate:
                answer = await self._client.request(method, url, headers=headers, content=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise NotSent(type(error).__name__) from error
        except httpx.RequestError as error:
            raise Lost(type(error).__name__) from error
        return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)

    async def close(self) -> None:
        """Close the pool."""
        await self._client.aclose()
