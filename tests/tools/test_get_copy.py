"""get_copy …"""

import pytest

from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

STOCK = "Contoso finished model en-US"
AWAY = "emulator-westeurope"


async def test_get_copy_follows_a_copy_until_the_model_is_there(call: Caller) -> None:
    """The operation is the source's, the model the target's."""
    started = await call("copy_model", model=STOCK, to_resource=AWAY, allow_duplicate=True)

    copy = await call("get_copy", operation=started["operation"], wait_seconds=45)

    assert (copy["status"], copy["model"]["resource"]) == ("Succeeded", AWAY)
    assert (await call("get_model", model=copy["model"]["id"], wait_seconds=25, resource=AWAY))["status"] == "Succeeded"


async def test_get_copy_names_itself_while_the_copy_runs(call: Caller) -> None:
    """The call that follows is the same again."""
    started = await call("copy_model", model=STOCK, to_resource=AWAY, allow_duplicate=True)

    copy = await call("get_copy", operation=started["operation"])

    assert copy["model"] is None
    assert copy["next_steps"] == started["next_steps"]


async def test_get_copy_tells_why_a_copy_failed(call: Caller, azure: Azure) -> None:
    """The service's reason, and that nothing is on the target."""
    started = await call("copy_model", model=STOCK, to_resource=AWAY, allow_duplicate=True)
    await azure.finish(started["operation"], "Failed", {"code": "ModelDeprecated", "message": "Too old."})

    copy = await call("get_copy", operation=started["operation"])

    assert (copy["status"], copy["error"]) == ("Failed", {"code": "ModelDeprecated", "message": "Too old."})
    assert copy["next_steps"][0].startswith("Nothing was created on the target.")


async def test_get_copy_refuses_what_is_no_operation(call: Caller, azure: Azure) -> None:
    """Before anything is asked of the service."""
    refusal = await call.refusal("get_copy", operation="../../models")

    assert rules_of(refusal) == ["reference-found"]
    assert await azure.requests() == []


async def test_get_copy_says_where_an_operation_is_that_is_not_here(call: Caller) -> None:
    """An operation is its source's; asked of the target it is not found, and the answer says so."""
    operation = (await call("copy_model", model=STOCK, to_resource=AWAY, allow_duplicate=True))["operation"]

    assert await call.refusal("get_copy", operation=operation, resource=AWAY) == (
        "There is no copy to show.\n"
        f"- [block: reference-found] Resource {AWAY} has no copy operation {operation}. An operation belongs to the "
        "copy's source: pass that as `resource`. list_models on the target shows what has arrived.\n"
        "Call again with it."
    )
