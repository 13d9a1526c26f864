"""What is asked for once is made once …"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, MCPError, StdioServerParameters

from custom_speech_emulator import emulator
from custom_speech_emulator.faults import Faults
from custom_speech_tools.runtime.idempotency import IdempotentExecutor
from custom_speech_tools.speech import ResponseLostError
from support.calls import running_call
from support.emulator_process import outside
from support.scripted_service import served
from support.tool_client import Caller, rules_of
from support.virtual_time import BACKEND, clock

pytestmark = pytest.mark.anyio

WEST = "emulator-westeurope"
TEXT = "Contoso plain text en-US"
REQUEST = {"display_name": "Calls", "locale": "en-US", "datasets": [TEXT]}
LOST = ["close-after", "truncated", "not-json"]
"""Faults that strike when the work is done."""


@pytest.fixture
def anyio_backend() -> Any:
    """Virtual time."""
    return BACKEND


class World:
    """An emulator whose faults a test sets, and what is on it."""

    def __init__(self) -> None:
        self.app = emulator(now=clock(), training="seconds:4")

    def fails(self, *rules: dict[str, Any]) -> None:
        """From here on."""
        self.app.state.emulator.faults = Faults.parse(rules)

    def models(self, name: str = "Calls", resource: str = "emulator-eastus") -> list[str]:
        """The ids of the models of a name."""
        self.app.state.emulator.tick()
        found = self.app.state.emulator.state.store.all(resource, "models")
        return [model.id for model in found if model.document["displayName"] == name]


@pytest.fixture
def world() -> World:
    """A fresh one."""
    return World()


async def trained(call: Caller) -> str:
    """The id of a model that create_model has made."""
    made = await call("create_model", **REQUEST)
    return str((await call("get_model", model=made["id"], wait_seconds=45))["id"])


@pytest.mark.parametrize("fault", LOST)
async def test_request_is_carried_out_once_when_the_answer_is_lost_after_the_work_was_done(
    world: World, fault: str
) -> None:
    """The model is found by the digest that it carries, in the same call."""
    world.fails({"fault": fault, "operation": "Models_Create"})

    async with served(world.app) as call:
        model = await call("create_model", **REQUEST)

    assert world.models() == [model["id"]]


async def test_request_is_carried_out_once_when_the_answer_comes_too_late(world: World) -> None:
    """The request is given up after 14 seconds; what it made is found."""
    world.fails({"fault": "slow-headers", "seconds": 600.0, "operation": "Models_Create"})

    async with served(world.app) as call:
        model = await call("create_model", **REQUEST)

    assert world.models() == [model["id"]]


async def test_request_is_carried_out_once_when_the_client_gives_up_and_calls_again(world: World) -> None:
    """The first call is cancelled while its request is under way; the second finds what it made."""
    world.fails({"fault": "slow-headers", "seconds": 600.0, "operation": "Models_Create", "nth": 1})

    async with served(world.app) as call:
        with pytest.raises(MCPError):
            await call.client.call_tool("create_model", REQUEST, 5.0)
        model = await call("create_model", **REQUEST)

    assert (world.models(), model["already_existed"]) == ([model["id"]], True)


async def test_request_is_carried_out_once_when_one_of_many_callers_gives_up(world: World) -> None:
    """Those who wait in line do not send it again: they look first."""
    world.fails({"fault": "slow-headers", "seconds": 600.0, "operation": "Models_Create", "nth": 1})
    results: list[Any] = []

    async with served(world.app) as call:

        async def impatient() -> None:
            with pytest.raises(MCPError):
                await call.client.call_tool("create_model", REQUEST, 5.0)

        async def patient() -> None:
            results.append(await call("create_model", **REQUEST))

        async with anyio.create_task_group() as group:
            group.start_soon(impatient)
            await anyio.sleep(1)
            for _ in range(9):
                group.start_soon(patient)

    assert world.models() == list({model["id"] for model in results})


async def test_request_is_carried_out_once_when_the_service_does_the_work_only_after_the_caller_was_told_of_the_loss(
    world: World,
) -> None:
    """A request is not repeated before there was time for it to show."""
    creates = iter((True, False, False))

    async def late(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST" and next(creates):
            with anyio.CancelScope(shield=True):
                await anyio.sleep(20)
                await world.app(scope, receive, send)
            return
        await world.app(scope, receive, send)

    async with served(late) as call:
        async with anyio.create_task_group() as group:
            group.start_soon(call.client.call_tool, "create_model", REQUEST)
            await anyio.sleep(1)
        model = await call("create_model", **REQUEST)

    assert world.models() == [model["id"]]


async def test_request_is_carried_out_once_when_a_lost_request_did_nothing(world: World) -> None:
    """It is looked for, and then sent again."""
    world.fails({"fault": "close-before", "operation": "Models_Create", "nth": 1})

    async with served(world.app) as call:
        refusal = await call.refusal("create_model", **REQUEST)
        model = await call("create_model", **REQUEST)

    assert "It may have been carried out" in refusal
    assert world.models() == [model["id"]]


@pytest.mark.parametrize("fault", [*LOST, "500"])
async def test_request_is_carried_out_once_when_the_answer_to_a_copy_is_lost(world: World, fault: str) -> None:
    """Nothing but the target shows it, and that only when it is done."""
    async with served(world.app) as call:
        model = await trained(call)
        world.fails({"fault": fault, "operation": "Models_Copy", "nth": 1})
        for _ in range(4):
            await call.client.call_tool("copy_model", {"model": model, "to_resource": WEST})
        await anyio.sleep(60)

    assert len(world.models(resource=WEST)) == 1


async def test_request_is_carried_out_once_when_a_copy_is_asked_for_again_while_it_runs(world: World) -> None:
    """The target does not show it yet; this process knows the operation."""
    async with served(world.app) as call:
        model = await trained(call)
        first = await call("copy_model", model=model, to_resource=WEST)
        await anyio.sleep(0.5)
        again = await call("copy_model", model=model, to_resource=WEST)
        await anyio.sleep(60)

    assert again["operation"] == first["operation"]
    assert len(world.models(resource=WEST)) == 1


async def test_request_is_carried_out_once_when_a_failed_copy_is_asked_for_again(world: World) -> None:
    """A copy that failed is no copy."""
    async with served(world.app) as call:
        model = await trained(call)
        first = await call("copy_model", model=model, to_resource=WEST)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(world.app)) as control:
            body = {"id": first["operation"], "status": "Failed"}
            await control.post("http://localhost/_emulator/finish", json=body)
        again = await call("copy_model", model=model, to_resource=WEST, wait_seconds=45)

    assert again["model"]["id"] in world.models(resource=WEST)


async def test_request_is_carried_out_once_when_nobody_can_look_for_it() -> None:
    """What could not be looked for is not sent again, however long ago its answer was lost."""
    executor, sent = IdempotentExecutor(), list[float]()

    async def send() -> None:
        sent.append(anyio.current_time())
        raise lost

    async def find() -> None:
        raise lost

    lost = ResponseLostError("lost")
    for _ in range(3):
        with running_call() as call, pytest.raises(ResponseLostError):
            await executor.run(call, "x", send, find)
        await anyio.sleep(60)

    assert len(sent) == 1


async def test_request_is_carried_out_once_without_remembering_it_for_ever() -> None:
    """After an hour nothing is left of what was done, lost or refused."""
    executor = IdempotentExecutor()
    lost = ResponseLostError("lost")

    async def nothing() -> None:
        return None

    async def lose() -> None:
        raise lost

    for number in range(30):
        await anyio.sleep(3700 if number == 29 else 0)
        with running_call() as call, suppress(ResponseLostError):
            create = lose if number % 2 else nothing
            await executor.run(call, str(number), create, nothing)

    assert [len(held) for held in vars(executor).values() if isinstance(held, dict)] == [0, 0, 1]


async def test_request_is_carried_out_once_a_different_request_of_the_same_name_is_another(world: World) -> None:
    """Said, and not reused; also when an answer is lost in between."""
    async with served(world.app) as call:
        first = await call("create_model", **REQUEST)
        world.fails({"fault": "close-after", "operation": "Models_Create", "nth": 1})
        second = await call("create_model", **REQUEST, description="Another")

    assert {first["id"], second["id"]} == set(world.models())
    assert "already-exists" in [finding["rule"] for finding in second["findings"]]


async def test_request_is_carried_out_once_a_copy_that_may_be_there_is_named_not_made(world: World) -> None:
    """A model that carries no mark leaves no doubt to guess at."""
    async with served(world.app) as call:
        stock = (await call("list_models"))["models"][0]["id"]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(world.app)) as other:
            key = {"Ocp-Apim-Subscription-Key": f"{WEST}-key"}
            name = {"displayName": "Contoso finished model en-US", "locale": "en-US"}
            url = "http://westeurope.localhost/speechtotext/models?api-version=2025-10-15"
            await other.post(url, headers=key, json=name)
        refusal = await call.refusal("copy_model", model=stock, to_resource=WEST)

    assert set(rules_of(refusal)) == {"already-exists"}


@pytest.mark.long
class TestKilled:
    """… even by a process that is killed between request and answer, and started again."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Real processes take real time."""
        return "asyncio"

    @pytest.mark.parametrize("tool", ["create_model", "copy_model"])
    async def test_request_is_carried_out_once_finds_what_it_made(self, tmp_path: Path, tool: str) -> None:
        """By the digest that the model carries, and by the audit's line without an end."""
        with outside() as service:
            arguments = {"model": service.model(), "to_resource": "west"} if tool == "copy_model" else REQUEST
            environment = configured(tmp_path, service.address)
            operation = {"create_model": "Models_Create", "copy_model": "Models_Copy"}[tool]
            service.control("PUT", "faults", {"fault": "slow-headers", "seconds": 600.0, "operation": operation})
            with killed_server(environment, tool, arguments) as server:
                service.wait_for(operation, server)
            service.control("DELETE", "faults")

            async with Client(started_again(environment), cache=None) as client:
                answer = await Caller(client)(tool, **arguments)

            assert (answer if tool == "create_model" else answer["model"])["already_existed"]
            assert service.operations().count(operation) == 1


def configured(folder: Path, address: str) -> dict[str, str]:
    """The environment of a server of two resources, with an audit."""
    group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator"
    account = f"{group}/providers/Microsoft.CognitiveServices/accounts"
    tables = [
        f'[resources.{name}]\nendpoint = "{address}/{region}"\nregion = "{region}"\n'
        f'resource_id = "{account}/emulator-{region}"\nkey = {{ env = "KEY_{name.upper()}" }}'
        for name, region in (("east", "eastus"), ("west", "westeurope"))
    ]
    file = folder / "resources.toml"
    file.write_text("\n".join(tables), encoding="utf-8")
    return {
        "CUSTOM_SPEECH_CONFIG": str(file),
        "CUSTOM_SPEECH_AUDIT": str(folder / "audit.jsonl"),
        "CUSTOM_SPEECH_CONFIRM": "never",
        "KEY_EAST": "emulator-eastus-key",
        "KEY_WEST": "emulator-westeurope-key",
    }


def started_again(environment: dict[str, str]) -> StdioServerParameters:
    """The server as a client starts it."""
    return StdioServerParameters(command=sys.executable, args=["-m", "custom_speech_server"], env=environment)


@contextmanager
def killed_server(
    environment: dict[str, str], tool: str, arguments: dict[str, Any]
) -> "Iterator[subprocess.Popen[bytes]]":
    """A server that was asked to call a tool, and is killed without warning at the end."""
    version = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": version},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments}},
    ]
    started = [sys.executable, "-m", "custom_speech_server"]
    with subprocess.Popen(
        started, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin
        process.stdin.write("".join(json.dumps(message) + "\n" for message in messages).encode())
        process.stdin.flush()
        yield process
        process.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
