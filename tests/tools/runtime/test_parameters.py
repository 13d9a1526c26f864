"""Arguments as real clients send them: read leniently, understood strictly."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from conftest import Connect
from custom_speech_tools.runtime.parameters import (
    AllowDuplicate,
    Arguments,
    DatasetReferences,
    DisplayName,
    KindsFilter,
    Limit,
    LocaleFilter,
    ResourceName,
    WaitSeconds,
)
from custom_speech_tools.runtime.registry import registered_tools
from custom_speech_tools.runtime.tool import SpeechTool
from support.example_calls import example_arguments
from support.tool_client import Caller, text_of

pytestmark = pytest.mark.anyio

TOOLS = registered_tools()


class Example(Arguments):
    """One parameter of every shape."""

    display_name: DisplayName
    datasets: DatasetReferences
    kinds: KindsFilter = None
    locale: LocaleFilter = None
    limit: Limit = 20
    wait_seconds: WaitSeconds = 0
    allow_duplicate: AllowDuplicate = False
    resource: ResourceName = None


GOOD = {"display_name": "a", "datasets": ["b"]}


def read(**given: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments that were sent, as they are understood, and the notes."""
    arguments, notes = Example.read(GOOD | given, 45)
    return arguments.model_dump(exclude_defaults=True), notes


@pytest.mark.parametrize("left_out", [None, ""])
def test_null_and_empty_text_leave_an_optional_argument_out(left_out: Any) -> None:
    every = dict.fromkeys(set(Example.model_fields) - set(GOOD), left_out)

    assert read(**every) == (GOOD, [])


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("left_out", [None, ""])
def test_null_and_empty_text_are_refused_for_a_required_argument(name: str, left_out: Any) -> None:
    with pytest.raises(ValidationError):
        read(**{name: left_out})


@pytest.mark.parametrize("value", ["b", ["b"], '["b"]'])
def test_one_value_for_a_list_is_a_list_of_one(value: Any) -> None:
    assert read(datasets=value)[0]["datasets"] == ["b"]
    assert read(kinds="Language")[0]["kinds"] == ["Language"]


@pytest.mark.parametrize(
    ("given", "understood", "note"),
    [
        ({"limit": 0}, 1, "limit is limited to 1 to 1000; 1 was used."),
        ({"limit": 10**400}, 1000, "limit is limited to 1 to 1000; 1000 was used."),
        ({"limit": "5000"}, 1000, "limit is limited to 1 to 1000; 1000 was used."),
        ({"wait_seconds": 300}, 45, "wait_seconds is limited to 0 to 45; 45 was used."),
    ],
)
def test_numbers_beyond_their_limits_are_clamped_with_a_note(given: Any, understood: int, note: str) -> None:
    arguments, notes = read(**given)

    assert (arguments[next(iter(given))], notes) == (understood, [note])


@pytest.mark.parametrize("value", [1.5, "ten", True, [1], "nan"])
def test_numbers_that_are_none_are_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        read(limit=value)


@pytest.mark.parametrize("value", ["yes", "on", "1", 1, "true", 1.0])
def test_only_a_boolean_true_allows_a_duplicate(value: Any) -> None:
    with pytest.raises(ValidationError):
        read(allow_duplicate=value)


def test_unknown_arguments_are_refused() -> None:
    with pytest.raises(ValidationError, match="nothing"):
        read(nothing=1)


@given(
    st.dictionaries(st.text(max_size=12), st.none() | st.booleans() | st.floats() | st.text(max_size=12), max_size=4)
)
def test_arguments_of_any_kind_are_read_or_refused(given: dict[str, Any]) -> None:
    try:
        Example.read(GOOD | given, 45)
    except ValidationError:
        return


async def test_answers_say_what_was_clamped(call: Caller) -> None:
    found = await call("list_models", limit=1_001)

    assert found["note"] == "limit is limited to 1 to 1000; 1000 was used."


async def test_max_wait_of_the_operator_limits_every_wait(connect: Connect) -> None:
    async with connect(max_wait=4) as call:
        found = await call("get_model", model="Contoso finished model en-US", wait_seconds=45)

    assert found["note"] == "wait_seconds is limited to 0 to 4; 4 was used."


async def test_a_tool_without_parameters_ignores_extra_arguments(call: Caller) -> None:
    """Cursor sends `random_string`."""
    assert (await call("list_resources", random_string="x"))["total"] == 3


@pytest.mark.parametrize("left_out", [None, ""])
@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
async def test_every_tool_takes_null_and_empty_text_for_optional_arguments(
    call: Caller, tool: SpeechTool, left_out: Any
) -> None:
    """As frameworks with strict schemas send them."""
    schema = tool.definition.input_schema
    optional = dict.fromkeys(set(schema["properties"]) - set(schema.get("required", [])), left_out)
    result = await call.client.call_tool(tool.name, optional | example_arguments(tool))

    assert "invalid arguments" not in text_of(result)
