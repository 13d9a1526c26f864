"""The transport: httpx with a limit of concurrent requests; the one module that touches the network."""

import json
import re
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx
import truststore

from custom_speech_tools.speech.errors import AnswerLostError, UnreachableError, UnreadableAnswerError
from custom_speech_tools.speech.http_exchange import Answer, Body, Request, StreamedBody

MAX_CONCURRENT = 16  # requests to one resource; httpx costs more with every further connection of its pool
MAX_ANSWER_BYTES = 16 * 1024 * 1024  # the largest page of a list is a thirtieth of it
_LEAST_SECONDS = 15.0  # every request waits so long for its answer, unless its operation ends before

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "custom-speech-mcp"}

# Errors after which the request certainly did not arrive.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


class Transport:
    """Requests to one endpoint, or to an ASGI application that answers; UnreachableError if a proxy is unusable."""

    def __init__(self, endpoint: str, app: Callable[..., Any] | None = None) -> None:
        self._gate = anyio.Semaphore(MAX_CONCURRENT, fast_acquire=True)
        self._proxy = None if app else proxy_of(endpoint)
        self._network = httpx.ASGITransport(app) if app else _network(endpoint, self._proxy)

    async def exchange(self, request: Request, url: str, credential: dict[str, str]) -> Answer:
        """Send one request; raises a SpeechError that says only why no complete answer came."""
        content, headers = _encode(request.body)
        timeout = httpx.Timeout(max(request.seconds, _LEAST_SECONDS), connect=5).as_dict()
        headers = _HEADERS | headers | credential
        sent = httpx.Request(request.method, url, headers=headers, content=content, extensions={"timeout": timeout})
        try:
            async with self._gate:
                return await self._receive(sent)
        except _NOT_SENT as error:
            raise UnreachableError(connection_problem(error, self._proxy)) from error
        except (httpx.RequestError, OSError) as error:
            raise AnswerLostError(type(error).__name__) from error

    async def close(self) -> None:
        """Close the pool."""
        await self._network.aclose()

    async def _receive(self, request: httpx.Request) -> Answer:
        answer, parts, size = await self._network.handle_async_request(request), [], 0
        try:
            async for part in answer.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > MAX_ANSWER_BYTES:
                    raise UnreadableAnswerError("the answer is too large")
        finally:
            await answer.aclose()
        return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, b"".join(parts))


def _encode(body: Body) -> tuple[Any, dict[str, str]]:
    """Return the content of a request and the headers that describe it."""
    match body:
        case None:
            return None, {}
        case StreamedBody():
            return body.parts(), {"Content-Type": body.content_type, "Content-Length": str(body.size)}
        case _:
            return json.dumps(body).encode(), {"Content-Type": "application/json"}


def _network(endpoint: str, proxy: str | None) -> httpx.AsyncHTTPTransport:
    """Return the pool of connections; certificates are checked unless the scheme is http."""
    is_plain = urlsplit(endpoint).scheme.lower() == "http"
    try:
        return httpx.AsyncHTTPTransport(
            verify=False if is_plain else truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            proxy=None if is_plain else proxy,
            limits=httpx.Limits(max_connections=MAX_CONCURRENT, max_keepalive_connections=MAX_CONCURRENT),
        )
    except (httpx.InvalidURL, ValueError, ImportError):  # the address of the proxy may hold a password
        raise UnreachableError("the proxy that the environment names cannot be used") from None


def proxy_of(endpoint: str) -> str | None:
    """Return the proxy that the environment, or the system's settings, name for the endpoint."""
    named = getproxies()
    excepted = [name.strip() for name in named.get("no", "").split(",")]
    if "*" in excepted or proxy_bypass(urlsplit(endpoint).netloc):
        return None
    proxy = named.get("https") or named.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


# Patterns in the chain of errors, and what they mean.
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


def connection_problem(error: BaseException, proxy: str | None) -> str:
    """Return why no connection was made, and the cure if one is known."""
    causes = [error]
    for cause in causes:  # the list grows while it is read
        linked = (cause.__cause__, cause.__context__, *getattr(cause, "exceptions", ()))
        causes += [each for each in linked if each is not None and each not in causes]
    chain = " ".join(f"{type(cause).__name__} {cause}" for cause in causes)
    why = next((why for pattern, why in _CAUSES if re.search(pattern, chain, re.IGNORECASE)), type(error).__name__)
    return f"{why} (a proxy is configured)" if proxy else why
