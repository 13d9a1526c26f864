"""Sessions of the handshake versions, as the SDK keeps them: JSON for those who take only that, room for new ones."""

from collections import Counter
from contextvars import ContextVar

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from custom_speech_server.front import STATELESS_VERSION

SESSION_HEADER = "mcp-session-id"
# True while a request is served whose client takes JSON but no stream of events.
takes_only_json: ContextVar[bool] = ContextVar("takes_only_json", default=False)


class SessionManager(StreamableHTTPSessionManager):
    """The SDK's, which reads for every request and for every session that it opens how to answer."""

    @property
    def json_response(self) -> bool:
        """True if the answer is to be JSON: progress is left out, and users are not asked."""
        return takes_only_json.get()

    @json_response.setter
    def json_response(self, value: bool) -> None:
        """Ignore what the constructor would set for all."""


class IdleSessionEviction:
    """Middleware that ends the session that has been idle longest if more than `limit` are open.

    Many clients never end their sessions. The SDK would refuse every new one until those have been idle for half an
    hour.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit
        self._opened: dict[str, Scope] = {}  # the requests that opened sessions; the least recently used comes first
        self._served: Counter[str] = Counter()  # requests that are being served, listening streams included

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = Headers(scope=scope)
        named = headers.get(SESSION_HEADER)
        opens = named is None and headers.get("mcp-protocol-version") != STATELESS_VERSION
        while opens and len(self._opened) >= self._limit and await self._end_idle_session():
            pass

        async def note(message: Message) -> None:
            is_open = opens and message["type"] == "http.response.start" and message["status"] < 400
            if is_open and (session := MutableHeaders(scope=message).get(SESSION_HEADER)):
                self._opened[session] = scope
            await send(message)

        opened = self._opened.pop(named, None) if named else None
        if named is None or opened is None or scope["method"] == "DELETE":
            await self._app(scope, receive, note)
            return
        self._opened[named] = opened
        self._served[named] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._served[named] -= 1
            self._served += Counter()  # drops what is no longer served

    async def _end_idle_session(self) -> bool:
        """End a session as its client would; return whether there was an idle one."""
        idle = next((session for session in self._opened if not self._served[session]), None)
        if idle is None:
            return False
        opened = self._opened.pop(idle)
        kept = [(name, value) for name, value in opened["headers"] if name in (b"host", b"origin")]
        ended = {**opened, "method": "DELETE", "headers": [*kept, (SESSION_HEADER.encode(), idle.encode())]}

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def ignore(message: Message) -> None:
            """Nobody waits for the answer."""

        await self._app(ended, receive, ignore)
        return True
