"""Credentials: what authorizes a request."""

from typing import Protocol

from pydantic import SecretStr

KEY_HEADER = "Ocp-Apim-Subscription-Key"


class Credential(Protocol):
    """Authorizes requests to one resource."""

    has_key: bool
    """True if a key authorizes requests, rather than a token of Entra ID."""

    async def headers(self, *, renew: bool = False) -> dict[str, str]:
        """Return the headers of one request.

        Args:
            renew: The service answered 401 to the headers returned before.

        Raises:
            NoCredentialError: The key or token could not be obtained.
        """
        ...

    async def key(self) -> SecretStr:
        """Return the resource's key; only called where `has_key` is true."""
        ...


class KeyCredential:
    """A constant key."""

    has_key = True

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    async def headers(self, *, renew: bool = False) -> dict[str, str]:  # noqa: ARG002  # a constant key
        """Return the header with the key."""
        return {KEY_HEADER: self._key.get_secret_value()}

    async def key(self) -> SecretStr:
        """Return the key."""
        return self._key
