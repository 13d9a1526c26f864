"""A server that lacks tools, because it is read-only or has few toolsets, names none of these anywhere."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from conftest import Connect
from custom_speech_tools.runtime.registry import TOOLSETS, registered_tools
from support.example_calls import example_arguments
from support.speech_service import Azure
from support.tool_client import Caller, text_of
from support.virtual_time import BACKEND

pytestmark = pytest.mark.anyio

NOWHERE = "00000000-0000-4000-8000-000000000000"
REFERENCES = ("model", "dataset", "endpoint", "evaluation", "project", "transcription", "base_model", "entity")
SERVERS: list[dict[str, Any]] = [{"read_only": True}, *({"toolsets": (one,)} for one in TOOLSETS)]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Virtual time, for whatever waits."""
    return BACKEND


def variants(tool: Any, ids: dict[str, str]) -> list[dict[str, Any]]:
    """Return representative arguments: some that succeed, some that name nothing, and some that are wrong."""
    known = tool.definition.input_schema["properties"]
    usual = example_arguments(tool)
    here = {name: value for name, value in ids.items() if name in known and tool.name != "deploy_model"}
    there = {"resource": "emulator-brazilsouth"} if "resource" in known else {}
    running = {name: ids[f"running_{name}"] for name in ("model", "dataset") if name in usual}
    nothing = [{name: value} for name in REFERENCES if name in known for value in ("Nothing", NOWHERE)]
    return [
        usual,
        usual | here,
        usual | running,
        usual | there,
        usual | {"locale": "de-DE"},
        *(usual | one for one in nothing),
        {},
    ]


async def scene(connect: Connect) -> dict[str, str]:
    """Make an entity of every kind; return the ids."""
    model, audio = "Contoso finished model en-US", "Contoso audio with transcripts en-US"
    async with connect(confirm="never") as call:
        endpoint = await call("deploy_model", model=model, display_name="Live", wait_seconds=10)
        test = await call("create_evaluation", model=model, dataset=audio, wait_seconds=10)
        copy = await call("copy_model", model=model, to_resource="emulator-westeurope", allow_duplicate=True)
        named: dict[str, Any] = {"display_name": "Later", "locale": "en-US"}
        dataset = await call("upload_dataset", kind="Language", lines=["hold the reset pin"], **named)
        training = await call("create_model", datasets=["Contoso plain text en-US"], **named)
    running = {"running_model": training["id"], "running_dataset": dataset["id"]}
    return {"endpoint": endpoint["id"], "evaluation": test["id"], "operation": copy["operation"], **running}


async def said(call: Caller, ids: dict[str, str]) -> list[str]:
    """Return everything that the server says: about itself, in descriptions, prompts and answers."""
    texts = [call.client.instructions or ""]
    offered = {tool.name for tool in (await call.client.list_tools()).tools}
    for tool in (await call.client.list_tools()).tools:
        texts.append(json.dumps(tool.model_dump(mode="json", exclude={"name"})))
    has_prompts = call.client.server_capabilities.prompts
    for prompt in (await call.client.list_prompts()).prompts if has_prompts else ():
        given = {argument.name: "Nothing" for argument in prompt.arguments or [] if argument.required}
        filled = await call.client.get_prompt(prompt.name, given)
        texts += [prompt.description or "", *(message.content.text for message in filled.messages)]  # type: ignore[union-attr]  # prompts are text
    for tool in registered_tools():
        for arguments in variants(tool, ids) if tool.name in offered else ():
            result = await call.client.call_tool(tool.name, arguments)
            texts.append(f"{tool.name}: {text_of(result)}")
    return texts


@pytest.mark.parametrize(
    "settings", SERVERS, ids=lambda one: "-".join(map(str, *one.values())) if "toolsets" in one else "read-only"
)
async def test_offered_tools_are_the_only_ones_that_a_server_names(
    connect: Connect, azure: Azure, tmp_path: Path, settings: dict[str, Any]
) -> None:
    (tmp_path / "calls.txt").write_text("hold the reset pin\n")
    ids = await scene(connect)

    async with connect(confirm="ask", data_dirs=(tmp_path,), **settings) as call:
        offered = {tool.name for tool in (await call.client.list_tools()).tools}
        texts = await said(call, ids)

    missing = {tool.name for tool in registered_tools()} - offered
    calls = re.compile("|".join(rf"\b{name}\b" if "_" in name else rf"\b{name}\(" for name in missing))
    assert [
        (text[: text.index(":")], text[max(0, found.start() - 150) : found.end() + 60])
        for text in texts
        if (found := calls.search(text))
    ] == []
