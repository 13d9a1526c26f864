"""check_expirations, driven through an MCP client."""

from datetime import timedelta

import pytest

from support.speech_service import Azure
from support.tool_client import Caller

pytestmark = pytest.mark.anyio

MODEL = "Contoso finished model en-US"


async def test_check_expirations_finds_endpoints_models_and_base_models(call: Caller) -> None:
    endpoint = await call("deploy_model", model=MODEL, display_name="Live", wait_seconds=10)
    found = await call("check_expirations", within_days=1500, resource="emulator-eastus")

    assert [item["kind"] for item in found["items"]] == ["base_model", "endpoint", "model"]
    assert [item["ends"] for item in found["items"]] == sorted(item["ends"] for item in found["items"])
    assert found["items"][1]["call"] == (
        f'deploy_model(model=<new model>, endpoint="{endpoint["id"]}", resource="emulator-eastus")'
    )
    assert found["items"][2]["call"].startswith('plan_model(locale="en-US", datasets=["')
    assert "then deploy it into the endpoint" in found["items"][2]["action"]
    assert sum(found["per_month"].values()) == found["total"] == 3
    assert found["next_steps"] == [item["call"] for item in found["items"]]


async def test_check_expirations_asks_all_resources_by_default(call: Caller) -> None:
    found = await call("check_expirations", within_days=1500)

    assert {item["resource"] for item in found["items"]} == {
        "emulator-eastus",
        "emulator-westeurope",
        "emulator-brazilsouth",
    }


async def test_check_expirations_says_that_nothing_ends(call: Caller) -> None:
    found = await call("check_expirations", within_days=1)

    assert found["items"] == []
    assert found["next_steps"][0] == "Nothing ends within 1 day(s)."


async def test_check_expirations_keeps_what_has_ended_already(call: Caller, azure: Azure) -> None:
    """An endpoint that fell back silently is the worst case."""
    await call("deploy_model", model=MODEL, display_name="Live", wait_seconds=10)
    await azure.advance(timedelta(days=3 * 365))
    found = await call("check_expirations", within_days=1, resource="emulator-eastus")

    assert {item["kind"] for item in found["items"]} == {"endpoint", "model", "base_model"}
    assert all(item["ends"] < found["now"] for item in found["items"])


async def test_check_expirations_costs_two_rounds_per_resource(call: Caller, azure: Azure) -> None:
    """Models and endpoints concurrently, then the base models that are used."""
    await azure.forget()
    await call("check_expirations", within_days=1500)

    operations = await azure.operations()
    assert sorted(set(operations)) == ["Endpoints_List", "Models_GetBaseModel", "Models_ListCustomModels"]
    assert len(operations) == 9


async def test_check_expirations_keeps_a_locale(call: Caller) -> None:
    assert (await call("check_expirations", within_days=1500, locale="de"))["items"] == []
