"""list_endpoints, driven through an MCP client."""

import pytest

from support.tool_client import Caller

pytestmark = pytest.mark.anyio

MODEL = "Contoso finished model en-US"


async def test_list_endpoints_shows_the_model_of_each(call: Caller) -> None:
    made = await call("deploy_model", model=MODEL, display_name="Live", wait_seconds=10)
    listed = await call("list_endpoints", locale="en")

    assert [(one["id"], one["model"]["display_name"]) for one in listed["endpoints"]] == [(made["id"], MODEL)]
    assert listed["next_steps"] == [f'get_endpoint(endpoint="{made["id"]}", resource="emulator-eastus")']


async def test_list_endpoints_of_all_resources_names_each_resource(call: Caller) -> None:
    for resource in ("emulator-eastus", "emulator-westeurope"):
        await call("deploy_model", model=MODEL, display_name="Live", resource=resource)
    listed = await call("list_endpoints", resource="*")

    assert {one["resource"] for one in listed["endpoints"]} == {"emulator-eastus", "emulator-westeurope"}
    assert listed["total"] == 2


async def test_list_endpoints_keeps_a_locale(call: Caller) -> None:
    await call("deploy_model", model=MODEL, display_name="Live")

    assert (await call("list_endpoints", locale="de-DE"))["endpoints"] == []
