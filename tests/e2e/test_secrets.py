"""A key is seen nowhere …

The fault matrix looks for canary keys in every result, progress message, log, stdout, stderr and audit of a
thousand runs (test_fault_matrix); here is what its faults cannot do.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from custom_speech_server.__main__ import create_parser, main, parse
from custom_speech_server.app import Settings
from custom_speech_server.audit_log import AuditFile
from custom_speech_server.commands import COMMANDS
from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.credentials import CommandKey, EnvironmentKey, KeyringKey
from custom_speech_server.resource_config import EMULATED, Resources, from_file
from custom_speech_tools.runtime.agreements import ConfirmationPolicy
from custom_speech_tools.speech import (
    AzureError,
    KeyCredential,
    NoCredentialError,
    RequestPipeline,
    Speech,
    SpeechError,
    SpeechResource,
)
from custom_speech_tools.speech.http_messages import Response as Received
from e2e.fault_matrix import visible_elsewhere
from support.scripted_service import ID, KEY, Answer, Listener, Scripted, model, one_resource, served, versioned
from support.virtual_time import BACKEND

pytestmark = pytest.mark.anyio

OTHER = "canary-of-another-0123456789"
WRITING = {"display_name": "A", "locale": "en-US", "datasets": ["B"]}


@pytest.fixture
def anyio_backend() -> Any:
    """Virtual time."""
    return BACKEND


def here(credential: Any = None) -> Resources:
    """One resource without an address."""
    return one_resource("http://eastus.localhost", credential=credential or KeyCredential(SecretStr(KEY)))


def everywhere(key: str) -> Iterator[Answer]:
    """Answers of a service that repeats a key wherever there is text."""
    said = {"code": key, "message": f"Key {key} is wrong", "innerError": {"code": key, "message": f"The key is {key}."}}
    yield 400, {"Retry-After": key}, said
    yield 401, {"WWW-Authenticate": key}, said
    yield 500, {}, said
    yield 200, {}, key.encode()
    yield 200, {}, {"values": [{"self": key}]}
    yield 200, {}, {"values": [model(displayName=key, status=key, locale=key, description=key)]}
    yield 200, {}, {"values": [], "@nextLink": f"https://{key}.example/?{key}"}


@pytest.mark.parametrize("answer", list(everywhere(KEY)), ids=lambda answer: str(answer[0]))
@pytest.mark.parametrize("tool", ["list_models", "list_base_models", "get_model", "create_model"])
async def test_key_is_not_exposed_when_the_service_repeats_it(answer: Answer, tool: str, tmp_path: Path) -> None:
    """In a refusal, a header, a name, a link: the client masks what it has sent before anything else reads it."""
    arguments = {"list_base_models": {"locale": "en-US"}, "get_model": {"model": "A"}, "create_model": WRITING}
    audit, said = AuditFile(tmp_path / "audit.jsonl"), []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        said.append(str(message))

    service = Scripted(lambda method, path: answer)
    with visible_elsewhere() as elsewhere:
        async with served(service, resources=in_process(here()), audit=audit) as call:
            result = await call.client.call_tool(tool, arguments.get(tool, {}), progress_callback=progress)
    kept = audit.path.read_text("utf-8") if audit.path.exists() else ""

    assert service.asked
    assert KEY not in "".join([result.model_dump_json(), kept, *said, *elsewhere()])


def in_process(resources: Resources) -> Resources:
    """The same, answered for by an application in this process."""
    return Resources(resources.all, resources.default, "the test", in_process=True)


async def test_key_is_not_exposed_when_it_is_handed_on_with_a_copy() -> None:
    """In the article's form of v3.2 the target's key stands in the request; an answer that repeats it is masked."""
    target = "emulator-westeurope-key"
    refusal = {"code": "InvalidSubscription", "message": f"The target key {target} is not valid."}

    def answer(method: str, path: str) -> Answer:
        if method == "GET" and path.endswith("/models"):
            return 200, {}, {"values": []}
        return (200, {}, model()) if method == "GET" else (400, {}, refusal)

    with visible_elsewhere() as elsewhere:
        async with served(Scripted(answer), resources=versioned("v3.2", resource_id=None)) as call:
            said = await call.refusal("copy_model", model=ID, to_resource="emulator-westeurope")

    assert "The target key *** is not valid." in said
    assert target not in "".join([said, *elsewhere()])


async def test_key_is_not_exposed_when_it_goes_over_a_wire() -> None:
    """At the most talkative level of httpx, httpcore and asyncio."""
    with visible_elsewhere() as elsewhere:
        async with (
            Listener(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").listening() as service,
            served(resources=one_resource(service.address)) as call,
        ):
            await call.refusal("list_models")

    assert KEY.encode() in service.heard
    assert "httpcore" in {name.partition(".")[0] for name in logging.root.manager.loggerDict}
    assert KEY not in "".join(elsewhere())


@pytest.mark.parametrize("kind", [AzureError, SpeechError])
async def test_key_is_not_exposed_in_the_traceback_of_an_error(kind: type[Exception]) -> None:
    """Of whatever reaches the outside, with everything that it was caused by."""
    speech = Speech(
        RequestPipeline(here().all[0], lambda: Scripted(lambda method, path: (401, {}, {"message": f"Bad {KEY}"})))
    )

    with pytest.raises(kind) as refused:
        await speech.models_create({})

    assert KEY not in "".join(traceback.format_exception(refused.value)) + repr(refused.value) + repr(
        vars(refused.value)
    )


async def test_key_is_not_exposed_in_the_repr_of_anything_that_holds_it() -> None:
    """Resources, settings, credentials, tokens; as repr, str and format."""
    stored = EnvironmentKey("here", lambda: KEY)
    await stored.key()
    settings = Settings(here(), state_key=KEY.encode())
    speech = Speech(RequestPipeline(here(stored).all[0]))
    objects = [
        here(),
        here().all[0],
        here().all[0].credential,
        stored,
        settings,
        ConfirmationPolicy("ask", KEY.encode()),
        speech,
    ]

    assert KEY not in "".join(f"{thing!r} {thing!s} {thing}" for thing in objects)
    assert KEY not in json.dumps(vars(stored), default=repr)


@pytest.mark.parametrize("key", ["", "  ", "a\r\nX-Other: b", "kéy", "a\x00b", "a\tb"])
async def test_key_is_not_exposed_in_the_error_about_a_key_that_is_none(key: str) -> None:
    """A key that could not stand in a header never reaches one, where an error would quote it."""
    with pytest.raises(NoCredentialError) as refused:
        await EnvironmentKey("here", lambda: key).headers()

    assert "Its value is not a key" in str(refused.value)
    assert not key.strip() or key.strip() not in str(refused.value)


class TestRotation:
    """… and one that was changed is read again after a 401, without a restart."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """A command takes real time."""
        return "asyncio"

    @staticmethod
    def service(right: str) -> Any:
        """A service that knows one key."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            given = dict(scope["headers"])[b"ocp-apim-subscription-key"].decode()
            status, body = (200, {"values": []}) if given == right else (401, {"code": "Unauthorized"})
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})

        return app

    async def asked(self, credential: Any, change: Any) -> str:
        """List before and after the key was changed."""
        resource = SpeechResource("here", "http://here.localhost", credential)
        before, after = (
            Speech(RequestPipeline(resource, lambda: self.service(KEY))),
            Speech(RequestPipeline(resource, lambda: self.service(OTHER))),
        )
        await before.models_list_custom_models()
        change()
        await after.models_list_custom_models()
        return str((await credential.key()).get_secret_value())

    async def test_key_is_not_exposed_a_key_by_command(self, tmp_path: Path) -> None:
        """The command runs again."""
        file = tmp_path / "key"
        file.write_text(KEY, encoding="utf-8")
        credential = CommandKey("here", [sys.executable, "-c", f"print(open({str(file)!r}).read())"])

        assert await self.asked(credential, lambda: file.write_text(OTHER, encoding="utf-8")) == OTHER

    async def test_key_is_not_exposed_a_key_in_a_variable(self) -> None:
        """The variable is read again."""
        environment = {"K": KEY}

        assert (
            await self.asked(EnvironmentKey("here", lambda: environment["K"]), lambda: environment.update(K=OTHER))
            == OTHER
        )

    async def test_key_is_not_exposed_a_key_in_the_keyring(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The keyring is asked again."""
        entries = {"train": KEY}

        class Ring:
            @staticmethod
            def get_password(service: str, entry: str) -> str:
                return entries[entry]

        monkeypatch.setitem(sys.modules, "keyring", Ring())

        assert await self.asked(KeyringKey("here", "train"), lambda: entries.update(train=OTHER)) == OTHER

    async def test_key_is_not_exposed_a_key_that_stays_wrong_is_tried_once(self) -> None:
        """And the 401 is the answer."""
        resource = SpeechResource("here", "http://here.localhost", EnvironmentKey("here", lambda: KEY))
        speech = Speech(RequestPipeline(resource, lambda: self.service(OTHER)))

        with pytest.raises(AzureError) as refused:
            await speech.models_list_custom_models()

        assert refused.value.status == 401


def test_key_is_not_exposed_a_secret_too_short_to_be_one_masks_nothing() -> None:
    """Else the key `a` would mask every a."""
    assert Received(200, {}, b"banana").masked("a").body == b"banana"


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.parametrize(("mode", "said"), [(0o600, 0), (0o644, 0), (0o664, 1), (0o606, 1)])
def test_key_is_not_exposed_a_configuration_that_others_can_change_is_said(
    tmp_path: Path, mode: int, said: int
) -> None:
    """It names the command that prints the key."""
    file = tmp_path / "resources.toml"
    file.write_text("[resources.a]\nregion = 'eastus'\nkey = { env = 'K' }\n", encoding="utf-8")
    file.chmod(mode)

    cautions = from_file(file, {"K": KEY}).warnings

    assert len(cautions) == said
    assert all("chmod 600" in caution for caution in cautions)
    assert EMULATED.warnings == ()


PASTED = ["a1" * 16, "Zz9" * 28]
"""Keys of both lengths that Azure has."""


@pytest.mark.parametrize("key", PASTED)
@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_key_is_not_exposed_that_was_pasted_as_an_argument(
    command: str | None, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As an argument, as an option and as the value of each option, in the errors of the command line."""
    before = [command] if command else []
    options = [action.option_strings[-1] for action in create_parser(command)._actions if action.option_strings]
    for arguments in ([key], [f"--{key}"], [key, key], *([option, key] for option in options if option != "--version")):
        with suppress(SystemExit):
            parse([*before, *arguments])

    assert key not in "".join(capsys.readouterr())


@pytest.mark.parametrize("key", PASTED)
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["doctor", "--config", "{key}"], 2),
        (["doctor", "--emulated", "--report", "none/{key}"], 2),
        (["check-data", "{key}"], 2),
        (["check-expirations", "--emulated", "--resource", "{key}"], 1),
        (["report", "--emulated", "--html", "none/{key}"], 2),
        (["rollout", "{key}", "--emulated"], 1),
        (["emulator", "--faults", "{key}"], 2),
        (["emulator", "--training", "{key}"], 2),
        (["serve", "--http", "--emulated", "--access", "{key}"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_key_is_not_exposed_by_a_command_that_cannot_use_its_arguments(
    arguments: list[str],
    status: int,
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUSTOM_SPEECH_EMULATOR_STATE", ":memory:")
    monkeypatch.setenv("CUSTOM_SPEECH_AUDIT", "off")

    ended = main([argument.format(key=key) for argument in arguments])

    said = "".join(capsys.readouterr())
    assert (ended, "***" in said, key in said) == (status, True, False)


@pytest.mark.parametrize("key", PASTED)
@pytest.mark.parametrize("name", ["CONFIG", "CONFIRM", "MAX_WAIT", "LOCK_URL", "ACCESS", "STATE_KEY"])
def test_key_is_not_exposed_that_a_variable_holds(
    name: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUSTOM_SPEECH_EMULATOR_STATE", ":memory:")
    monkeypatch.setenv("CUSTOM_SPEECH_AUDIT", "off")
    monkeypatch.setenv(f"CUSTOM_SPEECH_{name}", key[:31] if name == "STATE_KEY" else key)

    assert main(["serve", "--http", "--port", "0"]) == 2
    assert key[:31] not in "".join(capsys.readouterr())


@pytest.mark.parametrize("key", PASTED)
def test_key_is_not_exposed_that_stands_in_the_file_in_place_of_a_folder_or_tenant(tmp_path: Path, key: str) -> None:
    file, entra = tmp_path / "resources.toml", 'auth = "entra"\nendpoint = "https://a.cognitiveservices.azure.com"\n'
    file.write_text(f"data_dirs = ['{key}']\n[resources.a]\n{entra}", encoding="utf-8")
    file.chmod(0o600)
    [warning] = from_file(file, {}).warnings
    file.write_text(f"[resources.a]\n{entra}tenant = '{key}'\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        from_file(file, {})

    assert "data_dirs: *** is not a folder. If *** stands for a key, replace that key in Azure." in warning
    assert "line 4, resources.a.tenant: must be the id or domain of a tenant" in str(refused.value)
    assert key not in warning + str(refused.value)
