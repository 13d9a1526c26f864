"""Credentials by reference: keys and tokens are read on demand, and again after the service has rejected them."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import anyio
from pydantic import SecretStr

from custom_speech_server.config_source import without_keys
from custom_speech_server.external_command import CommandError, run_command
from custom_speech_tools.speech import NoCredentialError
from custom_speech_tools.speech.resource import KEY_HEADER
from custom_speech_tools.speech.sanitize import sanitize

KeySource = TypeVar("KeySource")  # a function, a command or a name in the keyring

COMMAND_SECONDS = 20.0  # `az` takes up to ten seconds to print a key on a busy machine
MAX_OUTPUT_BYTES = 64 * 1024
ENTRA_SCOPE = "https://cognitiveservices.azure.com/.default"


class StoredKey(ABC, Generic[KeySource]):
    """A key stored outside the configuration. It is cached until `headers` is called with `renew`."""

    has_key = True
    origin: str

    def __init__(self, resource: str, source: KeySource) -> None:
        self.resource, self._source = resource, source
        self._cached: SecretStr | None = None

    async def headers(self, *, renew: bool = False) -> dict[str, str]:
        """Return the header that contains the key."""
        if renew:
            self._cached = None
        return {KEY_HEADER: (await self.key()).get_secret_value()}

    async def key(self) -> SecretStr:
        """Return the key; raises NoCredentialError if it is missing or malformed."""
        if self._cached is None:
            key = await self._fetch()
            if not re.fullmatch(r"[ -~]+", key):
                raise _no_credential(self.resource, "Its value is not a key: it is empty or not plain ASCII.")
            self._cached = SecretStr(key)
        return self._cached

    @abstractmethod
    async def _fetch(self) -> str: ...


class EnvironmentKey(StoredKey[Callable[[], str]]):
    """A key from an environment variable. Its source is a function that returns the variable."""

    origin = "from a variable"

    async def _fetch(self) -> str:
        return self._source().strip()


class CommandKey(StoredKey[list[str]]):
    """A key printed by a command."""

    origin = "from a command"

    async def _fetch(self) -> str:
        try:
            result = await run_command(self._source, seconds=COMMAND_SECONDS, max_bytes=MAX_OUTPUT_BYTES)
            key = result.output.decode(errors="replace").strip()
            if key and not result.status:
                return key
            why = f"exit status {result.status}" if result.status else "it printed no key"
        except CommandError as error:
            why = str(error)
        raise _no_credential(self.resource, f"Its key command failed ({why}). Run it in a terminal.")


class KeyringKey(StoredKey[str]):
    """A key in the system keyring, service `custom-speech-mcp`. Requires the extra `keyring`."""

    origin = "from the keyring"

    async def _fetch(self) -> str:
        try:
            import keyring
        except ImportError:
            needed = "Reading the keyring requires: pip install 'custom-speech-mcp[keyring]'."
            raise _no_credential(self.resource, needed) from None
        ask = partial(keyring.get_password, "custom-speech-mcp", self._source)
        key = await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
        if not key:
            missing = f"The keyring has no key for it. Run: keyring set custom-speech-mcp {self._source}"
            raise _no_credential(self.resource, without_keys(missing))
        return str(key)


@dataclass(eq=False, repr=False)
class EntraToken:
    """A Microsoft Entra ID token. Requires the extra `entra`, a custom domain and a data-plane role."""

    resource: str
    tenant: str | None = None
    has_key = False
    origin = "none: signs in with Microsoft Entra ID"
    _identity: Any = field(default=None, init=False)

    async def headers(self, *, renew: bool = False) -> dict[str, str]:  # noqa: ARG002  # the identity library renews
        """Return the Authorization header. The identity library caches and renews the token."""
        token = await anyio.to_thread.run_sync(self._token, abandon_on_cancel=True)
        return {"Authorization": f"Bearer {token}"}

    async def key(self) -> SecretStr:
        """Raise NoCredentialError, because the configuration has no key for the resource."""
        raise _no_credential(self.resource, "It signs in with Entra ID and has no configured key.")

    def _token(self) -> str:
        try:
            from azure.core.exceptions import ClientAuthenticationError
            from azure.identity import DefaultAzureCredential
        except ImportError:
            needed = "auth = \"entra\" requires: pip install 'custom-speech-mcp[entra]'."
            raise _no_credential(self.resource, needed) from None
        tenant = {"tenant_id": self.tenant} if self.tenant else {}
        try:
            self._identity = self._identity or DefaultAzureCredential()
            return str(self._identity.get_token(ENTRA_SCOPE, **tenant).token)
        except (ClientAuthenticationError, ValueError) as error:
            message = f"No Entra identity was accepted for it: {sanitize(str(error), 300)} Sign in with: az login"
            raise _no_credential(self.resource, message) from None


def _no_credential(resource: str, message: str) -> NoCredentialError:
    return NoCredentialError(f"The credential of resource {resource} is not available. {message}")
