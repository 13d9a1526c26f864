"""get_model …"""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from conftest import Connect
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

STOCK = "Contoso finished model en-US"


async def stock_model(call: Caller) -> str:
    """The id of the model that is there from the start."""
    return str((await call("list_models"))["models"][0]["id"])


async def test_get_model_shows_everything_a_caller_needs(call: Caller) -> None:
    """All fields are there, null where there is nothing."""
    model = await call("get_model", model=STOCK)

    assert set(model) == {
        "id",
        "display_name",
        "locale",
        "status",
        "resource",
        "region",
        "emulated",
        "description",
        "base_model",
        "datasets",
        "project",
        "created",
        "last_action",
        "transcription_until",
        "error",
        "already_existed",
        "findings",
        "next_steps",
        "now",
    }
    assert (model["status"], model["region"], model["emulated"]) == ("Succeeded", "eastus", True)


def parts_of(model: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of an answer that have names."""
    return [part for part in (model["base_model"], model["project"], *model["datasets"]) if part]


async def test_get_model_takes_id_uri_or_name(call: Caller, azure: Azure) -> None:
    """An id costs one request, and so do a URI and a name; the names of its parts are read side by side."""
    model = await stock_model(call)
    uri = f"http://eastus.localhost/speechtotext/models/{model}?api-version=2025-10-15"
    await azure.forget()

    found = [await call("get_model", model=reference) for reference in (model, model.upper(), uri, STOCK)]

    assert {answer["id"] for answer in found} == {model}
    operations = await azure.operations()
    assert operations.count("Models_GetCustomModel") + operations.count("Models_ListCustomModels") == 4
    assert len(operations) == 4 * (1 + len({part["id"] for part in parts_of(found[0])}))


async def test_get_model_waits_until_training_has_ended(call: Caller) -> None:
    """It looks again until the status is a last one."""
    data = await call.id_of("datasets", "Contoso plain text en-US")
    made = await call("create_model", display_name="Calls", locale="en-US", datasets=[data])
    assert made["status"] in ("NotStarted", "Running")

    model = await call("get_model", model=made["id"], wait_seconds=45)

    assert model["status"] == "Succeeded"
    assert model["next_steps"] == [
        f'Choose a test dataset (dataset), then call create_evaluation with model="{made["id"]}", '
        'resource="emulator-eastus".',
        f'Choose a project (project), then call connect_model with model="{made["id"]}", resource="emulator-eastus".',
        f'Choose another resource (to_resource), then call copy_model with model="{made["id"]}", '
        'resource="emulator-eastus".',
    ]


async def test_get_model_reports_progress_while_it_waits(call: Caller) -> None:
    """A client that shows progress sees each look."""
    data = await call.id_of("datasets", "Contoso plain text en-US")
    made = await call("create_model", display_name="Calls", locale="en-US", datasets=[data])
    seen: list[str | None] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append(message)

    arguments = {"model": made["id"], "wait_seconds": 45}
    await call.client.call_tool("get_model", arguments, progress_callback=progress)

    assert seen
    assert all("for 0 s" in str(message) for message in seen)


async def test_get_model_names_the_next_call_while_it_runs(call: Caller) -> None:
    """With real values, ready to be made."""
    data = await call.id_of("datasets", "Contoso plain text en-US")
    made = await call("create_model", display_name="Calls", locale="en-US", datasets=[data])

    model = await call("get_model", model=made["id"])

    assert model["next_steps"] == [f'get_model(model="{made["id"]}", wait_seconds=25, resource="emulator-eastus")']


async def test_get_model_tells_why_training_failed(call: Caller, azure: Azure) -> None:
    """The service's reason is in `error`, and the next step is another request."""
    data = await call.id_of("datasets", "Contoso plain text en-US")
    made = await call("create_model", display_name="Calls", locale="en-US", datasets=[data])
    await azure.finish(made["id"], "Failed", {"code": "InvalidData", "message": "Illegal characters."})

    model = await call("get_model", model=made["id"])

    assert (model["status"], model["error"]) == ("Failed", {"code": "InvalidData", "message": "Illegal characters."})
    assert "allow_duplicate=true" in model["next_steps"][0]


@pytest.mark.parametrize("wrong", ["b491704a-b49c-42f7-aab1-65b3b8ad05ed", "No such model"])
async def test_get_model_says_what_to_call_for_an_unknown_model(call: Caller, wrong: str) -> None:
    """An unknown id and an unknown name get the same help."""
    refusal = await call.refusal("get_model", model=wrong)

    assert rules_of(refusal) == ["reference-found"]
    assert 'list_models(resource="emulator-eastus")' in refusal


async def test_get_model_does_not_find_a_model_of_another_resource(call: Caller) -> None:
    """Ids belong to one resource."""
    refusal = await call.refusal("get_model", model=await stock_model(call), resource="emulator-westeurope")

    assert rules_of(refusal) == ["reference-found"]
    assert "an id belongs to one resource only" in refusal


@pytest.mark.parametrize(
    ("uri", "rule"),
    [
        ("https://evil.example/speechtotext/models/{id}", "same-resource"),
        ("http://eastus.localhost.evil.example/speechtotext/models/{id}", "same-resource"),
        ("http://user@eastus.localhost/speechtotext/models/{id}", "same-resource"),
        ("http://westeurope.localhost/speechtotext/models/{id}", "same-resource"),
        ("http://eastus.localhost/speechtotext/models/base/{id}", "reference-found"),
        ("http://eastus.localhost/speechtotext/datasets/{id}", "reference-found"),
        ("http://eastus.localhost/speechtotext/models/{id}/files", "reference-found"),
        ("http://eastus.localhost/speechtotext/models/..%2f{id}", "reference-found"),
    ],
)
async def test_get_model_asks_nothing_for_a_uri_that_is_not_its_own(
    call: Caller, azure: Azure, uri: str, rule: str
) -> None:
    """Another host, another kind, anything but one model of this resource."""
    refusal = await call.refusal("get_model", model=uri.format(id=uuid.uuid4()))

    assert rules_of(refusal) == [rule]
    assert await azure.requests() == []


async def test_get_model_refuses_an_ambiguous_name_with_the_candidates(call: Caller) -> None:
    """Both ids are named, so that one can be chosen."""
    data = await call.id_of("datasets", "Contoso plain text en-US")
    twins = [
        await call("create_model", display_name="Twins", locale="en-US", datasets=[data], allow_duplicate=True)
        for _ in range(2)
    ]

    refusal = await call.refusal("get_model", model="Twins")

    assert rules_of(refusal) == ["reference-found"]
    assert all(twin["id"] in refusal for twin in twins)


@pytest.mark.parametrize("version", ["2025-10-15", "v3.2", "2024-11-15"])
async def test_get_model_speaks_every_api_version(connect: Connect, version: str) -> None:
    """The answer is the same but for what a version does not have."""
    async with connect(version=version) as call:
        model = await call("get_model", model=STOCK)

    assert (model["display_name"], model["status"]) == (STOCK, "Succeeded")


async def test_get_model_reads_each_part_once_whatever_was_read_before(call: Caller, azure: Azure) -> None:
    """Earlier calls change neither the answer nor its requests."""
    data = await call.id_of("datasets", "Contoso plain text en-US")
    made = await call("create_model", display_name="Calls", locale="en-US", datasets=[data])
    await azure.forget()

    model = await call("get_model", model=made["id"])

    assert model["datasets"] == [{"id": data, "display_name": "Contoso plain text en-US", "kind": "Language"}]
    assert model["base_model"]["display_name"]
    first, *parts = await azure.operations()
    assert (first, sorted(parts)) == ("Models_GetCustomModel", ["Datasets_Get", "Models_GetBaseModel"])


async def test_get_model_outlives_a_service_whose_clock_moves(call: Caller, azure: Azure) -> None:
    """A model is readable after its transcription date."""
    await azure.advance(timedelta(days=3 * 365))

    assert (await call("get_model", model=STOCK))["transcription_until"] < "2029-12-31"
