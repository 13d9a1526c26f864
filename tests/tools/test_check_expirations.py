"""check_expirations, driven through an MCP client."""

import ast
from datetime import timedelta
from typing import Any

import pytest

from support.speech_service import Azure
from support.tool_client import Caller

pytestmark = pytest.mark.anyio

MODEL = "Contoso finished model en-US"


def arguments_of(step: str) -> dict[str, Any]:
    """The arguments of a call in next_steps."""
    call = ast.parse(step, mode="eval").body
    assert isinstance(call, ast.Call)
    return {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}


async def test_check_expirations_finds_endpoints_models_and_base_models(call: Caller) -> None:
    await call("deploy_model", model=MODEL, display_name="Live", wait_seconds=10)
    found = await call("check_expirations", within_days=1500, resource="emulator-eastus")

    assert [item["kind"] for item in found["items"]] == ["base_model", "endpoint", "model"]
    assert [item["ends"] for item in found["items"]] == sorted(item["ends"] for item in found["items"])
    base, endpoint, model = found["items"]
    assert base["effect"] == f'No model can be trained on it any more; trained on it: "{MODEL}".'
    assert endpoint["effect"].startswith(f'Model "{MODEL}" ends: applications keep working')
    assert endpoint["action"].endswith("Then deploy the new model into this endpoint, which keeps its id.")
    assert model["action"].endswith('Then deploy it into "Live".')
    assert model["call"] == 'The call of endpoint "Live" does this as well.'
    assert sum(found["per_month"].values()) == found["total"] == 3
    assert found["next_steps"] == [item["call"] for item in found["items"]]
    assert (found["truncated"], found.get("unread")) == (None, None)


async def test_check_expirations_proposes_a_complete_call_that_trains_on_the_newest_base_model(call: Caller) -> None:
    known = await call("get_model", model=MODEL)
    found = await call("check_expirations", within_days=1500, resource="emulator-eastus")
    newest = (await call("list_base_models", locale="en-US", train_with=["Language"]))["base_models"][0]
    model = next(item for item in found["items"] if item["kind"] == "model")

    plan = arguments_of(model["call"])
    assert plan == {
        "display_name": f"{MODEL} {found['now'][:7]}",
        "locale": "en-US",
        "datasets": [part["id"] for part in known["datasets"]],
        "base_model": newest["id"],
        "project": known["project"]["id"],
        "resource": "emulator-eastus",
    }
    assert (await call("plan_model", **plan))["ok"]
    assert f'"{newest["display_name"]}", the newest that takes them' in model["action"]
    assert "because its two years count from its own training" in model["effect"]


async def test_check_expirations_says_that_training_again_gains_nothing_on_a_base_model_that_closes_no_later(
    call: Caller, azure: Azure
) -> None:
    newest = (await call("list_base_models", locale="en-US", train_with=["Language"]))["base_models"][0]
    data = await call.id_of("datasets", "Contoso plain text en-US")
    arguments = {"locale": "en-US", "datasets": [data], "base_model": newest["id"]}
    await call("create_model", display_name="On the newest", **arguments)
    found = await call("check_expirations", within_days=500, resource="emulator-eastus")

    action = next(item["action"] for item in found["items"] if item["what"] == newest["display_name"])
    assert action.startswith("Nothing is gained by training again now")


async def test_check_expirations_lists_unused_base_models_only_with_a_locale(call: Caller) -> None:
    used = await call("check_expirations", within_days=1500, resource="emulator-eastus")
    every = await call("check_expirations", within_days=1500, resource="emulator-eastus", locale="en-US")

    assert "Base models that no custom model uses are not listed; with locale they are." in used["note"]
    assert {item["what"] for item in used["items"]} < {item["what"] for item in every["items"]}
    unused = [item["effect"] for item in every["items"] if "no custom model" in item["effect"]]
    assert set(unused) == {"No model can be trained on it any more; no custom model of this resource was."}
    assert all(item["ends"] > every["now"] for item in every["items"])


async def test_check_expirations_says_how_many_end_on_the_first_day(call: Caller) -> None:
    found = await call("check_expirations", within_days=1500)

    assert found["note"].startswith(f"3 items end on the first day, {found['items'][0]['ends']}.")


async def test_check_expirations_says_how_to_see_the_rest(call: Caller) -> None:
    found = await call("check_expirations", within_days=1500, limit=2)

    assert (len(found["items"]), found["total"]) == (2, 6)
    assert found["truncated"] == "2 of 6: narrow the filters or raise limit."


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
    """Models and endpoints concurrently, then base models of their locales and the data of what ends."""
    await azure.forget()
    await call("check_expirations", within_days=1500)

    operations = await azure.operations()
    read = {"Datasets_Get", "Endpoints_List", "Models_ListBaseModels", "Models_ListCustomModels"}
    assert (set(operations), len(operations)) == (read, 12)


async def test_check_expirations_keeps_a_locale(call: Caller) -> None:
    german = await call("check_expirations", within_days=1500, locale="de")

    assert {item["kind"] for item in german["items"]} == {"base_model"}
