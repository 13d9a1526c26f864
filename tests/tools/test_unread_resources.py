"""A resource that does not answer, or that is not read to the end, is never reported as nothing."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from conftest import Connect
from custom_speech_server.resource_config import EMULATED
from custom_speech_tools.runtime.registry import registered_tools
from custom_speech_tools.speech import KeyCredential, paging
from support.tool_client import Caller, text_of

pytestmark = pytest.mark.anyio

ARGUMENTS: dict[str, dict[str, Any]] = {
    "check_expirations": {"within_days": 1500},
    "list_base_models": {"locale": "en-US"},
}
TOOLS = [
    tool.name
    for tool in registered_tools(read_only=True)
    if {"resource", "limit"} <= tool.definition.input_schema["properties"].keys()
]
"""Every tool that lists entities of one resource or of all."""

NAMES = [resource.name for resource in EMULATED.all]


def with_wrong_key(*names: str) -> dict[str, Any]:
    """Settings with which some resources do not answer."""
    wrong = KeyCredential(SecretStr("wrong"))
    every = tuple(replace(one, credential=wrong) if one.name in names else one for one in EMULATED.all)
    return {"resources": replace(EMULATED, all=every)}


async def asked_of_all(call: Caller, tool: str, filters: dict[str, str] | None = None) -> dict[str, Any]:
    """The answer for all resources; `unread` comes before everything else, in the text as well."""
    result = await call.client.call_tool(tool, ARGUMENTS.get(tool, {}) | (filters or {}) | {"resource": "*"})
    assert not result.is_error, text_of(result)
    answer: dict[str, Any] = json.loads(text_of(result))
    assert answer == result.structured_content
    assert next(iter(answer)) == "unread"
    return answer


def test_lists_of_all_resources_are_known() -> None:
    assert {"check_expirations", "list_models", "list_endpoints", "list_evaluations"} <= set(TOOLS)


@pytest.mark.parametrize("tool", TOOLS)
async def test_list_says_first_which_resource_did_not_answer(connect: Connect, tool: str) -> None:
    async with connect(**with_wrong_key(NAMES[1])) as call:
        found = await asked_of_all(call, tool)

    assert [one["resource"] for one in found["unread"]] == [NAMES[1]]
    assert "401" in found["unread"][0]["reason"]
    assert found["total"] is None
    assert found["next_steps"][0].startswith(f"Not everything was read: entities of {NAMES[1]} may be missing.")
    assert found["truncated"] is None or "more" not in found["truncated"]


@pytest.mark.parametrize("tool", TOOLS)
async def test_list_of_resources_that_do_not_answer_is_not_an_empty_list(connect: Connect, tool: str) -> None:
    async with connect(**with_wrong_key(*NAMES)) as call:
        found = await asked_of_all(call, tool)

    assert [one["resource"] for one in found["unread"]] == NAMES
    assert found["total"] is None
    assert "Nothing" not in json.dumps(found)


FILTERS = {"project": "Contoso en-US", "model": "Contoso finished model en-US"}
FILTERED = [
    (tool.name, {name: FILTERS[name]})
    for tool in registered_tools(read_only=True)
    if tool.name in TOOLS
    for name in FILTERS
    if name in tool.definition.input_schema["properties"]
]
"""Every list tool with each filter that names an entity, which every resource is asked for."""


@pytest.mark.parametrize(("tool", "filters"), FILTERED)
@pytest.mark.parametrize("unread", [NAMES[:1], NAMES[1:2], NAMES[:2]])
async def test_list_of_what_belongs_to_an_entity_says_which_resource_did_not_answer(
    connect: Connect, tool: str, filters: dict[str, str], unread: list[str]
) -> None:
    """Those that answer are listed, whether they have an entity of that name or not."""
    async with connect(**with_wrong_key(*unread)) as call:
        found = await asked_of_all(call, tool, filters)
        rows = [await call(tool, **filters, resource=name) for name in NAMES if name not in unread]

    kind = tool.removeprefix("list_")
    assert [one["resource"] for one in found["unread"]] == unread
    assert {one["id"] for one in found[kind]} == {one["id"] for answer in rows for one in answer[kind]}


async def test_list_says_that_a_resource_was_not_read_to_the_end(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_SIZE", 1)
    monkeypatch.setattr(paging, "MAX_PAGES", 1)
    async with connect() as call:
        found = await call("list_datasets")

    assert [one["resource"] for one in found["unread"]] == [NAMES[0]]
    assert found["unread"][0]["reason"].startswith("Only the first 1 pages")
    assert (len(found["datasets"]), found["total"], found["truncated"]) == (1, None, None)
