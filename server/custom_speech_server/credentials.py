"""Credentials by reference: keys and tokens are read when they are needed, and again after the service refused them."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
from pydantic import SecretStr

from custom_speech_server.external_command import CommandError, run_command
from custom_speech_server.toml_file import may_be_key
from custom_speech_tools.speech import NoCredentialError
from custom_speech_tools.speech.resource import KEY_HEADER
from custom_speech_tools.speech.sanitize import sanitize

COMMAND_SECONDS = 20.0
"""The longest that a command may take to print a key; `az` takes up to ten seconds on a busy machine."""

MAX_OUTPUT_BYTES = 64 * 1024
"""The most that a command may print."""

ENTRA_SCOPE = "https://cognitiveservices.azure.com/.default"


class StoredKey:
    """A key that is kept elsewhere; it is fetched once, and again with `renew`."""

    has_key = True

    def __init__(self, resource: str) -> None:
        self._resource = resource
        self._known: SecretStr | None = None

    async def headers(self, *, renew: bool = False) -> dict[str, str]:
        """Return the header with the key."""
        if renew:
            self._known = None
        return {KEY_HEADER: (await self.key()).get_secret_value()}

    async def key(self) -> SecretStr:
        """Return the key.

        Raises:
            NoCredentialError: There is none, or what was found cannot be a key.
        """
        if self._known is None:
            found = await self._fetch()
            if not re.fullmatch(r"[ -~]+", found):
                raise _no_credential(self._resource, "What was found is not a key: it is empty or not plain ASCII.")
            self._known = SecretStr(found)
        return self._known

    async def _fetch(self) -> str:
        raise NotImplementedError


class EnvironmentKey(StoredKey):
    """A key in an environment variable, which `read` reads."""

    def __init__(self, resource: str, read: Callable[[], str]) -> None:
        super().__init__(resource)
        self._read = read

    async def _fetch(self) -> str:
        return self._read().strip()


class CommandKey(StoredKey):
    """A key that a command prints."""

    def __init__(self, resource: str, command: list[str]) -> None:
        super().__init__(resource)
        self._command = command

    async def _fetch(self) -> str:
        try:
            result = await run_command(self._command, seconds=COMMAND_SECONDS, max_bytes=MAX_OUTPUT_BYTES)
        except CommandError as error:
            raise self._failed(str(error)) from None
        key = result.output.decode(errors="replace").strip()
        if result.status or not key:
            raise self._failed(f"exit status {result.status}" if result.status else "it printed no key")
        return key

    def _failed(self, why: str) -> NoCredentialError:
        message = f"The key command of resource {self._resource} failed ({why}). Run it in a terminal."
        return _no_credential(self._resource, message)


class KeyringKey(StoredKey):
    """A key in the system's keyring, under service `custom-speech-mcp`; needs the extra `keyring`."""

    def __init__(self, resource: str, entry: str) -> None:
        super().__init__(resource)
        self._entry = entry

    async def _fetch(self) -> str:
        try:
            import keyring
        except ImportError:
            needed = "Keys in the keyring need: pip install 'custom-speech-mcp[keyring]'."
            raise _no_credential(self._resource, needed) from None
        ask = partial(keyring.get_password, "custom-speech-mcp", self._entry)
        key = await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
        if not key:
            entry = "ENTRY" if may_be_key(self._entry) else self._entry  # the key itself, in place of its name
            command = f"keyring set custom-speech-mcp {entry}"
            raise _no_credential(self._resource, f"The keyring has no key for it. Run: {command}")
        return str(key)


class EntraToken:
    """A token of Microsoft Entra ID; needs the extra `entra`, a custom domain and a data role."""

    has_key = False

    def __init__(self, resource: str, tenant: str | None = None) -> None:
        self._resource, self._tenant = resource, tenant
        self._identity: Any = None

    async def headers(self, *, renew: bool = False) -> dict[str, str]:  # noqa: ARG002  # the identity library renews
        """Return the header with a token, which the identity library keeps and renews."""
        token = await anyio.to_thread.run_sync(self._token, abandon_on_cancel=True)
        return {"Authorization": f"Bearer {token}"}

    async def key(self) -> SecretStr:
        """Raise NoCredentialError: such a resource has no key here."""
        raise _no_credential(self._resource, "It is used with an identity and has no key.")

    def _token(self) -> str:
        try:
            from azure.core.exceptions import ClientAuthenticationError
            from azure.identity import DefaultAzureCredential
        except ImportError:
            needed = "auth = \"entra\" needs: pip install 'custom-speech-mcp[entra]'."
            raise _no_credential(self._resource, needed) from None
        tenant = {"tenant_id": self._tenant} if self._tenant else {}
        try:
            self._identity = self._identity or DefaultAzureCredential()
            return str(self._identity.get_token(ENTRA_SCOPE, **tenant).token)
        except (ClientAuthenticationError, ValueError) as error:
            reason = sanitize(str(error).replace(self._tenant or "\0", "***"), 300)
            message = f"No Entra identity was accepted for it: {reason} Sign in with: az login"
            raise _no_credential(self._resource, message) from None


def _no_credential(resource: str, message: str) -> NoCredentialError:
    text = f"The credential of resource {resource} is not available. {message}"
    return NoCredentialError(text)
