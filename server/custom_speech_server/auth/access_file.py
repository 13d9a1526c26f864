"""access.toml: the admitted callers. Tokens are read again for every request, so revoking a token needs no restart."""

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
    """A table `[tokens.NAME]`, where NAME is the token's owner."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    scopes: list[Literal["speech.read", "speech.write"]] = Field(default=["speech.read"])
    expires: date | None = None  # the last day on which it is valid, UTC


def digest(token: str) -> str:
    """Return the digest of a token for the file. A token of 256 random bits needs neither a salt nor a slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_table(name: str, token: str, *, write: bool) -> str:
    """Return a table `[tokens.NAME]` as TOML."""
    scopes = '["speech.read", "speech.write"]' if write else '["speech.read"]'
    return f'[tokens.{name}]\nsha256 = "{digest(token)}"\nscopes = {scopes}'


class AccessFile(Section, url_preserve_empty_path=True):
    """The schema of access.toml: either `tokens`, or `oauth` with the server's `public_url`."""

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
    """The token verifier, and the settings for OAuth."""

    verifier: TokenVerifier
    public_url: AnyHttpUrl | None = None  # the address of this server, for OAuth
    issuer: str | None = None  # the authorization server, for OAuth
    scope_prefix: str = ""  # the prefix of advertised scopes, which Entra ID needs
    warnings: tuple[str, ...] = ()  # for the operator


def load(path: Path) -> Access:
    """Return the access settings; raises ConfigurationError, which lists every fault without showing values."""
    content, warnings = parse_toml(path, read_toml_text(path), AccessFile), tuple(exposure_warnings(path))
    if oauth := content.oauth:
        verifier = JWTVerifier(oauth, SigningKeys(partial(fetch_key_set, str(oauth.jwks))))
        return Access(verifier, content.public_url, oauth.issuer, oauth.scope_prefix, warnings)
    return Access(StaticTokenVerifier(path), content.public_url, warnings=warnings)


class StaticTokenVerifier:
    """A TokenVerifier for the tokens in the file. While the file is invalid or missing, every token is rejected."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path, self._now = path, now
        self._text: str | None = None
        self._tokens: Mapping[str, Token] = {}

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the token's owner, or None if the token is unknown or has expired."""
        try:
            text = read_toml_text(self._path)
            # The content is compared instead of the date, which an editor or a volume may leave unchanged.
            if text != self._text:
                self._text, self._tokens = text, {}
                self._tokens = parse_toml(self._path, text, AccessFile).tokens
        except ConfigurationError as error:
            if self._text is not None:
                _log.error("All callers are rejected until this is fixed: %s", error)
            self._text, self._tokens = None, {}
        presented, today = digest(token), self._now().date()
        for name, known in self._tokens.items():
            if secrets.compare_digest(known.sha256, presented) and (known.expires is None or today <= known.expires):
                return AccessToken(token=token, client_id=name, subject=name, scopes=list(known.scopes))
        return None
