"""Every call of docs/tutorial.md, in order, on the emulator."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text("utf-8")


def calls() -> list[tuple[str, dict[str, Any]]]:
    """Return the tools and arguments of the page."""
    lines = "".join(re.findall(r"```call\n(.*?)```", PAGE, re.DOTALL)).splitlines()
    parsed = [ast.parse(line, mode="eval").body for line in lines]
    return [
        (call.func.id, {str(part.arg): ast.literal_eval(part.value) for part in call.keywords})
        for call in parsed
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    ]


async def test_tutorial_works_as_it_stands(connect: Connect, tmp_path: Path) -> None:
    text = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert text
    (tmp_path / "terms.txt").write_text(text[1], encoding="utf-8")
    answers: dict[str, dict[str, Any]] = {}
    last: dict[str, Any] = {}
    async with connect(confirm="never", data_dirs=(tmp_path,)) as call:
        for tool, arguments in calls():
            answer = await call(tool, **arguments)
            answers.setdefault(tool, answer)
            last = answer if tool == "create_evaluation" else last
        listed = [
            ("models", {}),
            ("models", {"resource": "emulator-westeurope"}),
            *((kind, {}) for kind in ("endpoints", "evaluations", "datasets", "projects")),
        ]
        left = [
            one
            for kind, where in listed
            for one in (await call(f"list_{kind}", **where))[kind]
            if one["display_name"].startswith("Clinic")
        ]

    assert left == []
    assert "line 3" in answers["check_data"]["findings"][0]["message"]
    assert answers["upload_dataset"]["repairs"] == ["added the byte order mark"]
    assert answers["get_model"]["status"] == answers["deploy_model"]["status"] == "Succeeded"
    assert answers["plan_model"]["training_is_charged"] is False
    assert [finding["rule"] for finding in answers["create_evaluation"]["findings"]] == ["test-data-unseen"]
    assert len(answers) >= 13
    taught, base = (model["word_error_rate"] for model in last["models"])
    assert (last["is_void"], taught < base) == (False, True)
