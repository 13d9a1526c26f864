"""delete_entity, driven through an MCP client."""

from typing import Any

import pytest
from mcp.types import ElicitResult

from conftest import Connect
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

MODEL, TEXT = "Contoso finished model en-US", "Contoso plain text en-US"
KINDS = ["model", "dataset", "evaluation", "endpoint", "project"]


async def entity_of(call: Caller, kind: str) -> str:
    """Return the id of a new entity that nothing uses."""
    if kind == "model":
        made = await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT])
        await call("get_model", model=made["id"], wait_seconds=10)
    elif kind == "dataset":
        return await call.id_of("datasets", "Contoso pronunciation en-US")
    elif kind == "evaluation":
        made = await call(
            "create_evaluation", model=MODEL, dataset="Contoso audio with transcripts en-US", wait_seconds=10
        )
    elif kind == "endpoint":
        made = await call("deploy_model", model=MODEL, display_name="Live", wait_seconds=10)
    else:
        made = await call("create_project", display_name="Clinic", locale="en-US")
    return str(made["id"])


@pytest.mark.parametrize("kind", KINDS)
async def test_delete_entity_deletes_every_kind(call: Caller, azure: Azure, kind: str) -> None:
    entity = await entity_of(call, kind)
    await azure.forget()

    deleted = await call("delete_entity", kind=kind, entity=entity)
    again = await call.refusal("delete_entity", kind=kind, entity=entity)

    assert (deleted["id"], deleted["kind"]) == (entity, kind)
    assert rules_of(again) == ["reference-found"]
    assert await azure.writes() == [f"{kind.capitalize()}s_Delete"]


async def test_delete_entity_asks_the_user_and_says_what_is_lost(connect: Connect, azure: Azure) -> None:
    asked: list[str] = []

    async def agree(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"agree": True})

    async with connect(confirm="ask", client={"elicitation_callback": agree}) as call:
        await call("delete_entity", kind="dataset", entity=TEXT)

    assert len(asked) == 1
    assert asked[0].startswith("This deletes dataset ")
    assert "cannot be restored" in asked[0]
    assert asked[0].endswith(f'Delete "{TEXT}"?')
    assert await azure.writes() == ["Datasets_Delete"]


async def test_delete_entity_deletes_nothing_when_the_user_declines(connect: Connect, azure: Azure) -> None:
    async def decline(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="decline")

    async with connect(confirm="ask", client={"elicitation_callback": decline}) as call:
        refusal = await call.refusal("delete_entity", kind="dataset", entity=TEXT)

    assert rules_of(refusal) == ["deletion-is-final"]
    assert await azure.writes() == []


async def test_delete_entity_takes_a_token_for_this_entity_only(connect: Connect, azure: Azure) -> None:
    async with connect(confirm="ask") as call:
        refusal = await call.refusal("delete_entity", kind="dataset", entity=TEXT)
        token = refusal.rpartition('confirm="')[2].partition('"')[0]
        other = await call.refusal("delete_entity", kind="dataset", entity="Contoso plain text de-DE", confirm=token)
        await call("delete_entity", kind="dataset", entity=TEXT, confirm=token)

    assert "is not for these arguments" in other
    assert await azure.writes() == ["Datasets_Delete"]


async def test_delete_entity_refuses_a_model_that_an_endpoint_uses(call: Caller, azure: Azure) -> None:
    """The service would delete it silently, and the endpoint would fall back to the base model."""
    endpoint = await call("deploy_model", model=MODEL, display_name="Live", wait_seconds=10)
    await azure.forget()

    refusal = await call.refusal("delete_entity", kind="model", entity=MODEL)

    assert rules_of(refusal) == ["not-in-use"]
    assert endpoint["id"] in refusal
    assert await azure.writes() == []


async def test_delete_entity_refuses_a_project_with_content(call: Caller) -> None:
    refusal = await call.refusal("delete_entity", kind="project", entity="Contoso en-US")

    assert rules_of(refusal) == ["not-in-use"]


async def test_delete_entity_refuses_what_is_running(call: Caller, azure: Azure) -> None:
    running = next(
        item for item in (await call("list_datasets", locale="en-US"))["datasets"] if item["status"] == "Running"
    )

    refusal = await call.refusal("delete_entity", kind="dataset", entity=running["id"])

    assert rules_of(refusal) == ["not-in-use"]
    assert await azure.writes() == []


async def test_delete_entity_warns_of_models_that_were_trained_with_a_dataset(call: Caller) -> None:
    deleted = await call("delete_entity", kind="dataset", entity=TEXT)

    assert [finding["rule"] for finding in deleted["findings"]] == ["not-in-use", "deletion-is-final"]
    assert MODEL in deleted["findings"][0]["message"]
