"""access.toml: who may call. It is read for every request, so that a token can be revoked without a restart."""

import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import pydantic
from mcp.server.auth.provider import AccessToken, TokenVerifier
from pydantic import AnyHttpUrl, Field

from custom_speech_server.auth.jwt import Issuer, JWTVerifier, SigningKeys, fetch_key_set
from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.toml_file import Section, exposure_warnings, parse_toml, read_toml_text

_log = logging.getLogger(__name__)


class Token(Section):
    """One table below `tokens`; the name of the table is the name of its bearer."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    scopes: list[Literal["speech.read", "speech.write"]] = Field(default=["speech.read"])
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


class AccessFile(Section, url_preserve_empty_path=True):
    """The whole file: either `tokens`, or `oauth` with the `public_url` that clients use."""

    public_url: AnyHttpUrl | None = None
    tokens: dict[str, Token] = Field(default={})
    oauth: Issuer | None = None

    @pydantic.model_validator(mode="after")
    def _has_one_kind(self) -> "AccessFile":
        if bool(self.tokens) == bool(self.oauth):
            raise ValueError("needs either tokens or oauth")
        if self.oauth and not self.public_url:
            raise ValueError("oauth needs public_url, such as https://speech.contoso.com/mcp")
        return self


@dataclass(frozen=True, slots=True)
class Access:
    """The callers that are admitted."""

    verifier: TokenVerifier
    public_url: AnyHttpUrl | None = None  # the address of this server, for OAuth
    issuer: str | None = None  # the authorization server, for OAuth
    scope_prefix: str = ""  # before the scopes that are advertised, as Entra ID needs it
    warnings: tuple[str, ...] = ()  # what the operator should fix


def load(path: Path) -> Access:
    """Return who may call, or raise ConfigurationError with every fault of the file, and no value."""
    content, warnings = parse_toml(path, read_toml_text(path), AccessFile), tuple(exposure_warnings(path))
    if oauth := content.oauth:
        verifier = JWTVerifier(oauth, SigningKeys(partial(fetch_key_set, str(oauth.jwks))))
        return Access(verifier, content.public_url, oauth.issuer, oauth.scope_prefix, warnings)
    return Access(StaticTokenVerifier(path), content.public_url, warnings=warnings)


class StaticTokenVerifier:
    """The SDK's TokenVerifier over the tokens that a file has now; while it is wrong or missing, none counts."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path, self._now = path, now
        self._text: str | None = None
        self._tokens: Mapping[str, Token] = {}

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the bearer of the token, None if it is unknown or has expired."""
        self._read()
        presented, today = digest(token), self._now().date()
        for name, known in self._tokens.items():
            if secrets.compare_digest(known.sha256, presented) and (known.expires is None or today <= known.expires):
                return AccessToken(token=token, client_id=name, subject=name, scopes=list(known.scopes))
        return None

    def _read(self) -> None:
        try:
            text = read_toml_text(self._path)
            # Not the date is compared: an editor or a volume can change a file without changing that.
            if text != self._text:
                self._text, self._tokens = text, {}
                self._tokens = parse_toml(self._path, text, AccessFile).tokens
        except ConfigurationError as error:
            if self._text is not None:
                _log.error("Nobody can call until this is fixed: %s", error)
            self._text, self._tokens = None, {}
