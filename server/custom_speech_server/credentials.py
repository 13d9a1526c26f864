"""Secrets by reference: read when they are needed, and again after the service refused them."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
from pydantic import SecretStr

from custom_speech_tools.speech import NoCredentialError
from custom_speech_tools.speech.credential import KEY_HEADER

COMMAND_SECONDS = 10.0
"""The longest that a command may take to print a key."""

ENTRA_SCOPE = "https://cognitiveservices.azure.com/.default"


class StoredKey:
    """A key that is kept elsewhere; asked for once, and again with `renew`."""

    has_key = True

    def __init__(self, resource: str) -> None:
        self._resource = resource
        self._known: SecretStr | None = None

    async def headers(self, *, renew: bool = False) -> dict[str, str]:
        """The key's header."""
        if renew:
            self._known = None
        return {KEY_HEADER: (await self.key()).get_secret_value()}

    async def key(self) -> SecretStr:
        """The key itself; raises NoCredentialError where what was found could be none."""
        if self._known is None:
            found = await self._fetch()
            if not re.fullmatch(r"[ -~]+", found):
                raise _missing(self._resource, "What was found is no key: empty, or not of plain characters.")
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
            with anyio.fail_after(COMMAND_SECONDS):
                printed = await anyio.run_process(self._command, check=False)
        except (OSError, TimeoutError) as error:
            raise self._failed(type(error).__name__) from None
        key = printed.stdout.decode(errors="replace").strip()
        if printed.returncode or not key:
            raise self._failed(f"exit status {printed.returncode}" if printed.returncode else "it printed no key")
        return key

    def _failed(self, why: str) -> NoCredentialError:
        return _missing(
            self._resource, f"The key command of resource {self._resource} failed ({why}). Run it in a terminal."
        )


class KeyringKey(StoredKey):
    """A key in the system's keyring, under service `custom-speech-mcp`; needs the extra `keyring`."""

    def __init__(self, resource: str, entry: str) -> None:
        super().__init__(resource)
        self._entry = entry

    async def _fetch(self) -> str:
        try:
            import keyring
        except ImportError:
            raise _missing(
                self._resource, "Keys in the keyring need: pip install 'custom-speech-mcp[keyring]'."
            ) from None
        ask = partial(keyring.get_password, "custom-speech-mcp", self._entry)
        key = await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
        if not key:
            command = f"keyring set custom-speech-mcp {self._entry}"
            raise _missing(self._resource, f"The keyring has no key for it. Run: {command}")
        return str(key)


class EntraToken:
    """An identity of Microsoft Entra ID; needs the extra `entra`, a custom domain and a data role."""

    has_key = False

    def __init__(self, resource: str) -> None:
        self._resource = resource
        self._identity: Any = None

    async def headers(self, *, renew: bool = False) -> dict[str, str]:
        """A bearer token, which the identity library keeps and renews."""
        token = await anyio.to_thread.run_sync(self._token, abandon_on_cancel=True)
        return {"Authorization": f"Bearer {token}"}

    async def key(self) -> SecretStr:
        """There is none."""
        raise _missing(self._resource, "It is opened with an identity and has no key.")

    def _token(self) -> str:
        try:
            from azure.core.exceptions import ClientAuthenticationError
            from azure.identity import DefaultAzureCredential
        except ImportError:
            raise _missing(self._resource, "auth = \"entra\" needs: pip install 'custom-speech-mcp[entra]'.") from None
        self._identity = self._identity or DefaultAzureCredential()
        try:
            return str(self._identity.get_token(ENTRA_SCOPE).token)
        except ClientAuthenticationError:
            raise _missing(
                self._resource, f"No Entra identity could open resource {self._resource}. Run: az login"
            ) from None


def _missing(resource: str, message: str) -> NoCredentialError:
    return NoCredentialError(f"Resource {resource} could not be opened. {message}", resource=resource, operation="any")
