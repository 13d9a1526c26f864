"""list_resources …"""

import sys
from functools import partial
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from conftest import Connect
from custom_speech_server.__main__ import main
from custom_speech_server.azure_cli import describe_unconfigured
from custom_speech_server.resource_config import EMULATED
from support.azure_cli import StandIn, account
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio


async def test_list_resources_shows_what_each_resource_can_do(call: Caller) -> None:
    """Without configuration, the emulator's three are there, one of which does not train with audio."""
    found = await call("list_resources")

    assert found["total"] == 3
    assert found["resources"][2] == {
        "name": "emulator-brazilsouth",
        "region": "brazilsouth",
        "api_version": "2025-10-15",
        "emulated": True,
        "read_only": False,
        "trains_audio": False,
        "has_projects": True,
        "can_copy": True,
        "is_default": False,
    }


async def test_list_resources_shows_one_if_it_is_named(call: Caller) -> None:
    found = await call("list_resources", resource="emulator-westeurope")
    everything = [
        await call("list_resources", **arguments) for arguments in ({}, {"resource": "*"}, {"resource": None})
    ]
    refusal = await call.refusal("list_resources", resource="elsewhere")

    assert [one["name"] for one in found["resources"]] == ["emulator-westeurope"]
    assert [one["total"] for one in everything] == [3, 3, 3]
    assert rules_of(refusal) == ["reference-found"]


async def test_list_resources_says_what_is_not_configured_on_request_only(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    az = StandIn(tmp_path / "bin")
    configured = account("emulator-eastus") | {"id": EMULATED.all[0].resource_id}
    az.know(configured, account("contoso-train"), account("contoso-berlin", "germanywestcentral"))
    monkeypatch.setenv("PATH", str(az.folder))
    discover = partial(describe_unconfigured, EMULATED.all)

    async with connect() as call:
        unasked = await call("list_resources")
    nobody_asked = not (az.folder / "asked").exists()
    async with connect(discover=discover) as call:
        asked = await call("list_resources")

    line = "Speech resources that are not configured: 2. To add them: custom-speech-mcp init"
    assert nobody_asked
    assert asked == unasked | {"next_steps": [*unasked["next_steps"], line]}


async def test_list_resources_says_that_az_could_not_be_asked(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not read is not reported as nothing."""
    az = StandIn(tmp_path / "bin")
    az.answer("account list", status=1, errors="AADSTS700082: The refresh token has expired.")
    monkeypatch.setenv("PATH", str(az.folder))

    async with connect(discover=partial(describe_unconfigured, EMULATED.all)) as call:
        found = await call("list_resources")

    assert found["total"] == 3
    assert found["next_steps"][-1].startswith("Other Speech resources could not be listed: `az account list` ended")
    assert "AADSTS700082" in found["next_steps"][-1]


def test_discovery_over_http_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--http", "--discover", "--emulated"]) == 2
    assert "so it works over stdio only" in capsys.readouterr().err


async def test_server_with_discover_says_it_over_stdio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    az = StandIn(tmp_path / "bin")
    az.know(account("contoso-train"))
    environment = {"PATH": str(az.folder), "CUSTOM_SPEECH_EMULATOR_STATE": ":memory:"}
    arguments = ["-m", "custom_speech_server", "--emulated", "--discover"]
    async with Client(StdioServerParameters(command=sys.executable, args=arguments, env=environment)) as client:
        found = await Caller(client)("list_resources")

    line = "Speech resources that are not configured: 1. To add them: custom-speech-mcp init"
    assert found["next_steps"][-1] == line
