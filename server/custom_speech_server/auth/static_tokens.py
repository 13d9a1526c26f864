"""Static bearer tokens; the file keeps only their digests."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Literal

from mcp.server.auth.provider import AccessToken
from pydantic import BaseModel, ConfigDict, Field


class Token(BaseModel):
    """One table below `tokens`; the name of the table is the name of its bearer."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    scopes: list[Literal["speech.read", "speech.write"]] = ["speech.read"]
    expires: date | None = None  # the last day on which it is valid, UTC


def new_token() -> str:
    """Return a token of 256 random bits; it cannot be guessed, so its digest needs neither salt nor slowness."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return what the file keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_table(name: str, token: str, *, write: bool) -> str:
    """Return the table for the file."""
    scopes = '["speech.read", "speech.write"]' if write else '["speech.read"]'
    return f'[tokens.{name}]\nsha256 = "{digest(token)}"\nscopes = {scopes}'


class StaticTokenVerifier:
    """The SDK's TokenVerifier over the tokens of a file; `read` returns those that it has now."""

    def __init__(
        self, read: Callable[[], Mapping[str, Token]], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._read, self._now = read, now

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the bearer of the token, None if it is unknown or has expired."""
        presented, today = digest(token), self._now().date()
        for name, known in self._read().items():
            if secrets.compare_digest(known.sha256, presented) and (known.expires is None or today <= known.expires):
                return AccessToken(token=token, client_id=name, subject=name, scopes=list(known.scopes))
        return None
