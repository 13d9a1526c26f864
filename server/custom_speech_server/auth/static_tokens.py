"""Bearer tokens of a file, where only their digests stand."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Literal

from mcp.server.auth.provider import AccessToken
from pydantic import BaseModel, ConfigDict, Field

_BYTES = 32


class Token(BaseModel):
    """One table below `tokens`: the name of its bearer is the table's."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    scopes: list[Literal["speech.read", "speech.write"]] = ["speech.read"]
    expires: date | None = None
    """The last day on which it opens anything, UTC."""


def new_token() -> str:
    """A token of 256 random bits; nobody guesses it, so its digest needs no salt and no slowness."""
    return secrets.token_urlsafe(_BYTES)


def digest(token: str) -> str:
    """What stands in the file."""
    return hashlib.sha256(token.encode()).hexdigest()


def entry(name: str, token: str, *, write: bool) -> str:
    """The table for the file."""
    scopes = '["speech.read", "speech.write"]' if write else '["speech.read"]'
    return f'[tokens.{name}]\nsha256 = "{digest(token)}"\nscopes = {scopes}'


class FileTokens:
    """The SDK's TokenVerifier over the tokens of a file. `read` gives what the file holds now."""

    def __init__(
        self, read: Callable[[], Mapping[str, Token]], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._read, self._now = read, now

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who bears the token; None where nobody does or its time is over."""
        presented, today = digest(token), self._now().date()
        for name, known in self._read().items():
            if secrets.compare_digest(known.sha256, presented) and (known.expires is None or today <= known.expires):
                return AccessToken(token=token, client_id=name, subject=name, scopes=list(known.scopes))
        return None
