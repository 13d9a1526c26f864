"""create_project, driven through an MCP client."""

import unicodedata
from typing import Any, Literal

import anyio
import pytest

from conftest import Connect
from support.speech_service import Azure
from support.tool_client import Caller

pytestmark = pytest.mark.anyio


async def test_create_project_creates_a_project_of_one_locale(call: Caller) -> None:
    project = await call("create_project", display_name="Clinic", locale="EN-us", description="Calls of the clinic")
    listed = (await call("list_projects", locale="en-US"))["projects"]

    assert {name: project[name] for name in ("display_name", "locale", "description", "already_existed")} == {
        "display_name": "Clinic",
        "locale": "en-US",
        "description": "Calls of the clinic",
        "already_existed": False,
    }
    assert listed[0]["id"] == project["id"]
    assert project["next_steps"][0] == (
        f'Choose a model (model), then call connect_model with project="{project["id"]}", resource="emulator-eastus".'
    )


async def test_create_project_creates_one_for_the_same_request(call: Caller, azure: Azure) -> None:
    first = await call("create_project", display_name="Clinic", locale="en-US")
    again = await call("create_project", display_name="Clinic", locale="en-us")
    other = await call("create_project", display_name="Clinic", locale="de-DE")

    assert (again["id"], again["already_existed"]) == (first["id"], True)
    assert other["id"] != first["id"]
    assert await azure.writes() == ["Projects_Create", "Projects_Create"]


async def test_create_project_is_refused_where_the_api_version_has_no_projects(connect: Connect, azure: Azure) -> None:
    async with connect(version="2024-11-15") as call:
        refusal = await call.refusal("create_project", display_name="Clinic", locale="en-US")

    assert refusal.splitlines() == [
        "Nothing was created.",
        "- [block: project-supported] API version 2024-11-15 of resource emulator-eastus has no projects. Work without "
        "a project, or configure api_version 2025-10-15 for the resource.",
        "This request cannot be carried out; tell your user.",
    ]
    assert await azure.writes() == []


async def test_create_project_explains_a_locale_that_the_service_does_not_offer(call: Caller) -> None:
    refusal = await call.refusal("create_project", display_name="Clinic", locale="xx-XX")

    assert "InvalidLocale" in refusal


async def test_create_project_at_two_resources_at_once_makes_one_each(call: Caller) -> None:
    found: list[dict[str, Any]] = []

    async def create(resource: str) -> None:
        found.append(await call("create_project", display_name="Clinic", locale="en-US", resource=resource))

    async with anyio.create_task_group() as tasks:
        for resource in ("emulator-eastus", "emulator-westeurope") * 6:
            tasks.start_soon(create, resource)

    assert len({project["id"] for project in found}) == 2
    assert len({(project["id"], project["resource"]) for project in found}) == 2


async def test_create_project_takes_both_unicode_forms_of_a_name_for_one(call: Caller) -> None:
    names = [unicodedata.normalize(form, "Büro") for form in ("NFD", "NFC")]
    first, again = [await call("create_project", display_name=name, locale="de-DE") for name in names]

    assert (again["id"], again["already_existed"], again["display_name"]) == (first["id"], True, names[1])


@pytest.mark.parametrize(("here", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
async def test_names_are_found_in_either_unicode_form(
    call: Caller, azure: Azure, here: Literal["NFC", "NFD"], there: Literal["NFC", "NFD"]
) -> None:
    """Of a project and a dataset that somebody else made, with a portal on macOS for example."""
    asked, named = unicodedata.normalize(here, "Büro"), unicodedata.normalize(there, "Büro")
    content = {"kind": "Language", "contentUrl": "https://contoso.example/a.txt"}
    body = {"displayName": named, "locale": "de-DE"}
    for path, more in (("projects", {}), ("datasets", content)):
        await azure.ask("POST", f"/speechtotext/{path}", body | more)
    project = (await call("list_projects", locale="de-DE"))["projects"][0]
    upload = {"display_name": "Calls", "locale": "de-DE", "kind": "Language", "lines": ["guten Tag"]}

    assert (await call("upload_dataset", **upload, project=asked))["project"] == {
        "id": project["id"],
        "display_name": "Büro",
    }
    assert (await call("get_dataset", dataset=asked))["display_name"] == "Büro"
