"""How a request proves who sends it."""

from typing import Protocol

from pydantic import SecretStr

KEY_HEADER = "Ocp-Apim-Subscription-Key"


class Credential(Protocol):
    """Gives the headers that authorize a request; asked anew with `renew` after the service answered 401."""

    has_key: bool
    """Whether the resource is opened with a key rather than with an identity."""

    async def headers(self, *, renew: bool = False) -> dict[str, str]:
        """The headers of one request."""
        ...

    async def key(self) -> SecretStr:
        """The resource's key; asked only where `has_key`."""
        ...


class KeyCredential:
    """A key that is known and does not change."""

    has_key = True

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    async def headers(self, *, renew: bool = False) -> dict[str, str]:
        """The key's header; renewing changes nothing."""
        return {KEY_HEADER: self._key.get_secret_value()}

    async def key(self) -> SecretStr:
        """The key itself."""
        return self._key
