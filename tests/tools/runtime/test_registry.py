"""The catalogue: a file is a tool is a function, and what a model reads of it is reviewed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from mcp.types import Tool

import custom_speech_tools
from conftest import Connect
from custom_speech_tools.runtime.registry import registered_tools
from custom_speech_tools.runtime.tool import Annotations, SpeechTool
from support.generated_files import HOW, SCHEMAS, text_of_schema
from support.tool_client import Caller

pytestmark = pytest.mark.anyio

FILES = {file.stem for file in Path(custom_speech_tools.__path__[0]).glob("*.py")} - {"__init__"}
TOOLS = sorted(FILES)
MAX_INPUT_BYTES_PER_TOOL = 4 * 330
"""330 tokens for name, description and input schema, at 4 bytes a token."""

FURTHER_BYTES = MAX_INPUT_BYTES_PER_TOOL * max(0, len(TOOLS) - 27)
MAX_INPUT_BYTES, MAX_OUTPUT_BYTES = 4 * 5_600 + FURTHER_BYTES, 4 * 6_000 + FURTHER_BYTES
"""5,600 tokens for what is read of the first 27 tools, 6,000 for their output schemas, 330 for each further tool."""

FORBIDDEN = {"additionalProperties", "anyOf", "$ref", "minimum", "maximum"}
"""Keywords that model vendors refuse or drop."""


def forbidden_in(schema: Any) -> set[str]:
    """Return the forbidden keywords of a schema."""
    if isinstance(schema, list):
        return {keyword for part in schema for keyword in forbidden_in(part)}
    if not isinstance(schema, dict):
        return set()
    return (FORBIDDEN & schema.keys()) | {keyword for part in schema.values() for keyword in forbidden_in(part)}


def open_in(schema: Any, place: str = "arguments") -> list[str]:
    """Return the places of a schema that converters to strict functions refuse (openai-agents, Gemini).

    These are objects without properties, arrays without items, and types that are a choice.
    """
    kind, properties = schema.get("type"), schema.get("properties", {})
    is_open = (
        not isinstance(kind, str)
        or (kind == "object" and not properties)
        or (kind == "array" and "items" not in schema)
    )
    inner = [*properties.items(), *([("items", schema["items"])] if "items" in schema else [])]
    return [place] * is_open + [found for name, part in inner for found in open_in(part, f"{place}.{name}")]


async def listed(call: Caller) -> dict[str, Tool]:
    """The tools as a client sees them."""
    return {tool.name: tool for tool in (await call.client.list_tools()).tools}


def written(tool: Tool) -> dict[str, Any]:
    """A tool as it goes over the wire."""
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True)


async def test_registry_a_file_is_a_tool_is_a_function(call: Caller) -> None:
    """The catalogue finds tools by file name, and each has its test file."""
    assert set(await listed(call)) == FILES
    assert [tool.function.__name__ for tool in registered_tools()] == TOOLS
    assert {file.stem.removeprefix("test_") for file in Path(__file__).parents[1].glob("test_*.py")} >= FILES


async def test_server_announces_only_capabilities_that_it_has(call: Caller) -> None:
    """Tools, prompts with completion, and the view; none of them changes."""
    announced = call.client.server_capabilities.model_dump(exclude_none=True, exclude_defaults=True)

    assert announced.keys() == {"tools", "prompts", "completions", "resources", "extensions"}
    assert announced["extensions"] == {"io.modelcontextprotocol/ui": {}}
    assert (await call.client.list_prompts()).prompts
    assert (await call.client.list_resources()).resources


@pytest.mark.parametrize("name", TOOLS)
async def test_registry_each_tool_says_what_it_is(call: Caller, name: str) -> None:
    """A title, a description, four effects, a described parameter each, nothing unknown taken."""
    tool = (await listed(call))[name]

    assert tool.title
    assert 8 <= len((tool.description or "").split()) <= 60
    hints = tool.annotations
    assert hints is not None
    effects = (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
    assert None not in effects
    assert not forbidden_in(tool.input_schema)
    assert open_in(tool.input_schema) == []
    assert all(part.get("description") for part in tool.input_schema["properties"].values())
    assert tool.output_schema
    assert tool.output_schema["type"] == "object"


@pytest.mark.parametrize("tool", registered_tools(), ids=lambda tool: tool.name)
def test_registry_a_description_names_only_tools_that_are_offered_with_it(tool: SpeechTool) -> None:
    """A read-only server offers no writing tool, and a toolset may be the only one."""
    read = text_of_schema(tool.definition)
    named = [other for other in registered_tools() if "_" in other.name and re.search(rf"\b{other.name}\b", read)]

    assert [
        other.name for other in named if other.toolset != tool.toolset or (tool.is_read_only and not other.is_read_only)
    ] == []


WRITING = {tool.name for tool in registered_tools() if not tool.is_read_only}


async def test_registry_tools_that_write_or_destroy_are_marked(call: Caller) -> None:
    """Only what may be called without a thought is marked as reading, and deletions as destructive."""
    hints = {tool.name: tool.annotations for tool in (await listed(call)).values() if tool.annotations}

    assert {name for name, hint in hints.items() if not hint.read_only_hint} == WRITING
    assert {name for name, hint in hints.items() if hint.destructive_hint} == {
        tool.name for tool in registered_tools() if tool.annotations is Annotations.DELETE
    }


async def test_registry_read_only_takes_them_out_of_the_list_and_refuses_their_call(connect: Connect) -> None:
    """`--read-only`."""
    async with connect(read_only=True) as call:
        assert set(await listed(call)) == FILES - WRITING
        refusal = await call.refusal("create_model", display_name="Calls", locale="en-US", datasets=["x"])

    assert "create_model" in refusal


def size(value: Any) -> int:
    """Return the bytes of a value on the wire."""
    return len(json.dumps(value, separators=(",", ":")))


async def test_registry_the_list_stays_within_its_budget(call: Caller) -> None:
    """What every conversation pays for."""
    tools = {name: written(tool) for name, tool in (await listed(call)).items()}
    read = ("name", "description", "inputSchema")
    inputs = {name: size({key: tool[key] for key in read}) for name, tool in tools.items()}
    outputs = {name: size(tool["outputSchema"]) for name, tool in tools.items()}

    assert max(inputs.values()) <= MAX_INPUT_BYTES_PER_TOOL, inputs
    assert sum(inputs.values()) <= MAX_INPUT_BYTES, inputs
    assert sum(outputs.values()) <= MAX_OUTPUT_BYTES, outputs


async def test_registry_answers_stay_within_theirs(call: Caller) -> None:
    """450 tokens for a model, 1,500 for a list of base models, at 4 bytes a token."""
    datasets = ["Contoso plain text en-US", "Contoso audio with transcripts en-US"]
    made = await call(
        "create_model",
        display_name="Calls",
        locale="en-US",
        datasets=datasets,
        project="Contoso en-US",
        base_model="20230614",
    )

    assert len(json.dumps(await call("get_model", model=made["id"]))) <= 1_800
    assert len(json.dumps(await call("list_base_models", locale="en-US"))) <= 6_000


@pytest.mark.parametrize("name", TOOLS)
async def test_registry_what_a_model_reads_is_reviewed(call: Caller, name: str) -> None:
    """A changed word is a changed file."""
    file = SCHEMAS / f"{name}.json"

    assert file.exists(), HOW
    assert text_of_schema((await listed(call))[name]) == file.read_text(encoding="utf-8"), HOW
