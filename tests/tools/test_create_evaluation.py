"""create_evaluation, driven through an MCP client."""

from typing import Any

import pytest

from conftest import Connect
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

MODEL, AUDIO, TEXT = (
    "Contoso finished model en-US",
    "Contoso audio with transcripts en-US",
    "Contoso plain text en-US",
)
TEST: dict[str, Any] = {"model": MODEL, "dataset": AUDIO}


@pytest.mark.parametrize("version", ["2025-10-15", "v3.2", "2024-11-15"])
async def test_create_evaluation_compares_with_the_base_model(connect: Connect, version: str) -> None:
    async with connect(version=version) as call:
        evaluation = await call("create_evaluation", **TEST, wait_seconds=10)
        model = await call("get_model", model=MODEL)

    own, base = evaluation["models"]
    assert (own["display_name"], base["id"]) == (MODEL, model["base_model"]["id"])
    assert own["word_error_rate"] < base["word_error_rate"]
    assert own["words"] == base["words"] == 374
    assert evaluation["difference"]["absolute"] < 0
    assert evaluation["status"] == "Succeeded"


async def test_create_evaluation_makes_one_for_the_same_request(call: Caller, azure: Azure) -> None:
    first = await call("create_evaluation", **TEST)
    again = await call("create_evaluation", **TEST)

    assert (again["id"], again["already_existed"]) == (first["id"], True)
    assert await azure.writes() == ["Evaluations_Create"]


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ({"dataset": TEXT}, ["test-data-scorable", "test-data-unseen"]),
        ({"dataset": "Contoso audio de-DE"}, ["locale-match", "test-data-scorable"]),
        ({"model": "Nothing", "dataset": "Nothing"}, ["reference-found", "reference-found"]),
        ({"compare_with": "Nothing"}, ["reference-found"]),
        ({"project": "Contoso de-DE"}, ["locale-match"]),
    ],
)
async def test_create_evaluation_reports_every_finding_and_sends_nothing(
    call: Caller, azure: Azure, arguments: dict[str, Any], rules: list[str]
) -> None:
    assert rules_of(await call.refusal("create_evaluation", **TEST | arguments)) == rules
    assert await azure.writes() == []


async def test_create_evaluation_refuses_a_model_that_is_still_training(connect: Connect) -> None:
    async with connect(confirm="never") as call:
        model = await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT])
        refusal = await call.refusal("create_evaluation", model=model["id"], dataset=AUDIO)

    assert rules_of(refusal) == ["model-is-ready"]
    assert "Wait for it" in refusal


async def test_create_evaluation_warns_that_a_model_was_trained_with_the_test_data(connect: Connect) -> None:
    async with connect(confirm="never") as call:
        model = await call(
            "create_model", display_name="Calls", locale="en-US", datasets=[AUDIO], base_model="20230614"
        )
        await call("get_model", model=model["id"], wait_seconds=10)
        evaluation = await call("create_evaluation", model=model["id"], dataset=AUDIO)

    assert [finding["rule"] for finding in evaluation["findings"]] == ["test-data-unseen"]


async def test_create_evaluation_of_a_model_against_itself_warns_and_offers_no_deployment(call: Caller) -> None:
    evaluation = await call("create_evaluation", **TEST, compare_with=MODEL, wait_seconds=10)

    assert [finding["rule"] for finding in evaluation["findings"]] == ["reference-found"]
    assert "is tested against itself" in evaluation["findings"][0]["message"]
    assert evaluation["difference"] is None
    assert "deploy_model" not in str(evaluation["next_steps"])
    assert "create_evaluation" in evaluation["next_steps"][0]
