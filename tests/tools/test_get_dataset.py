"""get_dataset, driven through an MCP client."""

from pathlib import Path

import pytest

from custom_speech_tools.speech import schemas
from support.scripted_service import ID
from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio


async def test_get_dataset_shows_the_first_rejected_lines_with_reasons(
    call: Caller, azure: Azure, tmp_path: Path
) -> None:
    """Read from the report of the service."""
    file = tmp_path / "related.txt"
    file.write_text("\ufeffa good line\n" + "bell \x07 rings\n" * 25, encoding="utf-8")
    body = {"displayName": "Terms", "locale": "en-US", "kind": "Language", "contentUrl": file.as_uri()}
    made = (await azure.ask("POST", "/speechtotext/datasets", body)).json()
    dataset = made["self"].partition("?")[0].rpartition("/")[2]

    found = await call("get_dataset", dataset=dataset, wait_seconds=20)

    assert (found["status"], found["lines"], found["rejected_lines"]) == ("Succeeded", 1, 25)
    assert len(found["rejected"]) == 20
    assert "U+0007" in found["rejected"][0]["reason"]
    assert [finding["message"] for finding in found["findings"]] == [
        "The import rejected 25 of 26 lines or files; `lines` counts the accepted ones."
    ]
    assert found["next_steps"] == [f'plan_model(locale="en-US", datasets=["{dataset}"], resource="emulator-eastus")']


async def test_get_dataset_shows_why_an_import_failed(call: Caller) -> None:
    listed = (await call("list_datasets", status="Failed"))["datasets"]
    found = await call("get_dataset", dataset=listed[0]["id"])

    assert found["error"]["code"]
    assert found["next_steps"] == [
        "Correct what `error` and `rejected` name in the data, then upload it again.",
        f'delete_entity(kind="dataset", entity="{found["id"]}", resource="emulator-eastus")',
    ]


async def test_get_dataset_shows_the_lines_of_a_failed_import(call: Caller, azure: Azure, tmp_path: Path) -> None:
    file = tmp_path / "related.txt"
    file.write_text("\ufeff" + "no no no no no\n" * 25, encoding="utf-8")
    body = {"displayName": "Terms", "locale": "en-US", "kind": "Language", "contentUrl": file.as_uri()}
    made = (await azure.ask("POST", "/speechtotext/datasets", body)).json()

    found = await call("get_dataset", dataset=made["self"].partition("?")[0].rpartition("/")[2], wait_seconds=20)

    assert found["status"] == "Failed"
    assert found["rejected"][0] == {"where": "1", "reason": "it repeats 'no' 5 times; at most 3 are accepted"}
    assert len(found["rejected"]) == 20


@pytest.mark.parametrize("odd", [10**30, -7, "many", 1.5, {}])
async def test_get_dataset_leaves_out_a_number_that_cannot_be_read(odd: object) -> None:
    """The rest of the entity is as good as before."""
    dataset = schemas.Dataset.model_validate(
        {
            "self": "https://eastus.api.cognitive.microsoft.com/speechtotext/datasets/" + ID,
            "displayName": "Terms",
            "locale": "en-US",
            "kind": "Acoustic",
            "status": "Succeeded",
            "properties": {
                "acceptedLineCount": odd,
                "rejectedLineCount": 2,
                "duration": "soon",
                "durationMilliseconds": odd,
            },
        }
    )

    assert (dataset.display_name, dataset.lines, dataset.rejected_lines, dataset.audio_hours) == (
        "Terms",
        None,
        2,
        None,
    )


async def test_get_dataset_refuses_what_does_not_exist(call: Caller) -> None:
    assert rules_of(await call.refusal("get_dataset", dataset="Nothing")) == ["reference-found"]
