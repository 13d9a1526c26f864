"""deploy_model, driven through an MCP client."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from mcp.types import ElicitResult

from conftest import Connect
from custom_speech_server.resource_config import EMULATED
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

MODEL, AUDIO, TEXT = (
    "Contoso finished model en-US",
    "Contoso audio with transcripts en-US",
    "Contoso plain text en-US",
)
NEW: dict[str, Any] = {"model": MODEL, "display_name": "Live"}


async def trained(call: Caller, name: str = "Calls") -> str:
    """Return the id of another trained model."""
    model = await call("create_model", display_name=name, locale="en-US", datasets=[TEXT])
    await call("get_model", model=model["id"], wait_seconds=10)
    return str(model["id"])


@pytest.mark.parametrize("version", ["2025-10-15", "v3.2", "2024-11-15"])
async def test_deploy_model_creates_an_endpoint(connect: Connect, version: str) -> None:
    async with connect(version=version, confirm="never") as call:
        endpoint = await call("deploy_model", **NEW, wait_seconds=10)

    assert (endpoint["status"], endpoint["model"]["display_name"]) == ("Succeeded", MODEL)
    assert (endpoint["emulated"], endpoint["url"]) == (True, None)
    assert endpoint["transcription_until"]
    assert endpoint["next_steps"][0] == (
        f'On Azure, applications would use endpoint "{NEW["display_name"]}" on emulator-eastus by setting '
        f"endpoint_id of the Speech SDK's SpeechConfig to {endpoint['id']}"
    )


async def test_deploy_model_makes_one_endpoint_for_the_same_request(call: Caller, azure: Azure) -> None:
    first = await call("deploy_model", **NEW)
    again = await call("deploy_model", **NEW)

    assert (again["id"], again["already_existed"]) == (first["id"], True)
    assert await azure.writes() == ["Endpoints_Create"]


async def test_deploy_model_deploys_again_where_the_endpoint_of_the_same_request_failed(
    call: Caller, azure: Azure
) -> None:
    first = await call("deploy_model", **NEW)
    await azure.finish(first["id"], "Failed")

    again = await call("deploy_model", **NEW)

    assert (again["id"] != first["id"], again["already_existed"]) == (True, False)
    assert [finding["message"] for finding in again["findings"] if finding["rule"] == "already-exists"] == [
        f'An earlier deployment of the same request, endpoint "{first["display_name"]}" ({first["id"]}), '
        'failed: "Ended by /_emulator/finish". It is not used again.'
    ]


async def test_deploy_model_asks_before_a_new_endpoint_with_the_cost_first(connect: Connect, azure: Azure) -> None:
    asked: list[str] = []

    async def agree(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"agree": True})

    async with connect(confirm="ask", client={"elicitation_callback": agree}) as call:
        await call("deploy_model", **NEW)

    assert len(asked) == 1
    assert asked[0].startswith("Hosting an endpoint would be charged on Azure; this resource is emulated")
    assert await azure.writes() == ["Endpoints_Create"]


async def test_deploy_model_takes_a_token_once_the_user_has_agreed(connect: Connect, azure: Azure) -> None:
    async with connect(confirm="ask") as call:
        refusal = await call.refusal("deploy_model", **NEW)
        token = refusal.rpartition('confirm="')[2].partition('"')[0]
        await call("deploy_model", **NEW, confirm=token)

    assert rules_of(refusal) == ["hosting-is-charged"]
    assert await azure.writes() == ["Endpoints_Create"]


async def test_deploy_model_puts_a_model_into_an_endpoint_and_leads_back(call: Caller) -> None:
    """The endpoint keeps its id, which applications hold."""
    endpoint = await call("deploy_model", **NEW, wait_seconds=10)
    other = await trained(call)

    changed = await call("deploy_model", model=other, endpoint=endpoint["id"], wait_seconds=10)
    read = await call("get_endpoint", endpoint=endpoint["id"])
    back = await call("deploy_model", model=read["previous_model"]["id"], endpoint=endpoint["id"], wait_seconds=10)

    before = endpoint["model"]
    assert "note" not in endpoint
    assert changed["note"] == (
        f'The endpoint had model "{before["display_name"]}". All applications that use the endpoint get the new model; '
        "their number is not known. get_endpoint says how to go back."
    )
    assert changed["next_steps"][1] == (
        f'deploy_model(model="{before["id"]}", endpoint="{endpoint["id"]}", resource="emulator-eastus") goes back to '
        "the previous model"
    )
    assert (changed["id"], changed["model"]["id"]) == (endpoint["id"], other)
    assert changed["previous_model"] == read["previous_model"] == endpoint["model"]
    assert f'deploy_model(model="{endpoint["model"]["id"]}", endpoint="{endpoint["id"]}"' in read["next_steps"][1]
    assert back["model"] == endpoint["model"]


async def test_deploy_model_changes_nothing_when_the_endpoint_has_the_model(call: Caller, azure: Azure) -> None:
    endpoint = await call("deploy_model", **NEW, wait_seconds=10)
    await azure.forget()

    again = await call("deploy_model", model=MODEL, endpoint="Live")

    assert (again["id"], again["already_existed"]) == (endpoint["id"], True)
    assert await azure.writes() == []


async def test_deploy_model_warns_without_a_test_against_the_present_model(call: Caller) -> None:
    endpoint = await call("deploy_model", **NEW, wait_seconds=10)
    changed = await call("deploy_model", model=await trained(call), endpoint=endpoint["id"])

    assert [(finding["rule"], finding["level"]) for finding in changed["findings"]] == [("better-than-current", "warn")]


async def test_deploy_model_blocks_a_worse_model_where_an_evaluation_is_required(
    connect: Connect, azure: Azure
) -> None:
    """The base model is worse than the custom model that the endpoint has."""
    strict = tuple(replace(resource, require_evaluation=True) for resource in EMULATED.all)
    async with connect(confirm="never", resources=replace(EMULATED, all=strict)) as call:
        endpoint = await call("deploy_model", **NEW, wait_seconds=10)
        base = (await call("get_model", model=MODEL))["base_model"]["id"]
        untested = await call.refusal("deploy_model", model=base, endpoint=endpoint["id"])
        await call("create_evaluation", model=MODEL, dataset=AUDIO, wait_seconds=10)
        await azure.forget()
        worse = await call.refusal("deploy_model", model=base, endpoint=endpoint["id"])

    assert rules_of(untested) == rules_of(worse) == ["better-than-current"]
    assert "No finished evaluation" in untested
    assert "word error rate is" in worse
    assert await azure.writes() == []


async def test_deploy_model_refuses_an_endpoint_that_is_still_being_deployed(call: Caller) -> None:
    endpoint = await call("deploy_model", **NEW)
    refusal = await call.refusal("deploy_model", model=await trained(call), endpoint=endpoint["id"])

    assert "endpoint-is-ready" in rules_of(refusal)


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ({"model": "Nothing"}, ["reference-found", "hosting-is-charged"]),
        ({"project": "Contoso de-DE"}, ["locale-match", "hosting-is-charged"]),
    ],
)
async def test_deploy_model_reports_every_finding_and_sends_nothing(
    call: Caller, azure: Azure, arguments: dict[str, Any], rules: list[str]
) -> None:
    assert rules_of(await call.refusal("deploy_model", **NEW | arguments)) == rules
    assert await azure.writes() == []


@pytest.mark.parametrize("arguments", [{"model": MODEL}, NEW | {"endpoint": "Live"}])
async def test_deploy_model_needs_either_an_endpoint_or_a_name(call: Caller, arguments: dict[str, Any]) -> None:
    assert "needs either endpoint (existing) or display_name (new)" in await call.refusal("deploy_model", **arguments)


async def test_deploy_model_warns_that_recordings_need_own_storage(call: Caller) -> None:
    endpoint = await call("deploy_model", **NEW, logging=True)

    assert "logging-has-storage" in [finding["rule"] for finding in endpoint["findings"]]


async def test_deploy_model_reads_each_entity_once_in_a_call(call: Caller, azure: Azure) -> None:
    """By id, into an existing endpoint and to a new one."""
    endpoint = await call("deploy_model", **NEW, wait_seconds=10)
    base = (await call("list_base_models", locale="en-US", limit=2))["base_models"]
    await azure.forget()

    await call("deploy_model", model=base[1]["id"], endpoint=endpoint["id"])
    await call("deploy_model", model=base[0]["id"], display_name="Another")

    paths = Counter(
        one["path"] for one in await azure.requests() if one["method"] == "GET" and "/models/" not in one["path"]
    )
    assert {path: count for path, count in paths.items() if count > 1} == {}
