"""How a tool answers when something goes wrong …"""

import logging
import re
from datetime import datetime
from pathlib import Path

import pytest

from conftest import Connect
from support.scripted_service import Scripted, served

pytestmark = pytest.mark.anyio


async def test_tool_a_fault_of_its_own_is_a_reference(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets a reference, the log the cause; nothing of it leaks."""

    def broken() -> datetime:
        raise RuntimeError("canary of the inside")

    async with connect(now=broken) as call:
        with caplog.at_level(logging.ERROR):
            refusal = await call.refusal("list_base_models", locale="en-US")

    reference = re.search(r"reference ([0-9a-f]{8})\b", refusal)
    assert reference
    assert "canary" not in refusal
    assert reference[1] in caplog.text
    assert "canary of the inside" in caplog.text


async def test_tool_an_error_of_the_service_ends_with_the_next_step() -> None:
    """Status and code are kept; what to do follows."""
    error = {"code": "Gone", "message": "No projects here."}
    async with served(Scripted(lambda method, path: (410, {}, error))) as call:
        refusal = await call.refusal("list_projects")

    assert refusal == (
        'list_projects: emulator-eastus answered 410 Gone to Projects_List: "No projects here." '
        "The same call will fail again; first correct what the message names."
    )


async def test_tool_an_unknown_tool_is_refused(connect: Connect) -> None:
    """By name, shown no longer than names are, and with the next step."""
    async with connect() as call:
        refusal = await call.refusal("delete_model", model="x")
        longest = await call.refusal("x" * 5_000)

    assert refusal == ('This server has no tool "delete_model". Nothing was done; tools/list names its tools.')
    assert len(longest) < 150


def test_tool_no_tool_answers_by_hand() -> None:
    """Only the declaration makes protocol results."""
    tools = Path(__file__).parents[3] / "tools" / "custom_speech_tools"
    others = [file for file in tools.rglob("*.py") if file.name != "tool.py"]

    assert not [file for file in others if "CallToolResult" in file.read_text(encoding="utf-8")]
