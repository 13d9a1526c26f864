"""Sessions of the handshake versions behind any load balancer: a session's id says, sealed, which replica holds it.

Protocol 2026-07-28 has no sessions and passes through untouched.
"""

import hashlib
import json
from dataclasses import dataclass

from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from custom_speech_server.http.passing import Passing, gone

SESSION = "mcp-session-id"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session is: the address of its replica and its id there."""

    replica: str
    session: str


class Seal:
    """Turns places into ids that nobody without the key can make or read, and back."""

    def __init__(self, state_key: bytes) -> None:
        self._codec = AESGCMRequestStateCodec([hashlib.sha256(b"session" + state_key).digest()])

    def seal(self, place: Place) -> str:
        """The id that the client gets."""
        return self._codec.seal(json.dumps([place.replica, place.session]).encode())

    def unseal(self, sealed: str) -> Place | None:
        """The place; None for an id that no replica with this key gave."""
        try:
            replica, session = json.loads(self._codec.unseal(sealed))
        except (InvalidRequestState, ValueError):
            return None
        return Place(replica, session)


class Sessions:
    """Serves the sessions of this replica and passes requests of others' on to them."""

    def __init__(self, app: ASGIApp, replica: str, state_key: bytes, passing: Passing) -> None:
        self._app, self._replica, self._seal, self._passing = app, replica, Seal(state_key), passing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        sealed = Headers(scope=scope).get(SESSION)
        place = Place(self._replica, "") if sealed is None else self._seal.unseal(sealed)
        if place is None:
            await gone()(scope, receive, send)
        elif place.replica == self._replica:
            await self._app(_with_session(scope, place.session), receive, self._sealing(send))
        else:
            await self._passing.to(place.replica, scope, receive, send)

    async def close(self) -> None:
        """Close the connections to other replicas."""
        await self._passing.close()

    def _sealing(self, send: Send) -> Send:
        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                if SESSION in headers:
                    headers[SESSION] = self._seal.seal(Place(self._replica, headers[SESSION]))
            await send(message)

        return sealed


def _with_session(scope: Scope, session: str) -> Scope:
    name = SESSION.encode()
    return {**scope, "headers": [(k, session.encode() if k == name else v) for k, v in scope["headers"]]}
