"""No call takes longer than 50 seconds …"""

import gzip
import sys
import threading
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp.types import ElicitResult

from custom_speech_emulator import emulator
from custom_speech_emulator.faults import Faults
from custom_speech_server.credentials import KeyringKey
from support.scripted_service import KEY, Listener, Scripted, model, one_resource, served
from support.tool_client import Caller
from support.virtual_time import BACKEND, SkippingSelector, clock

pytestmark = pytest.mark.anyio

MOST = 50.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
CALLS: dict[str, dict[str, Any]] = {
    "list_base_models": {"locale": "en-US"},
    "list_models": {},
    "list_projects": {},
    "list_datasets": {},
    "plan_model": {"display_name": "A", "locale": "en-US", "datasets": ["B"]},
    "create_model": {"display_name": "A", "locale": "en-US", "datasets": ["B"]},
    "get_model": {"model": "A", "wait_seconds": 45},
    "copy_model": {"model": "A", "to_resource": "emulator-westeurope", "wait_seconds": 45},
    "get_copy": {"operation": "827712a5-f942-4997-91c3-7c6cde35600b", "wait_seconds": 45},
    "connect_model": {"model": "A", "project": "B"},
}


@pytest.fixture
def anyio_backend() -> Any:
    """Virtual time."""
    return BACKEND


async def seconds(call: Caller, tool: str, **arguments: Any) -> tuple[float, str]:
    """How long a call takes, and what it says."""
    start = anyio.current_time()
    result = await call.client.call_tool(tool, arguments)
    return anyio.current_time() - start, str(result.content)


@pytest.mark.parametrize("tool", CALLS)
async def test_call_ends_in_time_when_the_service_never_answers(tool: str) -> None:
    """Not one header."""
    app = emulator(now=clock(), faults=[{"fault": "slow-headers", "seconds": 600.0}])

    async with served(app) as call:
        took, said = await seconds(call, tool, **CALLS[tool])

    assert took <= MOST
    assert "did not answer" in said


@pytest.mark.parametrize("tool", CALLS)
async def test_call_ends_in_time_when_every_answer_comes_at_the_last_moment(tool: str) -> None:
    """Each within its own limit; their sum is what counts."""
    app = emulator(now=clock(), training="reads:1000000", faults=[{"fault": "slow-headers", "seconds": 13.5}])

    async with served(app) as call:
        took, _ = await seconds(call, tool, **CALLS[tool])

    assert took <= MOST


async def test_call_ends_in_time_when_a_list_has_no_end() -> None:
    """Each page names a next one, and takes its time."""
    link = "http://eastus.localhost/speechtotext/models?api-version=2025-10-15&token={}"
    pages = iter(range(10_000))
    app = Scripted(lambda method, path: (200, {}, {"values": [model()], "@nextLink": link.format(next(pages))}))

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await anyio.sleep(5)
        await app(scope, receive, send)

    async with served(slow) as call:
        took, said = await seconds(call, "list_models")

    assert took <= MOST
    assert "did not answer" in said


@pytest.mark.parametrize("parts", [(HEAD, b"1\r\n \r\n"), (b"HTTP/1.1 200 OK\r\nX: y\r\n",), (b"",)])
async def test_call_ends_in_time_when_an_answer_drips_for_ever(parts: tuple[bytes, ...]) -> None:
    """A byte a second never lets a timeout between bytes strike; the limit is on the whole."""
    async with (
        Listener(*parts, pause=1.0, endless=True).listening() as service,
        served(resources=one_resource(service.address)) as call,
    ):
        took, said = await seconds(call, "list_models")

    assert took <= MOST
    assert "here did not answer Models_ListCustomModels" in said


async def test_call_ends_in_time_when_an_answer_is_larger_than_any_memory() -> None:
    """Sixteen megabytes are read, then no more."""
    block = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    async with (
        Listener(HEAD, *[block] * 40).listening() as service,
        served(resources=one_resource(service.address)) as call,
    ):
        _, said = await seconds(call, "list_models")

    assert "the answer is too large" in said
    assert service.heard.count(b"GET ") == 1


async def test_call_ends_in_time_when_an_answer_is_small_until_it_is_unpacked() -> None:
    """A megabyte that becomes a gigabyte is no more read than a gigabyte."""
    packed = gzip.compress(bytes(64 * 1024 * 1024))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with (
        Listener(head, packed).listening() as service,
        served(resources=one_resource(service.address)) as call,
    ):
        _, said = await seconds(call, "list_models")

    assert "the answer is too large" in said


async def test_call_ends_in_time_when_the_keyring_waits_for_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A locked keyring asks on a screen that nobody sees; its thread is left behind."""
    unlocked = threading.Event()
    monkeypatch.setattr(SkippingSelector, "waits_for_threads", False)
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=lambda *entry: unlocked.wait()))
    resources = one_resource("http://127.0.0.1:9", credential=KeyringKey("here", "train"))

    async with served(resources=resources) as call:
        took, said = await seconds(call, "list_models")
    unlocked.set()

    assert took <= MOST
    assert "did not answer" in said


async def test_call_ends_in_time_waiting_for_an_end_uses_what_is_left() -> None:
    """A model that is long in coming, asked for by a name that takes 13 seconds to find."""
    app = emulator(now=clock(), training="reads:1000000", faults=[{"fault": "slow-headers", "seconds": 13.0}])
    made = {"display_name": "A", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}

    async with served(app) as call:
        await call("create_model", **made)
        took, said = await seconds(call, "get_model", model="A", wait_seconds=45)

    assert took <= MOST
    assert "Running" in said


async def test_call_ends_in_time_a_wait_that_goes_wrong_tells_what_is_known() -> None:
    """The service stops answering while a training is looked at: its last status is the answer."""
    app = emulator(now=clock(), training="reads:1000000")
    made = {"display_name": "A", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}

    async with served(app) as call:
        await call("create_model", **made)
        app.state.emulator.faults = Faults.parse([{"fault": "503", "operation": "Models_GetCustomModel"}])
        found = await call("get_model", model="A", wait_seconds=45)

    assert found["status"] == "Running"
    assert found["next_steps"][0].startswith("get_model(")


async def test_call_ends_in_time_nothing_is_begun_that_could_not_be_seen_through() -> None:
    """When looking took most of the time, the request that spends is not sent any more."""
    app = emulator(now=clock(), faults=[{"fault": "slow-headers", "seconds": 13.0, "method": "GET"}])
    arguments = {"model": "Contoso finished model en-US", "to_resource": "emulator-westeurope", "allow_duplicate": True}

    async with served(app) as call:
        took, said = await seconds(call, "copy_model", **arguments)

    operations = [entry["operation"] for entry in app.state.emulator.log.entries]
    assert took <= MOST
    assert ("Models_Copy" in operations) == ("did not answer" not in said)


async def test_call_ends_in_time_a_cancelled_call_stops_its_requests_at_once() -> None:
    """The client gives up after three seconds; the service sees the connection close then, not at its limit."""
    async with (
        Listener(b"", pause=0.5, endless=True).listening() as service,
        served(resources=one_resource(service.address)) as call,
    ):
        with pytest.raises(MCPError):
            await call.client.call_tool("list_models", {}, 3.0)
        start = anyio.current_time()
        await service.ended.wait()

    assert anyio.current_time() - start < 1.0
    assert KEY.encode() in service.heard


async def test_call_ends_in_time_a_person_may_take_longer() -> None:
    """The time of a user who is asked does not count, in the era in which the call waits for the answer."""

    async def after_five_minutes(context: Any, params: Any) -> ElicitResult:
        await anyio.sleep(300)
        return ElicitResult(action="accept", content={"agree": True})

    made = {"display_name": "A", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
    client = {"mode": "legacy", "elicitation_callback": after_five_minutes}
    async with served(emulator(now=clock()), confirm="ask", client=client) as call:
        model = await call("create_model", **made)

    assert model["id"]
