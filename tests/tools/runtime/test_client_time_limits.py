"""Waits within the time limit of the client."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.types import Implementation

from conftest import Connect
from custom_speech_tools.runtime import polling
from custom_speech_tools.runtime.client_time_limits import SHORT_WAIT_SECONDS, ClientTimeLimits
from custom_speech_tools.runtime.next_steps import DEFAULT_WAIT_SECONDS, fit_steps
from support.speech_service import Azure
from support.tool_client import Caller

pytestmark = pytest.mark.anyio

WEST = "emulator-westeurope"
TRAINING = {"display_name": "Calls", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}


async def suggested(call: Caller, **arguments: Any) -> str:
    """The wait in the next step of a training that runs."""
    model = await call("create_model", **TRAINING | arguments)
    return str(model["next_steps"][0]).partition("wait_seconds=")[2].partition(",")[0]


@pytest.mark.parametrize(
    ("client", "max_wait", "wait"),
    [
        ("ide", 45, DEFAULT_WAIT_SECONDS),
        ("ide", 3, 3),
        ("openai-agents", 45, SHORT_WAIT_SECONDS),
        ("autogen", 2, 2),
    ],
)
async def test_suggested_wait_fits_the_client_and_the_operators_limit(
    connect: Connect, client: str, max_wait: int, wait: int
) -> None:
    info = {"client_info": Implementation(name=client, version="2")}
    async with connect(confirm="never", max_wait=max_wait, client=info) as call:
        assert await suggested(call) == str(wait)
        assert f"wait_seconds={DEFAULT_WAIT_SECONDS}" not in (call.client.instructions or "")


async def test_suggested_wait_is_in_the_errors_of_a_rollouts_targets(connect: Connect) -> None:
    async with connect(
        confirm="never", client={"client_info": Implementation(name="openai-agents", version="2")}
    ) as call:
        await call("create_model", **TRAINING, wait_seconds=45)
        await call("copy_model", model="Calls", to_resource=WEST, wait_seconds=45)
        base = (await call("list_base_models", locale="en-US", resource=WEST))["base_models"][0]["id"]
        await call("deploy_model", model=base, display_name="Live", resource=WEST)
        target = {"resource": WEST, "endpoint": "Live"}
        answer = await call("roll_out", model="Calls", targets=[target], wait_seconds=0)

    assert f"wait_seconds={SHORT_WAIT_SECONDS}, " in answer["targets"][0]["error"]


def test_name_of_the_python_sdk_with_its_version_has_a_short_timeout() -> None:
    assert ClientTimeLimits().waits("mcp 0.1.0", "stdio", 45) == (45, SHORT_WAIT_SECONDS)


def test_suggested_wait_changes_no_quoted_name() -> None:
    step = 'get_model(model="a \\" wait_seconds=25", wait_seconds=25)'

    assert fit_steps([step], (), 4) == ['get_model(model="a \\" wait_seconds=25", wait_seconds=4)']


async def test_wait_stays_below_the_time_after_which_the_client_gave_up(
    connect: Connect, azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this session, and in the next one of a client of the same name and version."""
    file = tmp_path / "clients.json"
    monkeypatch.setattr(polling, "POLL_INTERVALS", (30.0,))
    async with connect(confirm="never", client_time_limits_file=file) as call:
        model = await call("create_model", **TRAINING)
        with anyio.move_on_after(0.2):
            await call("get_model", model=model["id"], wait_seconds=40)
        with anyio.fail_after(20):
            while not file.exists():  # noqa: ASYNC110  # nothing else tells that the server has noticed
                await anyio.sleep(0.01)

        assert await suggested(call) == "1"
        assert "wait_seconds is limited to 0 to 1; 1 was used." in str(
            (await call("get_model", model=model["id"], wait_seconds=40))["note"]
        )
    async with connect(confirm="never", client_time_limits_file=file) as call:
        assert await suggested(call, display_name="Others") == "1"
    assert json.loads(file.read_text("utf-8")) == {"tests 1": 1}


@pytest.mark.parametrize("content", [b"[]", b'{"tests 1": "x", "other": -1, "more": true}', b"\xff", b"[" * 9000])
async def test_wait_is_the_usual_one_if_the_file_cannot_be_used(
    connect: Connect, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "clients.json"
    file.write_bytes(content)
    async with connect(confirm="never", client_time_limits_file=file) as call:
        assert await suggested(call) == str(DEFAULT_WAIT_SECONDS)


def test_wait_of_one_session_over_http_is_not_that_of_another() -> None:
    waits = ClientTimeLimits()
    waits.record_timeout("ide 1", "first", 9.5)
    waits.record_timeout("ide 1", "", 2.0)

    assert [waits.waits("ide 1", session, 45)[0] for session in ("first", "second", "")] == [8, 45, 45]
