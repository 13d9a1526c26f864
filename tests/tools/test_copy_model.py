"""copy_model …"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from conftest import Connect
from custom_speech_server.audit_log import AuditFile
from custom_speech_server.resource_config import EMULATED
from custom_speech_tools.speech import VERSIONS
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

STOCK = "Contoso finished model en-US"
AWAY = "emulator-westeurope"
TEXT = "Contoso plain text en-US"


async def trained(call: Caller, name: str = "Calls") -> str:
    """The id of a model that was trained by create_model."""
    made = await call("create_model", display_name=name, locale="en-US", datasets=[TEXT])
    return str((await call("get_model", model=made["id"], wait_seconds=45))["id"])


async def test_copy_model_copies_a_model_to_another_region(call: Caller) -> None:
    """The new model is on the target, with its own id."""
    source = await trained(call)

    copy = await call("copy_model", model=source, to_resource=AWAY, wait_seconds=45)

    assert (copy["status"], copy["resource"], copy["error"]) == ("Succeeded", "emulator-eastus", None)
    assert copy["model"]["id"] != source
    assert (copy["model"]["display_name"], copy["model"]["resource"]) == ("Calls", AWAY)
    assert (await call("get_model", model=copy["model"]["id"], resource=AWAY))["locale"] == "en-US"


async def test_copy_model_connects_the_copy_to_a_project(call: Caller) -> None:
    """The portals show only what is connected."""
    source = await trained(call)

    copy = await call("copy_model", model=source, to_resource=AWAY, project="Contoso en-US", wait_seconds=45)

    assert copy["model"]["project"]["display_name"] == "Contoso en-US"


async def test_copy_model_records_the_copied_model_on_a_copy_of_a_copy(call: Caller) -> None:
    """The copy inherits the properties of its source, which name the source of that."""
    chain, resource = [await trained(call)], "emulator-eastus"
    for target in (AWAY, "emulator-brazilsouth"):
        copy = await call(
            "copy_model",
            model=chain[-1],
            to_resource=target,
            project="Contoso en-US",
            resource=resource,
            wait_seconds=45,
        )
        chain, resource = [*chain, copy["model"]["id"]], target

    last = await call("get_model", model=chain[2], resource=resource)

    assert last["copied_from"] == chain[1]


async def test_copy_model_says_which_project_a_copy_was_in_before(call: Caller) -> None:
    source, first = await trained(call), await call.id_of("projects", "Contoso en-US", AWAY)
    await call("create_project", display_name="Clinic", locale="en-US", resource=AWAY)

    copies = [
        await call("copy_model", model=source, to_resource=AWAY, project=project, wait_seconds=45)
        for project in ("Contoso en-US", "Clinic", "Clinic")
    ]

    note = f'The model was in project "Contoso en-US" ({first}) until now; a model has one project.'
    assert [one.get("note") for one in copies] == [None, note, None]
    assert [one["model"]["project"]["display_name"] for one in copies] == ["Contoso en-US", "Clinic", "Clinic"]


@pytest.mark.parametrize("project", [None, "Contoso en-US"])
async def test_copy_model_makes_a_copy_that_lists_show_as_one(call: Caller, project: str | None) -> None:
    """By the key of its source, which it keeps; a connected copy also names its source."""
    source = await trained(call)
    await call("copy_model", model=source, to_resource=AWAY, project=project, wait_seconds=45)

    listed = await call("list_models", display_name="Calls", resource=AWAY)
    there = await call("list_models", display_name="Calls")

    assert [(one["is_copy"], one.get("copied_from")) for one in listed["models"]] == [(True, project and source)]
    assert [one["is_copy"] for one in there["models"]] == [False]


async def test_copy_model_says_what_remains_when_the_time_ran_out(call: Caller) -> None:
    """The exact calls that follow."""
    source = await trained(call)

    copy = await call("copy_model", model=source, to_resource=AWAY, project="Contoso en-US")

    project = await call.id_of("projects", "Contoso en-US", AWAY)
    assert copy["model"] is None
    assert copy["next_steps"] == [
        f'get_copy(operation="{copy["operation"]}", wait_seconds=25, resource="emulator-eastus")',
        "Choose the `model` that get_copy returns (model), then call connect_model with "
        f'project="{project}", resource="{AWAY}".',
    ]


async def test_copy_model_costs_three_round_trips_until_the_copy_runs(call: Caller, azure: Azure) -> None:
    """The facts; the authorization beside the look at the target; the copy."""
    source = await trained(call)
    await azure.forget()

    await call("copy_model", model=source, to_resource=AWAY)

    operations = await azure.operations()
    assert operations[0] == "Models_GetCustomModel"
    assert sorted(operations[1:3]) == ["Models_AuthorizeCopy", "Models_ListCustomModels"]
    assert operations[3:] == ["Models_Copy"]


async def test_copy_model_copies_once(call: Caller, azure: Azure) -> None:
    """The same copy asked for again is found on the target, even after a restart."""
    source = await trained(call)
    first = await call("copy_model", model=source, to_resource=AWAY, wait_seconds=45)

    again = await call("copy_model", model=source, to_resource=AWAY, wait_seconds=45)

    assert again["model"]["id"] == first["model"]["id"]
    assert again["model"]["already_existed"]
    assert (await azure.writes()).count("Models_Copy") == 1


async def test_copy_model_copies_again_where_the_copy_failed(connect: Connect, azure: Azure) -> None:
    """A failed copy is never the same, and the answer names it."""
    nameless = tuple(replace(one, resource_id=None, api_version=VERSIONS["v3.2"]) for one in EMULATED.all)
    async with connect(resources=replace(EMULATED, all=nameless), confirm="never") as call:
        source = await trained(call)
        first = await call("copy_model", model=source, to_resource=AWAY)
        await azure.finish(first["model"]["id"], "Failed")
        again = await call("copy_model", model=source, to_resource=AWAY)

    assert (again["model"]["id"] != first["model"]["id"], again["model"]["already_existed"]) == (True, False)
    assert [finding["message"] for finding in again["findings"]] == [
        f'An earlier copy of this model, model "{again["model"]["display_name"]}" ({first["model"]["id"]}), '
        'failed: "Ended by /_emulator/finish". It is not used again.'
    ]
    azure.violations.clear()  # the published specification does not know the article's form


async def test_copy_model_says_of_a_model_of_the_name_whether_it_is_the_copy(call: Caller) -> None:
    """The stock's model there was trained with data of its own."""
    there = (await call("list_models", resource=AWAY))["models"][0]

    refusal = await call.refusal("copy_model", model=STOCK, to_resource=AWAY)

    created = there["created"].replace("T", " ")[: len("2026-01-31 12:00")]
    assert (
        f"{there['id']} (en-US, Succeeded, created {created}). It is not a copy, because it was trained there."
        in refusal
    )


async def test_copy_model_copies_once_across_servers(connect: Connect, azure: Azure) -> None:
    """Another process knows nothing but what the service says."""
    async with connect(confirm="never") as call:
        source = await trained(call)
        await call("copy_model", model=source, to_resource=AWAY, wait_seconds=45)

    async with connect(confirm="never") as call:
        again = await call("copy_model", model=source, to_resource=AWAY)

    assert again["model"]["already_existed"]
    assert (await azure.writes()).count("Models_Copy") == 1


async def test_copy_model_makes_one_copy_of_ten_calls_at_once(call: Caller, azure: Azure) -> None:
    """They all get the same operation."""
    source = await trained(call)
    operations: list[Any] = []

    async def copy() -> None:
        operations.append((await call("copy_model", model=source, to_resource=AWAY))["operation"])

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(copy)

    assert len(set(operations)) == 1
    assert (await azure.writes()).count("Models_Copy") == 1


async def test_copy_model_copies_each_of_two_trainings_of_the_same_request(call: Caller) -> None:
    """What was trained twice on purpose is two models, on the target as well."""
    request: dict[str, Any] = {"display_name": "Twice", "locale": "en-US", "datasets": [TEXT]}
    trainings = [await call("create_model", **request, allow_duplicate=second) for second in (False, True)]

    for training in trainings:
        await call("get_model", model=training["id"], wait_seconds=45)
    copies = [
        await call("copy_model", model=one["id"], to_resource=AWAY, allow_duplicate=True, wait_seconds=45)
        for one in trainings
    ]

    assert [copy["model"]["already_existed"] for copy in copies] == [False, False]
    assert len({copy["model"]["id"] for copy in copies}) == 2


async def test_copy_model_tells_targets_of_one_region_apart(connect: Connect) -> None:
    """Resources of a region share its address; the key makes the difference."""
    regional = tuple(replace(resource, endpoint="http://localhost") for resource in EMULATED.all)
    async with connect(resources=replace(EMULATED, all=regional), confirm="never") as call:
        source = await trained(call)
        one, other = [
            await call("copy_model", model=source, to_resource=target) for target in (AWAY, "emulator-brazilsouth")
        ]

    assert one["operation"] != other["operation"]


@pytest.mark.parametrize("resource_id", [EMULATED.all[0].resource_id, None])
async def test_copy_model_copies_nothing_to_the_same_resource_by_another_name(
    connect: Connect, azure: Azure, resource_id: str | None
) -> None:
    """Configured twice it is still one resource, and the source is no copy of itself."""
    twice = (*EMULATED.all, replace(EMULATED.all[0], name="again", resource_id=resource_id))
    async with connect(resources=replace(EMULATED, all=twice), confirm="never") as call:
        source = await trained(call)
        refusal = await call.refusal("copy_model", model=source, to_resource="again")

    assert rules_of(refusal) == ["same-resource"]
    assert "Models_Copy" not in await azure.writes()


async def test_copy_model_copies_beside_a_model_that_is_certainly_another(call: Caller) -> None:
    """The stock has a model of the same name on the target, trained with data of its own."""
    copy = await call("copy_model", model=STOCK, to_resource=AWAY, allow_duplicate=True)

    assert copy["operation"]
    assert [(finding["rule"], finding["level"]) for finding in copy["findings"]] == [("already-exists", "warn")]


async def test_copy_model_does_not_take_another_model_of_the_name_for_the_copy(call: Caller, azure: Azure) -> None:
    """A newer unmarked model on the target might be an earlier copy: it is named, and nothing is copied."""
    source = await trained(call)
    other = await azure.ask(
        "POST", "/speechtotext/models", {"displayName": "Calls", "locale": "en-US"}, region="westeurope"
    )

    refusal = await call.refusal("copy_model", model=source, to_resource=AWAY)

    assert rules_of(refusal) == ["already-exists"]
    assert other.json()["self"].rpartition("/")[2].partition("?")[0] in refusal
    assert "Models_Copy" not in await azure.writes()


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ({"to_resource": "emulator-eastus"}, ["same-resource"]),
        ({"project": "Contoso de-DE"}, ["locale-match"]),
        ({"project": "No such project"}, ["reference-found"]),
        ({"model": "No such model", "to_resource": "emulator-eastus"}, ["reference-found", "same-resource"]),
        ({"to_resource": "nowhere"}, ["reference-found"]),
    ],
)
async def test_copy_model_refuses_with_every_finding(
    call: Caller, azure: Azure, arguments: dict[str, Any], rules: list[str]
) -> None:
    """And copies nothing."""
    refusal = await call.refusal("copy_model", **{"model": STOCK, "to_resource": AWAY} | arguments)

    assert rules_of(refusal) == rules
    assert await azure.writes() == []


async def test_copy_model_refuses_a_model_that_is_still_training(call: Caller, azure: Azure) -> None:
    """And names the call that waits for it."""
    made = await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT])

    refusal = await call.refusal("copy_model", model=made["id"], to_resource=AWAY)

    assert "model-is-ready" in rules_of(refusal)
    assert f'get_model(model="{made["id"]}", wait_seconds=25, resource="emulator-eastus")' in refusal


async def test_copy_model_refuses_a_model_that_failed(call: Caller, azure: Azure) -> None:
    """There is nothing to copy."""
    made = await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT])
    await azure.finish(made["id"], "Failed")

    assert rules_of(await call.refusal("copy_model", model=made["id"], to_resource=AWAY)) == ["model-is-ready"]


async def test_copy_model_refuses_a_model_past_its_end(connect: Connect, azure: Azure) -> None:
    """A model that no longer transcribes serves nobody on the target."""
    await azure.advance(timedelta(days=4000))
    async with connect() as call:
        refusal = await call.refusal("copy_model", model=STOCK, to_resource=AWAY)

    assert "model-is-ready" in rules_of(refusal)


@pytest.mark.parametrize("version", ["2025-10-15", "v3.2", "2024-11-15"])
async def test_copy_model_copies_by_authorization_in_every_api_version(
    connect: Connect, azure: Azure, version: str
) -> None:
    """The form of the published specifications."""
    async with connect(version=version) as call:
        copy = await call("copy_model", model=STOCK, to_resource=AWAY, allow_duplicate=True, wait_seconds=45)

    assert copy["status"] == "Succeeded"
    assert "Models_AuthorizeCopy" in await azure.operations()


async def test_copy_model_copies_with_the_targets_key_where_no_resource_id_is_known(
    connect: Connect, azure: Azure
) -> None:
    """v3.2 alone, as the article has it; the key is in no answer."""
    nameless = tuple(replace(one, resource_id=None, api_version=VERSIONS["v3.2"]) for one in EMULATED.all)
    async with connect(resources=replace(EMULATED, all=nameless)) as call:
        copy = await call(
            "copy_model", model=STOCK, to_resource=AWAY, allow_duplicate=True, project="Contoso en-US", wait_seconds=45
        )

    assert copy["operation"] is None
    assert copy["model"]["project"]["display_name"] == "Contoso en-US"
    assert "emulator-westeurope-key" not in str(copy)
    azure.violations.clear()  # the published specification does not know the article's form


async def test_copy_model_says_what_is_missing_for_an_authorization(connect: Connect) -> None:
    """The resource id of the source, named with its place."""
    nameless = tuple(replace(one, resource_id=None) for one in EMULATED.all)
    async with connect(resources=replace(EMULATED, all=nameless)) as call:
        refusal = await call.refusal("copy_model", model=STOCK, to_resource=AWAY)

    assert rules_of(refusal) == ["copy-authorized"]
    assert "resource_id" in refusal


async def test_copy_model_returns_a_running_copy_that_another_process_started(
    connect: Connect, azure: Azure, tmp_path: Path
) -> None:
    """The audit log knows its operation; the target does not show it yet."""
    answers = []
    async with connect(confirm="never") as call:
        source = await trained(call)
    for _ in range(4):
        async with connect(confirm="never", audit=AuditFile(tmp_path / "audit.jsonl")) as call:
            answers.append(await call("copy_model", model=source, to_resource=AWAY))

    running = [answer["operation"] for answer in answers if answer["operation"]]
    assert len(running) >= 2
    assert len(set(running)) == 1
    assert (await azure.writes()).count("Models_Copy") == 1


async def test_copy_model_names_model_and_target_while_it_runs(call: Caller) -> None:
    source = await trained(call)

    copy = await call("copy_model", model=source, to_resource=AWAY)

    assert copy["source"] == {"id": source, "display_name": "Calls"}
    assert (copy["status"], copy["to_resource"], copy["model"]) == ("NotStarted", AWAY, None)
    assert copy["check_again_after_seconds"] in range(1, 6)


async def test_copy_model_refuses_a_target_with_a_model_of_the_name_before_it_copies(
    call: Caller, azure: Azure
) -> None:
    refusal = await call.refusal("copy_model", model=STOCK, to_resource=AWAY)

    assert rules_of(refusal) == ["already-exists"]
    assert "allow_duplicate=true" in refusal
    assert await azure.writes() == []


async def test_copy_model_of_a_base_model_says_that_every_region_has_it(call: Caller, azure: Azure) -> None:
    base = (await call("list_base_models", locale="en-US"))["base_models"][0]
    for reference in (base["id"], base["display_name"]):
        refusal = await call.refusal("copy_model", model=reference, to_resource="emulator-westeurope")

        assert rules_of(refusal) == ["reference-found"]
        assert f'"{reference}" is a base model of Microsoft, not a custom model.' in refusal
    assert await azure.writes() == []
