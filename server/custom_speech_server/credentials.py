"""Credentials by reference: keys and tokens are read when they are needed, and again after the service refused them."""

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

KeySource = TypeVar("KeySource")  # from which a key is fetched

COMMAND_SECONDS = 20.0  # `az` takes up to ten seconds to print a key on a busy machine
MAX_OUTPUT_BYTES = 64 * 1024
ENTRA_SCOPE = "https://cognitiveservices.azure.com/.default"


class StoredKey(ABC, Generic[KeySource]):
    """A key that is kept elsewhere; it is fetched once, and again with `renew`."""

    has_key = True

    def __init__(self, resource: str, source: KeySource) -> None:
        self.resource, self._source = resource, source
        self._known: SecretStr | None = None

    async def headers(self, *, renew: bool = False) -> dict[str, str]:
        """Return the header with the key."""
        if renew:
            self._known = None
        return {KEY_HEADER: (await self.key()).get_secret_value()}

    async def key(self) -> SecretStr:
        """Return the key, or raise NoCredentialError if there is none or what was found cannot be a key."""
        if self._known is None:
            found = await self._fetch()
            if not re.fullmatch(r"[ -~]+", found):
                raise _no_credential(self.resource, "What was found is not a key: it is empty or not plain ASCII.")
            self._known = SecretStr(found)
        return self._known

    @abstractmethod
    async def _fetch(self) -> str: ...


class EnvironmentKey(StoredKey[Callable[[], str]]):
    """A key in an environment variable, which a function reads."""

    async def _fetch(self) -> str:
        return self._source().strip()


class CommandKey(StoredKey[list[str]]):
    """A key that a command prints."""

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
    """A key in the system's keyring, under service `custom-speech-mcp`; needs the extra `keyring`."""

    async def _fetch(self) -> str:
        try:
            import keyring
        except ImportError:
            needed = "Keys in the keyring need: pip install 'custom-speech-mcp[keyring]'."
            raise _no_credential(self.resource, needed) from None
        ask = partial(keyring.get_password, "custom-speech-mcp", self._source)
        key = await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
        if not key:
            missing = f"The keyring has no key for it. Run: keyring set custom-speech-mcp {self._source}"
            raise _no_credential(self.resource, without_keys(missing))
        return str(key)


@dataclass(eq=False, repr=False)
class EntraToken:
    """A token of Microsoft Entra ID; needs the extra `entra`, a custom domain and a data role."""

    resource: str
    tenant: str | None = None
    has_key = False
    _identity: Any = field(default=None, init=False)

    async def headers(self, *, renew: bool = False) -> dict[str, str]:  # noqa: ARG002  # the identity library renews
        """Return the header with a token, which the identity library keeps and renews."""
        token = await anyio.to_thread.run_sync(self._token, abandon_on_cancel=True)
        return {"Authorization": f"Bearer {token}"}

    async def key(self) -> SecretStr:
        """Raise NoCredentialError: such a resource has no key here."""
        raise _no_credential(self.resource, "It is used with an identity and has no key.")

    def _token(self) -> str:
        try:
            from azure.core.exceptions import ClientAuthenticationError
            from azure.identity import DefaultAzureCredential
        except ImportError:
            needed = "auth = \"entra\" needs: pip install 'custom-speech-mcp[entra]'."
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
