"""A read-only server, and a read-only resource …"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from conftest import Connect
from custom_speech_server.resource_config import EMULATED, Resources
from custom_speech_tools.runtime.registry import registered_tools
from custom_speech_tools.speech import KeyCredential, NotAllowedError, RequestPipeline, Speech, SpeechResource
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

EAST, WEST, SOUTH = (resource.name for resource in EMULATED.all)
STOCK = "Contoso finished model en-US"
TRAINING = {"display_name": "Calls", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
WRITING = {
    "create_model": TRAINING,
    "copy_model": {"model": STOCK, "to_resource": WEST},
    "connect_model": {"model": STOCK, "project": "Contoso en-US"},
}
ID = "827712a5-f942-4997-91c3-7c6cde35600b"
TEXTS = st.sampled_from(
    ["", "en-US", "de-DE", "Calls", STOCK, "Contoso en-US", "Contoso plain text en-US", EAST, WEST, ID, "Succeeded"]
)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-1, 50), TEXTS, st.lists(TEXTS, max_size=3))
NAMES = sorted({name for tool in registered_tools() for name in tool.definition.input_schema["properties"]})


def protected(*names: str) -> Resources:
    """The emulator's resources, those of the names read-only."""
    every = tuple(replace(one, read_only=one.name in names) for one in EMULATED.all)
    return replace(EMULATED, all=every)


async def not_read(azure: Azure, *accounts: str) -> list[str]:
    """The requests to these resources that are anything but a GET."""
    found = await azure.requests()
    return [entry["operation"] for entry in found if entry["method"] != "GET" and entry["account"] in accounts]


@pytest.mark.parametrize("tool", WRITING)
async def test_read_only_refuses_the_call_of_a_writing_tool_by_name(connect: Connect, azure: Azure, tool: str) -> None:
    """It is not in the list either (test_catalogue)."""
    async with connect(confirm="never", read_only=True) as call:
        assert tool in await call.refusal(tool, **WRITING[tool])

    assert await azure.requests() == []


@pytest.mark.parametrize("tool", WRITING)
async def test_read_only_names_the_rule_that_protects_a_resource(connect: Connect, azure: Azure, tool: str) -> None:
    """`read_only = true` in the configuration of the one resource."""
    async with connect(confirm="never", resources=protected(EAST)) as call:
        refusal = await call.refusal(tool, **WRITING[tool])

    assert refusal.splitlines()[1:] == [
        f"- [block: resource-writable] Resource {EAST} is configured as read-only. Use another resource, or ask "
        "whoever configures the server.",
        "This request cannot be carried out; tell your user.",
    ]
    assert await azure.writes() == []


async def test_read_only_is_planned_as_such(connect: Connect) -> None:
    """plan_model says what create_model would."""
    async with connect(confirm="never", resources=protected(EAST)) as call:
        plan = await call("plan_model", **TRAINING)

    assert not plan["ok"]
    assert ("resource-writable", "block") in [(finding["rule"], finding["level"]) for finding in plan["findings"]]


@pytest.mark.parametrize("read_only", [EAST, WEST])
async def test_read_only_is_neither_the_source_nor_the_target_of_a_copy(
    connect: Connect, azure: Azure, read_only: str
) -> None:
    """A copy is a POST to each of the two."""
    async with connect(confirm="never", resources=protected(read_only)) as call:
        refusal = await call.refusal("copy_model", **WRITING["copy_model"])

    assert rules_of(refusal) == ["resource-writable"]
    assert await not_read(azure, EAST, WEST) == []


async def test_read_only_leaves_the_other_resources_as_they_are(connect: Connect) -> None:
    """Protection is of one resource."""
    async with connect(confirm="never", resources=protected(WEST, SOUTH)) as call:
        assert (await call("create_model", **TRAINING))["id"]


async def test_read_only_sends_nothing_else_than_get_even_past_every_guardrail() -> None:
    """The client of the REST API refuses too: a tool of tomorrow that forgets the rule is stopped there."""
    resource = SpeechResource("here", "http://127.0.0.1:9", KeyCredential(SecretStr("k")), read_only=True)
    speech = Speech(RequestPipeline(resource))

    for request in (
        speech.models_create({}),
        speech.models_update(ID, {}),
        speech.models_authorize_copy("x"),
        speech.models_copy_with_key(ID, SecretStr("k")),
    ):
        with pytest.raises(NotAllowedError, match="here is read-only"):
            await request


@pytest.mark.long
@pytest.mark.parametrize("protection", [{"read_only": True}, {"resources": protected(EAST, WEST, SOUTH)}])
async def test_read_only_sends_no_writing_request_whatever_is_called(
    connect: Connect, azure: Azure, protection: dict[str, Any]
) -> None:
    """Every tool with every kind of argument; then the emulator's log holds nothing but GET."""
    async with connect(confirm="never", **protection) as call:
        for arguments in ({}, *WRITING.values()):
            for tool in registered_tools():
                await call.client.call_tool(tool.name, arguments)
        await _anything(call)

    requests = await azure.requests()
    assert {entry["method"] for entry in requests} == {"GET"}


async def _anything(call: Caller) -> None:
    drawn: list[tuple[str, dict[str, Any]]] = []

    @settings(max_examples=150, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from([tool.name for tool in registered_tools()]), st.dictionaries(st.sampled_from(NAMES), VALUES))
    def draw(tool: str, arguments: dict[str, Any]) -> None:
        drawn.append((tool, arguments))

    draw()
    for tool, arguments in drawn:
        await call.client.call_tool(tool, arguments | {"wait_seconds": 0} if "wait_seconds" in arguments else arguments)
