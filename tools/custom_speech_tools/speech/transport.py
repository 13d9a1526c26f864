"""The transport: httpx with a limit of concurrent requests; the one module that touches the network."""

import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx
import truststore

from custom_speech_tools.speech.streamed_body import StreamedBody

MAX_CONCURRENT = 16
"""Concurrent requests to one resource. The pool is no larger: httpx costs more with every pooled connection."""

_PART_BYTES = 256 * 1024
"""A larger body is sent in parts of this size."""

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""The largest answer that is read; the largest page of a list is a thirtieth of it."""

_LEAST_SECONDS = 15.0
"""Seconds that every request waits for its answer, unless its operation ends before."""

_SENT = {"Accept-Encoding": "gzip", "User-Agent": "custom-speech-mcp"}
_SHORTEST_SECRET = 8
_MASK = "***"


class NotSent(Exception):  # a state of the exchange, which the pipeline turns into a SpeechError
    """No connection was made; `str()` names the cause."""


class Lost(Exception):  # as above
    """The request was sent and no complete answer came back."""


class TooLarge(Exception):  # as above
    """The answer is larger than any answer of the service."""


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
    """Requests to one endpoint.

    Args:
        app: An ASGI application that answers in place of the network.

    Raises:
        NotSent: The proxy that the environment names cannot be used.
    """

    def __init__(self, endpoint: str, app: Callable[..., Any] | None = None) -> None:
        self._gate = anyio.Semaphore(MAX_CONCURRENT, fast_acquire=True)
        self._proxy = None if app else proxy_of(endpoint)
        self._network = httpx.ASGITransport(app) if app else _network(endpoint)

    async def exchange(
        self, method: str, url: str, headers: dict[str, str], body: bytes | StreamedBody | None, seconds: float
    ) -> Answer:
        """Send one request.

        Args:
            seconds: The longest wait for the answer.

        Raises:
            NotSent: No connection was made.
            Lost: No complete answer came back.
            TooLarge: The answer is too large.
        """
        content: Any = body
        if isinstance(body, StreamedBody):
            headers, content = headers | {"Content-Length": str(body.size)}, body.parts()
        elif body is not None and len(body) > _PART_BYTES:  # asyncio would copy what the socket does not take at once
            headers, content = headers | {"Content-Length": str(len(body))}, _parts(body)
        timeout = httpx.Timeout(max(seconds, _LEAST_SECONDS), connect=5).as_dict()
        request = httpx.Request(method, url, headers=_SENT | headers, content=content, extensions={"timeout": timeout})
        try:
            async with self._gate:
                return await self._answer(request)
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
            httpx.ProxyError,
        ) as error:
            raise NotSent(connection_problem(error, self._proxy)) from error
        except (httpx.RequestError, OSError) as error:
            raise Lost(type(error).__name__) from error

    async def close(self) -> None:
        """Close the pool."""
        await self._network.aclose()

    async def _answer(self, request: httpx.Request) -> Answer:
        answer = await self._network.handle_async_request(request)
        try:
            content = await _read_body(answer)
        finally:
            await answer.aclose()
        return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, content)


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _PART_BYTES):
        yield body[start : start + _PART_BYTES]


def _network(endpoint: str) -> httpx.AsyncHTTPTransport:
    """Return the pool of connections; certificates are checked unless the scheme is http."""
    is_plain = urlsplit(endpoint).scheme.lower() == "http"
    try:
        return httpx.AsyncHTTPTransport(
            verify=False if is_plain else truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            proxy=None if is_plain else proxy_of(endpoint),
            limits=httpx.Limits(max_connections=MAX_CONCURRENT, max_keepalive_connections=MAX_CONCURRENT),
        )
    except (httpx.InvalidURL, ValueError, ImportError):  # the address of the proxy may hold a password
        raise NotSent("the proxy that the environment names cannot be used") from None


def proxy_of(endpoint: str) -> str | None:
    """Return the proxy that the environment, or the system's settings, name for the endpoint."""
    named = getproxies()
    excepted = [name.strip() for name in named.get("no", "").split(",")]
    if "*" in excepted or proxy_bypass(urlsplit(endpoint).netloc):
        return None
    proxy = named.get("https") or named.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


_CAUSES = (
    ("CertVerif|certificate.verify.failed", "its certificate is not trusted; behind a TLS inspecting proxy, set "
     "SSL_CERT_FILE to the proxy's root certificate"),
    ("SSLError|\\[SSL", "TLS failed; the address may not speak https"),
    ("gaierror|name or service|nodename|name resolution", "its host name was not found"),
    ("407|proxy authentication", "the proxy wants credentials: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"),
    ("ProxyError", "the proxy refused the connection"),
    ("refused|all connection attempts failed", "the connection was refused"),
    ("timeout", "no connection was made in time"),
)  # fmt: skip
"""Patterns in the chain of errors, and what they mean."""


def connection_problem(error: BaseException, proxy: str | None) -> str:
    """Return why no connection was made, and the cure where there is one."""
    chain = " ".join(f"{type(cause).__name__} {cause}" for cause in _causes(error))
    why = next((why for pattern, why in _CAUSES if re.search(pattern, chain, re.IGNORECASE)), type(error).__name__)
    return f"{why} (a proxy is configured)" if proxy else why


def _causes(error: BaseException) -> Iterator[BaseException]:
    pending: list[BaseException | None] = [error]
    seen: list[BaseException] = []
    while pending:
        cause = pending.pop(0)
        if cause is not None and all(cause is not other for other in seen):
            seen.append(cause)
            pending += [cause.__cause__, cause.__context__, *getattr(cause, "exceptions", ())]
            yield cause


async def _read_body(answer: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in answer.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise TooLarge
    return b"".join(parts)
