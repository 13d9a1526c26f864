"""doctor: what each resource answers, and what its user should do."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from custom_speech_server import __version__
from custom_speech_server.__main__ import main
from support.azure_cli import StandIn, account
from support.emulator_process import outside
from support.loopback_server import Answer, Heard, Listener, listening

ID = account("contoso-train")["id"]
LOCALES = b'["en-US"]'


def gateway(status: int, code: str, message: str) -> Answer:
    """Return an answer of the gateway before the service."""
    return status, {}, json.dumps({"error": {"code": code, "message": message}}).encode()


@pytest.fixture
def service() -> Iterator[Listener]:
    """A resource on this machine that answers as a test wants."""
    with listening(lambda heard: (200, {}, LOCALES)) as listener:
        yield listener


Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def doctor(
    service: Listener, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Doctor:
    """Run the command on one resource and return its exit status and output, with single spaces."""
    monkeypatch.setenv("TRAIN_KEY", "canary-key")
    monkeypatch.setenv("CUSTOM_SPEECH_AUDIT", "off")
    monkeypatch.setattr("custom_speech_tools.speech.pipeline._FIRST_WAIT", 0)
    file = tmp_path / "resources.toml"
    monkeypatch.setenv("CUSTOM_SPEECH_CONFIG", str(file))

    def run(*arguments: str, lines: str = "") -> tuple[int, str]:
        table = f'[resources.train]\nendpoint = "{service.url}"\nkey = {{ env = "TRAIN_KEY" }}\n'
        file.write_text(table + (lines or f'region = "eastus"\nresource_id = "{ID}"\n'), encoding="utf-8")
        status = main(["doctor", *arguments])
        said = "".join(capsys.readouterr())
        assert "canary-key" not in said
        return status, said if "--json" in arguments else " ".join(said.split())

    return run


def test_doctor_has_nothing_to_say_about_a_resource_that_works(doctor: Doctor, service: Listener) -> None:
    status, said = doctor()

    assert status == 0
    assert said.endswith(
        f"train endpoint {service.url} region eastus trains audio yes (list of 2026-10-07) resource id configured "
        "key from a variable 2025-10-15 answers (configured) v3.2 answers 2024-11-15 answers Every resource answers."
    )


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (
            gateway(401, "401", "Access denied due to invalid subscription key or wrong API endpoint."),
            "Its key was replaced, or belongs to another resource or region. `custom-speech-mcp init` reads key",
        ),
        (gateway(404, "404", "Resource not found"), "Its endpoint does not belong to a Speech resource, or a proxy"),
        (
            gateway(403, "AuthenticationTypeDisabled", "Key based authentication is disabled."),
            'Keys are switched off for this resource: configure auth = "entra" for it.',
        ),
        (
            gateway(403, "403", "Access denied due to Virtual Network/Firewall rules."),
            "The resource's firewall does not admit this machine: its owner must add this network,",
        ),
        (
            gateway(403, "403", "Public access is disabled. Please configure private endpoint."),
            "The resource is reachable through its private endpoint only: run the server inside that network.",
        ),
        (
            gateway(403, "PermissionDenied", "The principal lacks the required data action."),
            "it needs Cognitive Services Speech Contributor on the resource.",
        ),
    ],
    ids=["key", "address", "keys off", "firewall", "private endpoint", "role"],
)
def test_doctor_says_what_to_do_about_a_refusal(doctor: Doctor, service: Listener, answer: Answer, advice: str) -> None:
    service.answer = lambda heard: answer

    status, said = doctor()

    assert status == 1
    assert advice in said
    assert said.endswith("Does not answer: train.")


def test_doctor_names_a_version_that_answers(doctor: Doctor, service: Listener) -> None:
    def answer(heard: Heard) -> Answer:
        return (200, {}, LOCALES) if "2025-10-15" in heard.path else gateway(404, "404", "Resource not found")

    service.answer = answer

    status, said = doctor(lines=f'region = "eastus"\nresource_id = "{ID}"\napi_version = "v3.2"\n')

    assert status == 1
    assert 'It answers only in API version 2025-10-15. Set api_version = "2025-10-15".' in said
    assert "Microsoft announced the end of API version v3.2 for 31 March 2026. Remove api_version" in said


def test_doctor_names_a_clock_that_is_wrong(doctor: Doctor, service: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    with outside() as emulator:
        emulator.control("POST", "clock", {"advance_seconds": 3600})
        service.url = emulator.address
        monkeypatch.setenv("TRAIN_KEY", "emulator-eastus-key")

        status, said = doctor()

    assert status == 0
    assert "This machine's clock is 60 min behind the service's. Set the clock: signing in requires it." in said


def test_doctor_names_the_proxy_that_requests_go_through(
    doctor: Doctor, service: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:secret@127.0.0.1:9")
    entry = 'region = "eastus"\n[resources.west]\nregion = "westus"\nkey = { env = "TRAIN_KEY" }\n'

    status, said = doctor(lines=entry)

    assert status == 1
    assert "Requests pass through the proxy 127.0.0.1; see NO_PROXY." in said
    assert "secret" not in said


def test_doctor_says_what_the_configuration_lacks(doctor: Doctor) -> None:
    _, said = doctor(lines="read_only = true\n")

    assert "Set region; `custom-speech-mcp init --repair` adds it." in said
    assert "Set resource_id; `custom-speech-mcp init --repair` adds it." in said


def test_doctor_prints_json(doctor: Doctor, service: Listener) -> None:
    status, said = doctor("--json")

    printed = json.loads(said)
    assert (status, printed["all_answer"], printed["audit"], printed["cautions"]) == (0, True, None, [])
    assert printed["resources"] == [
        {
            "name": "train",
            "emulated": False,
            "endpoint": service.url,
            "region": "eastus",
            "trains_audio": True,
            "has_resource_id": True,
            "key": "from a variable",
            "api_version": "2025-10-15",
            "does_answer": True,
            "versions": dict.fromkeys(("2025-10-15", "v3.2", "2024-11-15"), "answers"),
            "problems": [],
        }
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a POSIX program")
def test_doctor_asks_azure_about_tier_firewall_and_keys_on_request(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    az = StandIn(tmp_path / "bin")
    closed = {"disableLocalAuth": True, "networkAcls": {"defaultAction": "Deny"}, "tier": "F0"}
    az.know(account("contoso-train", **closed))
    monkeypatch.setenv("PATH", str(az.folder))

    unasked, asked = doctor()[1], doctor("--discover")[1]

    assert "F0" not in unasked
    assert "Its tier F0 (free) takes at most 2 datasets," in asked
    assert 'Its keys are switched off. Use auth = "entra" with the custom domain as endpoint, not key.' in asked
    assert "Its firewall admits only selected networks." in asked


def test_doctor_says_that_azure_could_not_be_asked(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "Caution: `az`, the Azure CLI, is not on the PATH." in doctor("--discover")[1]


def test_doctor_asks_for_updates_on_request_only(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index of this machine is asked, as pip is configured: here a folder."""
    (tmp_path / "custom_speech_mcp-9.9.9-py3-none-any.whl").write_bytes(b"")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    unasked, asked = doctor()[1], doctor("--check-updates")[1]

    assert "9.9.9" not in unasked
    assert f"This is version {__version__}; the newest in the package index is 9.9.9." in asked


def test_doctor_writes_a_support_file_without_secrets_names_and_ids(
    doctor: Doctor, service: Listener, tmp_path: Path
) -> None:
    service.answer = lambda heard: gateway(403, "PermissionDenied", f"canary-key of contoso-train lacks {ID}")
    file = tmp_path / "support.json"

    first, again = doctor("--report", str(file)), doctor("--report", str(file))

    text = file.read_text("utf-8")
    [resource] = json.loads(text)["resources"]
    assert (first[0], again[0]) == (1, 2)
    assert "cannot be written: File exists." in again[1]
    assert resource == {
        "emulated": False,
        "trains_audio": True,
        "does_answer": False,
        "host": "other",
        "region": "eastus",
        "key": "from a variable",
        "has_resource_id": True,
        "api_version": "2025-10-15",
        "versions": dict.fromkeys(("2025-10-15", "v3.2", "2024-11-15"), "403 PermissionDenied"),
        "problems": ["It cannot be used."],
    }
    assert [word for word in ("canary", '"train"', "contoso", ID, service.url, str(tmp_path)) if word in text] == []


def test_doctor_ends_with_2_for_a_wrong_configuration(doctor: Doctor) -> None:
    status, said = doctor("--json", lines="regoin = 'eastus'\n")

    assert status == 2
    assert "line 4, resources.train.regoin: is not a known setting; did you mean region?" in said
