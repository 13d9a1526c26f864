"""list_evaluations, driven through an MCP client."""

import pytest

from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

MODEL, AUDIO = "Contoso finished model en-US", "Contoso audio with transcripts en-US"


async def test_list_evaluations_shows_the_rates_of_both_models(call: Caller) -> None:
    made = await call("create_evaluation", model=MODEL, dataset=AUDIO, wait_seconds=10)
    listed = await call("list_evaluations")

    assert [item["id"] for item in listed["evaluations"]] == [made["id"]]
    shown = listed["evaluations"][0]
    rates = [{name: one[name] for name in one if name != "confidence_95"} for one in made["models"]]
    assert shown["models"] == rates
    assert (shown["dataset"], shown["is_void"]) == (made["dataset"], False)
    assert listed["total"] == 1


async def test_list_evaluations_keeps_those_of_a_model(call: Caller) -> None:
    made = await call("create_evaluation", model=MODEL, dataset=AUDIO)
    base = made["models"][1]["id"]
    other = (await call("list_base_models", locale="en-US", limit=100))["base_models"][-1]["id"]

    counts = [(await call("list_evaluations", model=model))["total"] for model in (MODEL, base, other)]

    assert counts == [1, 1, 0]


async def test_list_evaluations_refuses_a_model_that_does_not_exist(call: Caller) -> None:
    assert rules_of(await call.refusal("list_evaluations", model="Nothing")) == ["reference-found"]


async def test_list_evaluations_suggests_a_test_when_there_is_none(call: Caller) -> None:
    listed = await call("list_evaluations")

    assert listed["evaluations"] == []
    assert listed["next_steps"] == [
        "Choose a model (model) and a test dataset (dataset), then call create_evaluation with "
        'resource="emulator-eastus".'
    ]
