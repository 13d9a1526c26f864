"""Credentials by reference: key commands and Microsoft Entra ID."""

import os
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from custom_speech_server import credentials
from custom_speech_server.credentials import ENTRA_SCOPE, MAX_OUTPUT_BYTES, CommandKey, EntraToken
from custom_speech_tools.speech import NoCredentialError

pytestmark = pytest.mark.anyio


def command(source: str) -> CommandKey:
    """Return a key command that runs Python source."""
    return CommandKey("train", [sys.executable, "-c", source])


async def test_key_command_does_not_see_the_state_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOM_SPEECH_STATE_KEY", "s" * 32)

    key = await command("import os; print('hidden' if 'CUSTOM_SPEECH_STATE_KEY' not in os.environ else 'seen')").key()

    assert key.get_secret_value() == "hidden"


async def test_key_command_that_prints_too_much_is_refused() -> None:
    endless = f"import sys, time; sys.stdout.write('k' * {MAX_OUTPUT_BYTES + 1}); sys.stdout.flush(); time.sleep(600)"

    with pytest.raises(NoCredentialError, match="more than 64 KiB"):
        await command(endless).key()


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
async def test_key_command_ends_although_its_child_keeps_the_output_open(tmp_path: Path) -> None:
    """The child is ended with the group."""
    child = tmp_path / "child"
    source = (
        "import subprocess, sys; "
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        f"open({str(child)!r}, 'w').write(str(child.pid)); print('key')"
    )

    assert (await command(source).key()).get_secret_value() == "key"
    with anyio.fail_after(20):
        while is_running(int(child.read_text())):
            await anyio.lowlevel.checkpoint()


def is_running(pid: int) -> bool:
    """Return whether a process runs; one that ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_key_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "COMMAND_SECONDS", 0.2)

    with pytest.raises(NoCredentialError, match="did not end"):
        await command("import time; time.sleep(600)").key()


@pytest.mark.parametrize(
    ("source", "said"),
    [("raise SystemExit(3)", "exit status 3"), ("pass", "printed no key"), ("print('ключ')", "not a key")],
)
async def test_key_command_that_fails_says_why(source: str, said: str) -> None:
    with pytest.raises(NoCredentialError, match=said):
        await CommandKey("train", [sys.executable, "-X", "utf8", "-c", source]).key()


async def test_key_command_that_does_not_exist_is_named_without_its_arguments(tmp_path: Path) -> None:
    with pytest.raises(NoCredentialError) as error:
        await CommandKey("train", [str(tmp_path / "none"), "secret-argument"]).key()

    assert "resource train" in str(error.value)
    assert "secret-argument" not in str(error.value)


class FakeCredential:
    """Stands in for azure.identity.DefaultAzureCredential."""

    asked: list[tuple[str, dict[str, str]]] = []  # noqa: RUF012  # replaced by the fixture
    error: Exception | None = None

    def get_token(self, scope: str, **options: str) -> Any:
        """Return a token, or raise the error."""
        self.asked.append((scope, options))
        if self.error:
            raise self.error
        return SimpleNamespace(token="entra-token", expires_on=time.time() + 3600)


class AuthenticationError(Exception):
    """Stands in for azure.core.exceptions.ClientAuthenticationError."""


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> type[FakeCredential]:
    """Provide modules in the place of the extra `entra`."""
    modules = {name: ModuleType(name) for name in ("azure", "azure.core", "azure.core.exceptions", "azure.identity")}
    modules["azure.core.exceptions"].ClientAuthenticationError = AuthenticationError  # type: ignore[attr-defined]  # a module made here
    modules["azure.identity"].DefaultAzureCredential = FakeCredential  # type: ignore[attr-defined]  # the same
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(FakeCredential, "asked", [])
    monkeypatch.setattr(FakeCredential, "error", None)
    return FakeCredential


async def test_entra_token_is_asked_for_the_service_and_the_tenant(identity: type[FakeCredential]) -> None:
    assert await EntraToken("berlin", "contoso.com").headers() == {"Authorization": "Bearer entra-token"}
    assert await EntraToken("berlin").headers() == {"Authorization": "Bearer entra-token"}
    assert identity.asked == [(ENTRA_SCOPE, {"tenant_id": "contoso.com"}), (ENTRA_SCOPE, {})]


async def test_entra_token_shows_the_credentials_own_reason_on_one_line(
    identity: type[FakeCredential], monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = AuthenticationError("AADSTS50076: multi-factor authentication is required.\nTrace ID: 1\x1b[2J")
    monkeypatch.setattr(identity, "error", reason)

    with pytest.raises(NoCredentialError) as error:
        await EntraToken("berlin").headers()

    assert "AADSTS50076" in str(error.value)
    assert "az login" in str(error.value)
    assert not {"\n", "\x1b"} & set(str(error.value))


async def test_entra_token_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.core.exceptions", None)

    with pytest.raises(NoCredentialError, match=r"custom-speech-mcp\[entra\]"):
        await EntraToken("berlin").headers()


async def test_entra_identity_has_no_key() -> None:
    with pytest.raises(NoCredentialError, match="has no configured key"):
        await EntraToken("berlin").key()
