"""create_evaluation, driven through an MCP client."""

from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from support.recordings import wav, zipped
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

MODEL, AUDIO, TEXT = (
    "Contoso finished model en-US",
    "Contoso audio with transcripts en-US",
    "Contoso plain text en-US",
)
NO_DEPLOYMENT = "Leave the endpoints as they are; this test does not show that the first model is better"
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


async def test_create_evaluation_names_the_models_and_the_data(call: Caller) -> None:
    evaluation = await call("create_evaluation", **TEST)
    other = evaluation["models"][1]["display_name"]

    assert evaluation["display_name"] == f"{MODEL} against {other} on {AUDIO}"


async def test_create_evaluation_says_before_the_test_that_it_is_void_and_names_unseen_data(
    connect: Connect, tmp_path: Path
) -> None:
    async with connect(confirm="never", data_dirs=(tmp_path,)) as call:
        (tmp_path / "audio.zip").write_bytes(zipped({"1.wav": wav(), "trans.txt": "1.wav\tPlease hold the line\n"}))
        other = await call(
            "upload_dataset", display_name="Unseen", locale="en-US", kind="Acoustic", path="audio.zip", wait_seconds=10
        )
        model = await call("create_model", display_name="M", locale="en-US", datasets=[AUDIO], base_model="20230614")
        await call("get_model", model=model["id"], wait_seconds=10)
        first = await call("create_evaluation", model=model["id"], dataset=AUDIO)
        done = await call("get_evaluation", evaluation=first["id"], wait_seconds=10)
        listed = await call("list_evaluations")

    assert first["verdict"].startswith('Void: "M" was trained with this dataset. ')
    assert (first["status"], first["is_void"]) == ("NotStarted", True)
    assert [one["fix"] for one in first["findings"]] == [
        f'create_evaluation(model="{model["id"]}", compare_with="{model["base_model"]["id"]}", '
        f'dataset="{other["id"]}", resource="{other["resource"]}") tests with "Unseen", which neither model was '
        "trained with."
    ]
    assert done["difference"]["is_significant"] is None
    assert done["verdict"].startswith('Void: "M" was trained with this dataset. ')
    assert "deploy_model" not in str(done["next_steps"])
    assert [one["is_void"] for one in listed["evaluations"]] == [True]


async def test_create_evaluation_says_that_models_of_the_same_data_and_base_model_do_not_differ(
    connect: Connect,
) -> None:
    async with connect(confirm="never") as call:
        for name in ("A", "B"):
            await call(
                "create_model",
                display_name=name,
                locale="en-US",
                datasets=[TEXT],
                base_model="20230614",
                allow_duplicate=True,
            )
            await call("get_model", model=name, wait_seconds=10)
        evaluation = await call("create_evaluation", model="A", compare_with="B", dataset=AUDIO, wait_seconds=10)

    assert evaluation["verdict"] == (
        "No difference: both models recognized the same. Both models have the same base model and the same training "
        "data. This is the emulator: it simulates recognition, so the rates are not real."
    )
    assert evaluation["next_steps"][1:] == [NO_DEPLOYMENT]


async def test_create_evaluation_offers_deployment_of_a_better_model_where_the_compared_one_is(call: Caller) -> None:
    better = await call("create_evaluation", **TEST, wait_seconds=10)
    own, base = (one["id"] for one in better["models"])
    live = await call("deploy_model", model=base, display_name="Live", wait_seconds=10)
    hosted = await call("get_evaluation", evaluation=better["id"])
    worse = await call("create_evaluation", model=base, compare_with=own, dataset=AUDIO, wait_seconds=10)

    here = f'resource="{live["resource"]}"'
    assert better["next_steps"][1] == (
        f'deploy_model(model="{own}", display_name="{MODEL}", {here}) deploys the better model to a new endpoint; no '
        "endpoint has the compared one"
    )
    assert hosted["next_steps"][1] == (
        f'deploy_model(model="{own}", endpoint="{live["id"]}", {here}) puts the better model into endpoint "Live", '
        "which has the compared one"
    )
    assert worse["verdict"].startswith("Worse: 20.3 % against 5.9 % of ")
    assert worse["next_steps"][1:] == [NO_DEPLOYMENT]
