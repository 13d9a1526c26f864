"""update_model, driven through an MCP client."""

import pytest

from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

MODEL = "Contoso finished model en-US"


async def test_update_model_changes_name_and_description(call: Caller) -> None:
    model = await call("update_model", model=MODEL, display_name="Clinic", description="Calls of the clinic")
    read = await call("get_model", model=model["id"])

    assert (read["display_name"], read["description"]) == ("Clinic", "Calls of the clinic")


async def test_update_model_sends_nothing_when_nothing_changes(call: Caller, azure: Azure) -> None:
    await call("update_model", model=MODEL, description="Calls of the clinic")
    await azure.forget()

    again = await call("update_model", model=MODEL, description="Calls of the clinic")

    assert again["already_existed"]
    assert await azure.writes() == []


async def test_update_model_needs_something_to_change(call: Caller, azure: Azure) -> None:
    refusal = await call.refusal("update_model", model=MODEL, display_name="")

    assert "needs display_name or description" in refusal
    assert await azure.operations() == []


async def test_update_model_refuses_a_model_that_does_not_exist(call: Caller) -> None:
    assert rules_of(await call.refusal("update_model", model="Nothing", description="x")) == ["reference-found"]
