"""get_dataset, driven through an MCP client."""

from pathlib import Path

import pytest

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
    assert found["next_steps"] == [f'plan_model(locale="en-US", datasets=["{dataset}"], resource="emulator-eastus")']


async def test_get_dataset_shows_why_an_import_failed(call: Caller) -> None:
    listed = (await call("list_datasets", status="Failed"))["datasets"]
    found = await call("get_dataset", dataset=listed[0]["id"])

    assert found["error"]["code"]
    assert "upload it again" in found["next_steps"][0]


async def test_get_dataset_refuses_what_does_not_exist(call: Caller) -> None:
    assert rules_of(await call.refusal("get_dataset", dataset="Nothing")) == ["reference-found"]
