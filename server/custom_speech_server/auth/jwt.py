"""Tokens of an OAuth authorization server (RFC 9068, and Microsoft Entra ID's): signature, issuer, audience, time."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import anyio
import httpx2
import jwt
from mcp.server.auth.provider import AccessToken
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, field_validator

_log = logging.getLogger(__name__)

LEEWAY_SECONDS = 30
"""How far the clocks of the two servers may be apart."""

KEYS_LIVE_SECONDS = 3600.0
"""How long fetched signing keys are used without looking again."""

KEYS_REST_SECONDS = 30.0
"""The shortest time between two fetches, so that tokens with made-up key ids cause no traffic."""

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a private key only: a shared secret or none can never be accepted."""


_PUBLIC_KEYS = frozenset({"RSA", "EC", "OKP"})

_NO_KEYS = (OSError, ValueError, TypeError, KeyError, RecursionError, httpx2.HTTPError, jwt.PyJWTError)
"""What comes of an issuer that cannot be reached or answers nonsense."""


class Issuer(BaseModel):
    """The table `oauth`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    issuer: str = Field(min_length=1)
    audience: str | list[str] = Field(min_length=1)
    jwks: HttpUrl
    algorithms: list[Algorithm] = Field(default=["RS256"], min_length=1)

    @field_validator("jwks")
    @classmethod
    def _safe(cls, url: HttpUrl) -> HttpUrl:
        if url.scheme != "https" and url.host not in ("127.0.0.1", "localhost", "[::1]"):
            raise ValueError("must be https")
        return url


class SigningKeys:
    """The issuer's keys, fetched when they are first needed and when they may have changed."""

    def __init__(
        self, fetch: Callable[[], Awaitable[str | bytes]], clock: Callable[[], float] = anyio.current_time
    ) -> None:
        self._fetch, self._clock = fetch, clock
        self._turn = anyio.Lock()
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched = float("-inf")

    async def key(self, kid: str | None) -> jwt.PyJWK | None:
        """The key of that id; None where the issuer has none. While one caller looks again, the known keys serve."""
        if kid not in self._keys or not self._turn.locked():
            async with self._turn:
                await self._look(kid)
        return self._keys.get(kid)

    async def _look(self, kid: str | None) -> None:
        age = self._clock() - self._fetched
        if age > KEYS_LIVE_SECONDS or (kid not in self._keys and age > KEYS_REST_SECONDS):
            await self._renew()

    async def _renew(self) -> None:
        self._fetched = self._clock()
        try:
            found = jwt.PyJWKSet(json.loads(await self._fetch())["keys"])
            self._keys = {key.key_id: key for key in found.keys if key.key_type in _PUBLIC_KEYS}
        except _NO_KEYS as error:
            _log.error("The signing keys of the issuer could not be fetched (%s).", type(error).__name__)


class IssuedTokens:
    """The SDK's TokenVerifier over tokens that the issuer signed."""

    def __init__(self, issuer: Issuer, keys: SigningKeys) -> None:
        self._issuer, self._keys = issuer, keys

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who the token is for; None where it is not the issuer's, not for us, or not for now."""
        try:
            key = await self._keys.key(jwt.get_unverified_header(token).get("kid"))
            claims = None if key is None else self._claims(token, key)
        except jwt.PyJWTError as error:
            _log.warning("A token was refused (%s).", type(error).__name__)
            return None
        return access_token(token, claims) if claims and claims["sub"] else None

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=list(self._issuer.algorithms),
            audience=self._issuer.audience,
            issuer=self._issuer.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )


def access_token(token: str, claims: Mapping[str, Any]) -> AccessToken:
    """What the SDK and the audit know of a caller: the subject, which nobody can choose, beside a name to read."""
    subject, name = str(claims["sub"]), claims.get("preferred_username")
    return AccessToken(
        token=token,
        client_id=f"{name} ({subject})" if isinstance(name, str) else subject,
        subject=subject,
        scopes=sorted(scopes(claims)),
        claims={"iss": claims["iss"]},
    )


def scopes(claims: Mapping[str, Any]) -> set[str]:
    """The scopes in `scope` (RFC 9068) or `scp` (Entra ID, for people), else in `roles` (Entra ID, for applications).

    A person's roles add nothing: what the person allowed the client stands in `scp`.
    """
    claim = next((name for name in ("scope", "scp") if name in claims), "roles")
    value = claims.get(claim)
    words = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return {word for word in words if isinstance(word, str)}
