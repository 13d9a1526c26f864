"""connect_model …"""

from dataclasses import replace
from typing import Any

import pytest

from conftest import Connect
from custom_speech_server.resource_config import EMULATED
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

TEXT = "Contoso plain text en-US"


async def unconnected(call: Caller) -> str:
    """The id of a model without a project."""
    return str((await call("create_model", display_name="Calls", locale="en-US", datasets=[TEXT]))["id"])


async def test_connect_model_shows_a_model_in_a_project(call: Caller) -> None:
    """By name as by id."""
    model = await call("connect_model", model=await unconnected(call), project="Contoso en-US")

    assert model["project"]["display_name"] == "Contoso en-US"
    assert not model["already_existed"]


async def test_connect_model_costs_two_round_trips(call: Caller, azure: Azure) -> None:
    """Model and project side by side, then the change; the names of the other parts cost one more."""
    model, project = await unconnected(call), await call.id_of("projects", "Contoso en-US")
    await azure.forget()

    await call("connect_model", model=model, project=project)

    operations = await azure.operations()
    assert sorted(operations[:2]) == ["Models_GetCustomModel", "Projects_Get"]
    assert operations[2] == "Models_Update"
    assert sorted(operations[3:]) == ["Datasets_Get", "Models_GetBaseModel"]


async def test_connect_model_changes_nothing_the_second_time(call: Caller, azure: Azure) -> None:
    """What stands is left alone."""
    model = await unconnected(call)
    await call("connect_model", model=model, project="Contoso en-US")
    await azure.forget()

    again = await call("connect_model", model=model, project="Contoso en-US")

    assert again["already_existed"]
    assert await azure.writes() == []


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ({"project": "Contoso de-DE"}, ["locale-match"]),
        ({"project": "Nothing"}, ["reference-found"]),
        ({"project": "Nothing", "model": "Nothing"}, ["reference-found", "reference-found"]),
        (
            {"project": "http://westeurope.localhost/speechtotext/projects/00000000-0000-4000-8000-000000000000"},
            ["same-resource"],
        ),
    ],
)
async def test_connect_model_refuses_with_every_finding(
    call: Caller, azure: Azure, arguments: dict[str, Any], rules: list[str]
) -> None:
    """And connects nothing."""
    request = {"model": "Contoso finished model en-US", "project": "Contoso en-US"} | arguments

    assert rules_of(await call.refusal("connect_model", **request)) == rules
    assert await azure.writes() == []


async def test_connect_model_refuses_a_model_that_failed(call: Caller, azure: Azure) -> None:
    """A failed model cannot be used; the service's reason is a sentence of its own."""
    model = await unconnected(call)
    await azure.finish(model, "Failed", {"code": "InvalidData", "message": "Too little data"})

    refusal = await call.refusal("connect_model", model=model, project="Contoso en-US")

    assert rules_of(refusal) == ["model-is-ready"]
    assert 'Training of model "Calls" failed: "Too little data". Correct the cause and train it again' in refusal


async def test_connect_model_says_what_else_is_wrong_on_a_read_only_resource(connect: Connect, azure: Azure) -> None:
    """One refusal has every finding, the first does not hide the rest."""
    protected = tuple(replace(resource, read_only=True) for resource in EMULATED.all)
    async with connect(resources=replace(EMULATED, all=protected)) as call:
        refusal = await call.refusal("connect_model", model="Contoso finished model en-US", project="Contoso de-DE")

    assert rules_of(refusal) == ["resource-writable", "locale-match"]
    assert 'list_projects(locale="en-US", resource="emulator-eastus")' in refusal
    assert await azure.writes() == []


async def test_connect_model_explains_itself_where_there_are_no_projects(connect: Connect) -> None:
    """2024-11-15."""
    async with connect(version="2024-11-15") as call:
        refusal = await call.refusal("connect_model", model="Contoso finished model en-US", project="Contoso en-US")

    assert rules_of(refusal) == ["project-supported"]


async def test_connect_model_names_the_project_that_it_replaced(call: Caller, azure: Azure) -> None:
    model, first = await unconnected(call), await call.id_of("projects", "Contoso en-US")
    second = await call("create_project", display_name="Clinic", locale="en-US")

    connected = await call("connect_model", model=model, project=first)
    moved = await call("connect_model", model=model, project=second["id"])
    again = await call("connect_model", model=model, project=second["id"])

    note = f'The model was in project "Contoso en-US" ({first}) until now; a model has one project.'
    assert [one.get("note") for one in (connected, moved, again)] == [None, note, None]
    assert moved["project"] == {"id": second["id"], "display_name": "Clinic"}
