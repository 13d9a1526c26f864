"""get_endpoint, driven through an MCP client."""

from datetime import timedelta

import pytest

from support.speech_service import Azure
from support.tool_client import Caller, rules_of

pytestmark = pytest.mark.anyio

MODEL = "Contoso finished model en-US"


async def test_get_endpoint_waits_for_the_deployment(call: Caller) -> None:
    made = await call("deploy_model", model=MODEL, display_name="Live")
    endpoint = await call("get_endpoint", endpoint="Live", wait_seconds=10)

    assert made["status"] == "NotStarted"
    assert made["next_steps"] == [f'get_endpoint(endpoint="{made["id"]}", wait_seconds=25, resource="emulator-eastus")']
    assert (endpoint["id"], endpoint["status"]) == (made["id"], "Succeeded")


async def test_get_endpoint_says_why_a_deployment_failed(call: Caller, azure: Azure) -> None:
    made = await call("deploy_model", model=MODEL, display_name="Live")
    await azure.finish(made["id"], "Failed", {"code": "InternalError", "message": "No capacity."})
    endpoint = await call("get_endpoint", endpoint=made["id"])

    assert endpoint["error"] == {"code": "InternalError", "message": "No capacity."}
    assert "deploy_model" in endpoint["next_steps"][0]


async def test_get_endpoint_trusts_no_previous_model_of_another_host(call: Caller, azure: Azure) -> None:
    """Anybody who may write the endpoint's properties could name one."""
    made = await call("deploy_model", model=MODEL, display_name="Live", wait_seconds=10)
    elsewhere = "https://elsewhere.example/speechtotext/models/827712a5-f942-4997-91c3-7c6cde35600b"
    changes = {"customProperties": {"custom-speech-mcp-previous-model": elsewhere}}
    answer = await azure.ask("PATCH", f"/speechtotext/endpoints/{made['id']}", changes)

    assert answer.json()["customProperties"]["custom-speech-mcp-previous-model"] == elsewhere
    assert (await call("get_endpoint", endpoint=made["id"]))["previous_model"] is None


async def test_get_endpoint_refuses_what_does_not_exist(call: Caller) -> None:
    assert rules_of(await call.refusal("get_endpoint", endpoint="Nothing")) == ["reference-found"]


async def test_get_endpoint_says_that_its_model_has_ended(call: Caller, azure: Azure) -> None:
    """The service goes on with the newest base model, and the status stays Succeeded."""
    made = await call("deploy_model", model=MODEL, display_name="Live", wait_seconds=10)
    until = (await call("list_endpoints"))["endpoints"][0]["transcription_until"]
    await azure.advance(timedelta(days=1200))
    endpoint = await call("get_endpoint", endpoint=made["id"])

    assert [(one["rule"], one["level"]) for one in endpoint["findings"]] == [("model-is-ready", "warn")]
    assert f"ended on {until}: applications keep working, but silently" in endpoint["findings"][0]["message"]
    assert "endpoint_id" not in str(endpoint["next_steps"])


async def test_get_endpoint_says_if_there_is_none_at_all(call: Caller) -> None:
    """Nobody looks for another reference then."""
    refusal = await call.refusal("get_endpoint", endpoint="Live")
    await call("deploy_model", model="Contoso finished model en-US", display_name="Other", wait_seconds=10)
    named = await call.refusal("get_endpoint", endpoint="Live")

    assert refusal.splitlines() == [
        "Nothing was done.",
        '- [block: reference-found] Resource emulator-eastus has no endpoint "Live", and no other endpoint either. '
        "deploy_model makes one.",
        "This request cannot be carried out; tell your user.",
    ]
    assert named.splitlines() == [
        "Nothing was done.",
        '- [block: reference-found] Resource emulator-eastus has no endpoint "Live". '
        'list_endpoints(resource="emulator-eastus") lists what exists; an id belongs to one resource only.',
        "Correct every finding of level block, then call again.",
    ]
