"""delete_entity of a project with its contents, driven through an MCP client."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from mcp.types import ElicitResult

from conftest import Connect
from custom_speech_tools.speech import paging
from support.speech_service import Azure
from support.tool_client import rules_of
from support.virtual_time import BACKEND, START

pytestmark = pytest.mark.anyio

PROJECTS = "https://eastus.api.cognitive.microsoft.com/speechtotext/projects"
EAST, WEST = "emulator-eastus", "emulator-westeurope"
ORDER = ("endpoint", "evaluation", "model", "dataset", "transcription", "project")
NAMES = ("Live", "Test", "Calls", "Terms", "Meeting", "Clinic")
DELETIONS = [f"{kind.capitalize()}s_Delete" for kind in ORDER]
LOSSES = (
    "Applications that use its id stop working; a new endpoint gets another id.",
    "Its error rates and details cannot be restored.",
    "The trained model cannot be restored, and training it again may be charged; copies elsewhere stay.",
    "The uploaded data cannot be restored.",
    "Its texts cannot be restored; transcribing again is billed again.",
    "A new project gets another id.",
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Virtual time: a request that fails is sent again after a pause."""
    return BACKEND


async def clinic(connect: Connect, azure: Azure) -> dict[str, str]:
    """Make a project that contains an entity of each kind; return the ids by kind, in the order of the deletion."""
    place: dict[str, Any] = {"project": "Clinic", "wait_seconds": 10}
    training: dict[str, Any] = {"display_name": "Calls", "locale": "en-US", "base_model": "20230614"}
    audio = "Contoso audio with transcripts en-US"
    async with connect(confirm="never") as call:
        project = await call("create_project", display_name="Clinic", locale="en-US")
        text: dict[str, Any] = {"kind": "Language", "lines": ["hold the reset pin"]}
        dataset = await call("upload_dataset", display_name="Terms", locale="en-US", **text, **place)
        model = await call("create_model", datasets=[dataset["id"]], **training, **place)
        test = await call("create_evaluation", model=model["id"], dataset=audio, display_name="Test", **place)
        endpoint = await call("deploy_model", model=model["id"], display_name="Live", **place)
    meeting = await transcription(azure, project["id"])
    await azure.forget()
    return dict(
        zip(ORDER, [endpoint["id"], test["id"], model["id"], dataset["id"], meeting, project["id"]], strict=True)
    )


async def transcription(azure: Azure, project: str, name: str = "Meeting") -> str:
    """Transcribe in a project, as the portal does; return the id of the finished transcription."""
    body = {
        "displayName": name,
        "locale": "en-US",
        "contentUrls": ["https://contoso.blob.core.windows.net/calls/1.wav"],
        "project": {"self": f"{PROJECTS}/{project}"},
        "properties": {"timeToLiveHours": 48},
    }
    made = await azure.ask("POST", "/speechtotext/transcriptions:submit", body)
    identifier = made.json()["self"].partition("?")[0].rpartition("/")[2]
    await azure.finish(identifier, "Succeeded")
    return str(identifier)


def agreeing(asked: list[str], meanwhile: Callable[[], Awaitable[Any]] | None = None) -> dict[str, Any]:
    """Return the options of a client whose user agrees, perhaps after something else has happened."""

    async def agree(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        if meanwhile and len(asked) == 1:
            await meanwhile()
        return ElicitResult(action="accept", content={"agree": True})

    return {"elicitation_callback": agree}


def answer(ids: dict[str, str], outcomes: tuple[str, ...], note: str | None = None) -> dict[str, Any]:
    """Return the answer to the deletion of the project."""
    rows = zip(ORDER, NAMES, outcomes, strict=True)
    again = f'delete_entity(kind="project", entity="{ids["project"]}", with_contents=true, resource="{EAST}")'
    return {
        "next_steps": [
            f"{again} goes on with the rest" if note else f'list_projects(resource="{EAST}") lists what exists'
        ],
        **({"note": note} if note else {}),
        "resource": EAST,
        "region": "eastus",
        "emulated": True,
        "id": ids["project"],
        "kind": "project",
        "display_name": "Clinic",
        "locale": "en-US",
        "deleted": note is None,
        "deletions": [
            {"kind": kind, "id": ids[kind], "display_name": name, "outcome": outcome} for kind, name, outcome in rows
        ],
        "findings": [],
    }


PROJECT = {"kind": "project", "entity": "Clinic", "with_contents": True}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_delete_project_asks_once_and_deletes_everything_in_order(
    connect: Connect, azure: Azure, mode: str
) -> None:
    ids, asked = await clinic(connect, azure), list[str]()
    seen: list[str | None] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append(message)

    async with connect(confirm="ask", client={"mode": mode, **agreeing(asked)}) as call:
        result = await call.client.call_tool("delete_entity", PROJECT, progress_callback=progress)
        gone = await call.refusal("list_models", project="Clinic")

    named = [f'{kind} "{name}" ({ids[kind]})' for kind, name in zip(ORDER, NAMES, strict=True)]
    where = f"for good on resource {EAST} (emulated)"
    assert asked == [f'This deletes {", ".join(named)} {where}. {" ".join(LOSSES)} Delete "Clinic" with its contents?']
    assert result.structured_content == answer(ids, ("deleted",) * 6)
    assert await azure.writes() == DELETIONS
    assert seen == [f"{number} of 6 deleted; next: {name}" for number, name in enumerate(named)]
    assert rules_of(gone) == ["reference-found"]


@pytest.mark.parametrize("version", ["2025-10-15", "v3.2"])
async def test_delete_project_takes_two_calls_of_a_client_that_cannot_ask(
    connect: Connect, azure: Azure, version: str
) -> None:
    ids = await clinic(connect, azure)

    async with connect(version=version, confirm="ask") as call:
        refusal = await call.refusal("delete_entity", **PROJECT)
        token = refusal.rpartition('confirm="')[2].partition('"')[0]
        deleted = await call("delete_entity", **PROJECT, confirm=token)

    named = [f'{kind} "{name}" ({ids[kind]})' for kind, name in zip(ORDER, NAMES, strict=True)]
    lines = [
        f"- [confirm: deletion-is-final] It is deleted with its project: {name}. {loss}"
        for name, loss in zip(named[:-1], LOSSES[:-1], strict=True)
    ]
    last = f"Deleting {named[-1]} cannot be undone. {LOSSES[-1]} Your user must agree first."
    then = f'Ask your user; once they agree, repeat the call with the same arguments and confirm="{token}"'
    assert refusal.splitlines() == [
        "Nothing was deleted.",
        *lines,
        f"- [confirm: deletion-is-final] {last}",
        f"{then} (valid for 10 minutes).",
    ]
    assert deleted == answer(ids, ("deleted",) * 6)
    assert await azure.writes() == DELETIONS


@pytest.mark.parametrize(
    ("operation", "fault", "outcome", "fate"),
    [
        ("Models_Delete", "503", "not known", "may have been deleted"),
        ("Models_Delete", "429", "not deleted", "was not deleted"),
        ("Models_GetCustomModel", "503", "not deleted", "was not deleted"),
    ],
)
async def test_delete_project_says_what_was_deleted_if_a_deletion_fails_and_the_next_call_goes_on(
    connect: Connect, azure: Azure, operation: str, fault: str, outcome: str, fate: str
) -> None:
    ids, asked = await clinic(connect, azure), list[str]()
    await azure.fail({"operation": operation, "fault": fault})

    async with connect(confirm="ask", client=agreeing(asked)) as call:
        first = await call("delete_entity", **PROJECT)
        await azure.fail()
        writes = await azure.writes()
        await azure.forget()
        second = await call("delete_entity", **PROJECT)

    note = first.pop("note")
    expected = answer(ids, ("deleted", "deleted", outcome, *["not deleted"] * 3), "failed")
    expected.pop("note")
    assert first == expected
    assert note.startswith(f'2 of 6 are deleted. The model "Calls" ({ids["model"]}) {fate}: {EAST} answered {fault}')
    assert note.endswith("The same call can be repeated in 10 s.")
    assert set(writes) in (set(DELETIONS[:2]), set(DELETIONS[:3]))
    assert second == answer(ids, ("deleted",) * 6) | {
        "deletions": [one | {"outcome": "deleted"} for one in first["deletions"][2:]]
    }
    assert await azure.writes() == DELETIONS[2:]
    assert len(asked) == 1


async def test_delete_project_asks_again_if_what_is_left_is_deleted_later(connect: Connect, azure: Azure) -> None:
    await clinic(connect, azure)
    asked, times = list[str](), [START]
    await azure.fail({"operation": "Models_Delete", "fault": "503"})

    async with connect(confirm="ask", client=agreeing(asked), now=lambda: times[-1]) as call:
        await call("delete_entity", **PROJECT)
        await azure.fail()
        times.append(START + timedelta(minutes=11))
        await call("delete_entity", **PROJECT)

    assert len(asked) == 2
    assert "Calls" in asked[1]
    assert "Live" not in asked[1]


async def test_delete_project_counts_what_somebody_else_has_deleted_meanwhile(connect: Connect, azure: Azure) -> None:
    ids = await clinic(connect, azure)

    async def meanwhile() -> None:
        await azure.ask("DELETE", f"/speechtotext/evaluations/{ids['evaluation']}")

    async with connect(confirm="ask", client={"mode": "legacy", **agreeing([], meanwhile)}) as call:
        deleted = await call("delete_entity", **PROJECT)

    assert deleted == answer(ids, ("deleted", "already gone", *["deleted"] * 4))


async def test_delete_project_deletes_nothing_that_the_user_was_not_asked_about(connect: Connect, azure: Azure) -> None:
    """Entities that appear after the question stay, and so does the project; the next call asks for them."""
    ids, asked, added = await clinic(connect, azure), list[str](), list[str]()

    async def meanwhile() -> None:
        added.append(await transcription(azure, ids["project"], "Another"))

    async with connect(confirm="ask", client={"mode": "legacy", **agreeing(asked, meanwhile)}) as call:
        first = await call("delete_entity", **PROJECT)
        writes = await azure.writes()
        second = await call("delete_entity", **PROJECT)

    again = f'delete_entity(kind="project", entity="{ids["project"]}", with_contents=true, resource="{EAST}")'
    why = (
        f'5 of 6 are deleted. The project "Clinic" ({ids["project"]}) was not deleted: The project "Clinic" '
        f'({ids["project"]}) is used by transcription "Another" ({added[0]}). {again} deletes the project with its '
        "contents, after your user has agreed."
    )
    assert first == answer(ids, (*["deleted"] * 5, "not deleted"), why)
    assert [one for one in writes if one.endswith("_Delete")] == DELETIONS[:-1]
    assert [added[0] in one for one in asked] == [False, True]
    assert second["deleted"]
    assert [one["id"] for one in second["deletions"]] == [added[0], ids["project"]]


async def test_delete_project_asks_again_for_what_appears_while_the_user_is_asked(
    connect: Connect, azure: Azure
) -> None:
    """Since 2026-07-28 the answer comes with another request, whose plan is made afresh."""
    ids, asked, added = await clinic(connect, azure), list[str](), list[str]()

    async def meanwhile() -> None:
        added.append(await transcription(azure, ids["project"], "Another"))

    async with connect(confirm="ask", client=agreeing(asked, meanwhile)) as call:
        deleted = await call("delete_entity", **PROJECT)

    assert [added[0] in one for one in asked] == [False, True]
    assert len(deleted["deletions"]) == 7


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"displayName": "Kept"}, 'This needs agreement: This deletes evaluation "Kept"'),
        (
            {"project": {"self": f"{PROJECTS}/{{}}"}},
            "no longer belongs to the project. It stays; call again for the rest.",
        ),
    ],
)
async def test_delete_project_leaves_what_was_renamed_or_moved_after_the_question(
    connect: Connect, azure: Azure, change: dict[str, Any], reason: str
) -> None:
    ids, asked = await clinic(connect, azure), list[str]()
    async with connect() as call:
        other = await call.id_of("projects", "Contoso en-US")
    changes = json.loads(json.dumps(change).replace("{}", other))

    async def meanwhile() -> None:
        await azure.ask("PATCH", f"/speechtotext/evaluations/{ids['evaluation']}", changes)

    async with connect(confirm="ask", client={"mode": "legacy", **agreeing(asked, meanwhile)}) as call:
        deleted = await call("delete_entity", **PROJECT)

    assert deleted["deleted"] is False
    assert [one["outcome"] for one in deleted["deletions"]] == ["deleted", *["not deleted"] * 5]
    assert reason in deleted["note"]
    assert [one for one in await azure.writes() if one.endswith("_Delete")] == DELETIONS[:1]


async def test_delete_project_deletes_no_entity_that_replaced_another_one_under_its_name(
    connect: Connect, azure: Azure
) -> None:
    ids = await clinic(connect, azure)
    async with connect(confirm="ask") as call:
        refusal = await call.refusal("delete_entity", **PROJECT)
        token = refusal.rpartition('confirm="')[2].partition('"')[0]
        await azure.ask("DELETE", f"/speechtotext/transcriptions/{ids['transcription']}")
        await transcription(azure, ids["project"])
        await azure.forget()
        again = await call.refusal("delete_entity", **PROJECT, confirm=token)

    assert "is not for these arguments" in again
    assert await azure.writes() == []


async def test_delete_project_says_everything_that_stands_against_it(connect: Connect, azure: Azure) -> None:
    """A model in use outside the project, and an entity that is still running."""
    ids = await clinic(connect, azure)
    async with connect(confirm="never") as call:
        endpoint = await call("deploy_model", model=ids["model"], display_name="Elsewhere", wait_seconds=10)
        audio = "Contoso audio with transcripts en-US"
        test = await call("create_evaluation", model=ids["model"], dataset=audio, display_name="Other", wait_seconds=10)
        training = {"display_name": "Later", "locale": "en-US", "base_model": "20230614", "project": "Clinic"}
        running = await call("create_model", datasets=["Contoso plain text en-US"], **training)
        await azure.forget()
        refusal = await call.refusal("delete_entity", **PROJECT)

    used = f'endpoint "Elsewhere" ({endpoint["id"]}), evaluation "Other" ({test["id"]})'
    delete = f'delete_entity(kind="endpoint", entity="{endpoint["id"]}", resource="{EAST}")'
    assert refusal.splitlines() == [
        "Nothing was deleted.",
        f'- [block: not-in-use] The model "Calls" ({ids["model"]}) is used by {used}. Put another model into the '
        f"endpoint with deploy_model, or {delete}, first.",
        f'- [block: not-in-use] The model "Later" ({running["id"]}) is Running; it can be deleted when it is Succeeded '
        f'or Failed. Wait for it: get_model(model="{running["id"]}", wait_seconds=25, resource="{EAST}").',
        "Correct every finding of level block, then call again.",
    ]
    assert await azure.writes() == []


async def test_delete_project_without_contents_proposes_the_call_that_deletes_them(
    connect: Connect, azure: Azure
) -> None:
    ids = await clinic(connect, azure)
    async with connect(confirm="never") as call:
        refusal = await call.refusal("delete_entity", kind="project", entity="Clinic")
        wrong = await call.refusal("delete_entity", kind="model", entity="Calls", with_contents=True)

    used = ", ".join(f'{kind} "{name}" ({ids[kind]})' for kind, name in zip(ORDER[:-1], NAMES[:-1], strict=True))
    call_again = f'delete_entity(kind="project", entity="{ids["project"]}", with_contents=true, resource="{EAST}")'
    assert refusal.splitlines() == [
        "Nothing was deleted.",
        f'- [block: not-in-use] The project "Clinic" ({ids["project"]}) is used by {used}. {call_again} deletes the '
        "project with its contents, after your user has agreed.",
        "Correct every finding of level block, then call again.",
    ]
    assert 'with_contents needs kind="project"' in wrong
    assert await azure.writes() == []


async def test_delete_project_deletes_nothing_if_a_list_has_no_end(
    connect: Connect, azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that was not read may use what is deleted."""
    await clinic(connect, azure)
    monkeypatch.setattr(paging, "MAX_PAGES", 1)
    monkeypatch.setattr(paging, "PAGE_SIZE", 1)
    async with connect(confirm="never") as call:
        refusal = await call.refusal("delete_entity", **PROJECT)

    assert await azure.writes() == []
    assert refusal.splitlines() == [
        "Nothing was deleted.",
        f"- [block: not-in-use] Resource {EAST} has more entities than can be listed, so that what uses it is not "
        "known. Delete what is not needed in the Azure portal first.",
        "This request cannot be carried out; tell your user.",
    ]


async def test_delete_entity_says_of_a_copy_that_copying_again_replaces_it(connect: Connect, azure: Azure) -> None:
    ids = await clinic(connect, azure)
    async with connect(confirm="ask") as call:
        copied = await call("copy_model", model=ids["model"], to_resource=WEST, wait_seconds=10)
        refusal = await call.refusal("delete_entity", kind="model", entity=copied["model"]["id"], resource=WEST)

    assert refusal.splitlines()[1] == (
        f'- [confirm: deletion-is-final] Deleting model "Calls" ({copied["model"]["id"]}) cannot be undone. It is '
        "noted as a copy: copying its source again makes another one, if the source still exists. Your user must agree "
        "first."
    )
