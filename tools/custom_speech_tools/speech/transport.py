"""httpx, behind a gate: the one module that touches the network."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx
import truststore

GATE = 16
"""Requests at once to one resource. The pool is no larger: httpx costs more with every pooled connection."""

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer that are read; the largest page of a list is a thirtieth of it."""

_TIMEOUT = httpx.Timeout(15, connect=5).as_dict()
_SENT = {"Accept-Encoding": "gzip", "User-Agent": "custom-speech-mcp"}
_SHORTEST_SECRET = 8
_MASK = "***"


class NotSent(Exception):
    """No connection came about."""


class Lost(Exception):
    """The request left and no whole answer came back."""


class TooLarge(Exception):
    """The answer does not end where any answer does."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def without(self, *secrets: str) -> "Answer":
        """Return the answer with every echo of a secret masked, so that nothing that reads it can pass one on."""
        headers, body = self.headers, self.body
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                headers = {name: value.replace(secret, _MASK) for name, value in headers.items()}
                body = body.replace(secret.encode(), _MASK.encode())
        return Answer(self.status, headers, body)


class Transport:
    """Requests to one endpoint; raises NotSent where the proxy on the way to it is none.

    `app` is an ASGI application that answers in place of the network.
    """

    def __init__(self, endpoint: str, app: Callable[..., Any] | None = None) -> None:
        self._gate = anyio.Semaphore(GATE, fast_acquire=True)
        self._network = httpx.ASGITransport(app) if app else _network(endpoint)

    async def exchange(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Send one request; raises NotSent, Lost or TooLarge where no whole answer came."""
        request = httpx.Request(method, url, headers=_SENT | headers, content=body, extensions={"timeout": _TIMEOUT})
        try:
            async with self._gate:
                return await self._answer(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise NotSent(type(error).__name__) from error
        except (httpx.RequestError, OSError) as error:
            raise Lost(type(error).__name__) from error

    async def close(self) -> None:
        """Close the pool."""
        await self._network.aclose()

    async def _answer(self, request: httpx.Request) -> Answer:
        answer = await self._network.handle_async_request(request)
        try:
            content = await _whole(answer)
        finally:
            await answer.aclose()
        return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, content)


def _network(endpoint: str) -> httpx.AsyncHTTPTransport:
    secure = endpoint.startswith("https:")
    try:
        return httpx.AsyncHTTPTransport(
            verify=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if secure else False,
            proxy=proxy_of(endpoint) if secure else None,
            limits=httpx.Limits(max_connections=GATE, max_keepalive_connections=GATE),
        )
    except (httpx.InvalidURL, ValueError, ImportError):  # its address may hold a password
        raise NotSent("the proxy that the environment names cannot be used") from None


def proxy_of(endpoint: str) -> str | None:
    """Return the proxy that the environment, or the system's settings, name for the endpoint."""
    named = getproxies()
    excepted = [name.strip() for name in named.get("no", "").split(",")]
    if "*" in excepted or proxy_bypass(urlsplit(endpoint).netloc):
        return None
    proxy = named.get("https") or named.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


async def _whole(answer: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in answer.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise TooLarge
    return b"".join(parts)
