"""The transport of requests: httpx with a limit on concurrent requests; only this module uses the network."""

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

from custom_speech_tools.speech.errors import ResponseLostError, UnreachableError, UnreadableResponseError
from custom_speech_tools.speech.http_messages import Request, Response, StreamedBody

MAX_CONCURRENT = 16  # requests to one resource; every connection in the pool slows httpx down
MAX_RESPONSE_BYTES = 16 * 1024 * 1024  # thirty times the largest page of a list
_MIN_TIMEOUT = 15.0  # seconds, longer than the deadline of most operations, which ends them first

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "custom-speech-mcp"}

# Errors after which the request cannot have arrived.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


class Transport:
    """Connections to an endpoint, or an ASGI application; raises UnreachableError for an unusable proxy setting."""

    def __init__(self, endpoint: str, app: Callable[..., Any] | None = None) -> None:
        self._limiter = anyio.Semaphore(MAX_CONCURRENT, fast_acquire=True)
        self._proxy = None if app else proxy_of(endpoint)
        self._network = httpx.ASGITransport(app) if app else _network(endpoint, self._proxy)

    async def exchange(self, request: Request, url: str, credential: dict[str, str]) -> Response:
        """Send a request once; raises a SpeechError with only the reason if no complete response arrives."""
        content: Any = None
        headers, body = _HEADERS | credential, request.body
        if isinstance(body, StreamedBody):
            content = body.parts()
            headers |= {"Content-Type": body.content_type, "Content-Length": str(body.size)}
        elif body is not None:
            content = json.dumps(body).encode()
            headers |= {"Content-Type": "application/json"}
        timeout = httpx.Timeout(max(request.seconds, _MIN_TIMEOUT), connect=5).as_dict()
        sent = httpx.Request(request.method, url, headers=headers, content=content, extensions={"timeout": timeout})
        try:
            async with self._limiter:
                response, received = await self._network.handle_async_request(sent), bytearray()
                try:
                    async for part in response.aiter_bytes():
                        received += part
                        if len(received) > MAX_RESPONSE_BYTES:
                            raise UnreadableResponseError("the answer is too large")
                finally:
                    await response.aclose()
        except _NOT_SENT as error:
            raise UnreachableError(connection_problem(error, self._proxy)) from error
        except (httpx.RequestError, OSError) as error:
            raise ResponseLostError(type(error).__name__) from error
        return Response(response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(received))

    async def close(self) -> None:
        """Close the connections."""
        await self._network.aclose()


def _network(endpoint: str, proxy: str | None) -> httpx.AsyncHTTPTransport:
    """Return a connection pool, which verifies certificates unless the scheme is http."""
    is_plain = urlsplit(endpoint).scheme.lower() == "http"
    try:
        return httpx.AsyncHTTPTransport(
            verify=False if is_plain else truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            proxy=None if is_plain else proxy,
            limits=httpx.Limits(max_connections=MAX_CONCURRENT, max_keepalive_connections=MAX_CONCURRENT),
        )
    except (httpx.InvalidURL, ValueError, ImportError):  # the proxy URL may contain a password
        raise UnreachableError("the proxy that the environment names cannot be used") from None


def proxy_of(endpoint: str) -> str | None:
    """Return the proxy for the endpoint from the environment or the system settings."""
    named = getproxies()
    excepted = [name.strip() for name in named.get("no", "").split(",")]
    if "*" in excepted or proxy_bypass(urlsplit(endpoint).netloc):
        return None
    proxy = named.get("https") or named.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


# Patterns in a chain of errors, and the problem that they indicate.
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
    """Return why no connection could be established, with the remedy if it is known."""
    causes = [error]
    for cause in causes:  # the loop extends the list
        linked = (cause.__cause__, cause.__context__, *getattr(cause, "exceptions", ()))
        causes += [each for each in linked if each is not None and each not in causes]
    chain = " ".join(f"{type(cause).__name__} {cause}" for cause in causes)
    why = next((why for pattern, why in _CAUSES if re.search(pattern, chain, re.IGNORECASE)), type(error).__name__)
    return f"{why} (a proxy is configured)" if proxy else why
