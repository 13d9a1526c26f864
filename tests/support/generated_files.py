"""The files that are generated from the tools: schemas, the front's answers, the README's table."""

import json
import re
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.types import Tool

import custom_speech_tools
from custom_speech_server import front
from custom_speech_server.app import build
from custom_speech_tools.runtime.registry import TOOLSETS, registered_tools
from support.front_answers import freeze, settings

ROOT = Path(__file__).parents[2]
README, SCHEMAS = ROOT / "README.md", ROOT / "tests" / "schemas"
ANSWERS = Path(front.__file__).with_name("answers.json")
HOW = "generated files are out of date: run `.venv/bin/python tests/regenerate.py`, then read the diff"
"""What a test says if one of these files is not as the tools are."""

_TABLE = re.compile(r"(?<=^\| tool \| purpose \|\n\|---\|---\|\n)(?:\|.*\n)*", re.MULTILINE)


def text_of_schema(tool: Tool) -> str:
    """Return the content of the file of a tool in tests/schemas."""
    return (
        json.dumps(tool.model_dump(mode="json", by_alias=True, exclude_none=True), indent=2, ensure_ascii=False) + "\n"
    )


def text_of_answers(frozen: dict[str, Any]) -> str:
    """Return the content of the front's answers.json."""
    return json.dumps(frozen, ensure_ascii=False, indent=1) + "\n"


def text_of_readme() -> str:
    """Return the README with a row for each tool: the first line of its file, by toolset."""
    folder = Path(custom_speech_tools.__path__[0])
    rows = []
    for tool in sorted(registered_tools(), key=lambda tool: (TOOLSETS.index(tool.toolset), tool.name)):
        first_line = (folder / f"{tool.name}.py").read_text(encoding="utf-8").splitlines()[0]
        found = re.fullmatch(rf'"""{tool.name}: (.+)\.(?:""")?', first_line)
        assert found, f'{tool.name}.py must begin with """{tool.name}: <purpose>.'
        rows.append(f"| `{tool.name}` | {found[1]} |\n")
    return _TABLE.sub("".join(rows).replace("\\", r"\\"), README.read_text(encoding="utf-8"))


async def regenerate() -> None:
    """Write all of them."""
    async with Client(build(settings(read_only=False, emulated=True))) as client:
        tools = (await client.list_tools()).tools
    for file in set(SCHEMAS.glob("*.json")) - {SCHEMAS / f"{tool.name}.json" for tool in tools}:
        file.unlink()
    for tool in tools:
        (SCHEMAS / f"{tool.name}.json").write_text(text_of_schema(tool), encoding="utf-8")
    ANSWERS.write_text(text_of_answers(await freeze()), encoding="utf-8")
    README.write_text(text_of_readme(), encoding="utf-8")
