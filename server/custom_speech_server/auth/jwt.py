"""OAuth access tokens (RFC 9068 and Microsoft Entra ID): signature, issuer, audience and lifetime."""

import json
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import anyio
import httpx2
import jwt
import truststore
from mcp.server.auth.provider import AccessToken
from pydantic import Field, HttpUrl, field_validator

from custom_speech_server.toml_file import Section
from custom_speech_tools.speech.sanitize import sanitize

_log = logging.getLogger(__name__)

LEEWAY_SECONDS = 30  # the largest accepted difference between the clocks of the two servers
KEYS_FRESH_SECONDS = 3600.0  # after which signing keys are fetched again
MIN_FETCH_INTERVAL = 30.0  # seconds between two fetches, so that tokens with made-up key ids cause no traffic
FETCH_SECONDS = 5.0  # the longest time for fetching the issuer's keys
MAX_KEY_SET_BYTES = 256 * 1024  # of the issuer's response

# Algorithms with a private key only: a shared secret, or no signature, is never accepted.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_PUBLIC_KEYS = frozenset({"RSA", "EC", "OKP"})

# The errors if the issuer cannot be reached, or its response is not a key set.
_FETCH_ERRORS = (OSError, ValueError, TypeError, KeyError, RecursionError, httpx2.HTTPError, jwt.PyJWTError)


class Issuer(Section):
    """The table `oauth` of access.toml."""

    issuer: str = Field(min_length=1)
    audience: str | list[str] = Field(min_length=1)
    jwks: HttpUrl
    algorithms: list[Algorithm] = Field(default=["RS256"], min_length=1)
    # The prefix of advertised scopes, such as `api://<application id>/`: Entra ID takes short scopes for its own.
    scope_prefix: str = Field(default="", pattern=r"^([a-z][a-z0-9+.-]*://[^\s\"<>]+/)?$")

    @field_validator("jwks")
    @classmethod
    def _is_https(cls, url: HttpUrl) -> HttpUrl:
        if url.scheme != "https" and url.host not in ("127.0.0.1", "localhost", "[::1]"):
            raise ValueError("must be https")
        return url


class SigningKeys:
    """The issuer's signing keys, fetched on first use and again if they may have changed."""

    def __init__(self, fetch: Callable[[], Awaitable[bytes]], clock: Callable[[], float] = anyio.current_time) -> None:
        self._fetch, self._clock, self._lock = fetch, clock, anyio.Lock()
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched = float("-inf")

    async def key(self, kid: str | None) -> jwt.PyJWK | None:
        """Return the key with that id, or None. While keys are fetched, known keys are returned without waiting."""
        if kid not in self._keys or not self._lock.locked():
            async with self._lock:
                age = self._clock() - self._fetched
                if age > KEYS_FRESH_SECONDS or (kid not in self._keys and age > MIN_FETCH_INTERVAL):
                    self._fetched = self._clock()
                    try:
                        found = jwt.PyJWKSet(json.loads(await self._fetch())["keys"])
                        self._keys = {key.key_id: key for key in found.keys if key.key_type in _PUBLIC_KEYS}
                    except _FETCH_ERRORS as error:
                        _log.error("The signing keys of the issuer could not be fetched (%s).", type(error).__name__)
        return self._keys.get(kid)


async def fetch_key_set(url: str) -> bytes:
    """Fetch the issuer's key set; raises TimeoutError, httpx2.HTTPError, or ValueError if it is too long."""
    content, trusted = b"", truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with anyio.fail_after(FETCH_SECONDS):
        async with httpx2.AsyncClient(verify=trusted) as client, client.stream("GET", url) as answer:
            async for part in answer.raise_for_status().aiter_bytes():
                content += part
                if len(content) > MAX_KEY_SET_BYTES:
                    raise ValueError("the key set is too long")
    return content


@dataclass(frozen=True, slots=True)
class JWTVerifier:
    """A TokenVerifier for JSON Web Tokens of the issuer."""

    issuer: Issuer
    keys: SigningKeys

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the caller, or None if the token has another issuer or audience, or is not valid now."""
        try:
            key = await self.keys.key(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=list(self.issuer.algorithms),
                audience=self.issuer.audience,
                issuer=self.issuer.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            _log.warning("A token was refused (%s): %s", type(error).__name__, self._reason(token, error))
            return None
        return access_token(token, claims, self.issuer.scope_prefix) if claims["sub"] else None

    def _reason(self, token: str, error: jwt.PyJWTError) -> str:
        """Return the reason of a rejection for the operator, without personal claims."""
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return "it is not a JSON Web Token."
        if isinstance(error, jwt.MissingRequiredClaimError):
            named = sanitize(", ".join(sorted(claims)), 300)
            return f"it has no claim {error.claim}; it has {named}. See docs/deploy.md."
        if isinstance(error, jwt.InvalidAudienceError | jwt.InvalidIssuerError):
            came = f"aud {sanitize(str(claims.get('aud')), 200)}, iss {sanitize(str(claims.get('iss')), 200)}"
            return f"it has {came}; access.toml names aud {self.issuer.audience}, iss {self.issuer.issuer}."
        return sanitize(str(error))


def access_token(token: str, claims: Mapping[str, Any], scope_prefix: str = "") -> AccessToken:
    """Return the caller as an AccessToken, whose client id is a readable name for the audit log."""
    subject, name = str(claims["sub"]), claims.get("preferred_username")
    return AccessToken(
        token=token,
        client_id=f"{name} ({subject})" if isinstance(name, str) else subject,
        subject=subject,
        # Amazon Cognito includes the prefix in tokens.
        scopes=sorted(scope.removeprefix(scope_prefix) for scope in scopes(claims)),
        claims={"iss": claims["iss"]},
    )


def scopes(claims: Mapping[str, Any]) -> set[str]:
    """Return a token's scopes from `scope` (RFC 9068), `scp` (Entra ID, users) or `roles` (Entra ID, applications).

    A user's roles are ignored, because `scp` contains the scopes that the user granted to the client.
    """
    claim = next((name for name in ("scope", "scp") if name in claims), "roles")
    value = claims.get(claim)
    words = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return {word for word in words if isinstance(word, str)}
