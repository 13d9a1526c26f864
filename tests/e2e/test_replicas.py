"""Replicas …"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult

from custom_speech_server.app import Settings, build
from custom_speech_server.distributed_lock import FileLock, RedisLock
from custom_speech_server.http.uvicorn_server import GracefulServer, listen
from custom_speech_server.resource_config import EMULATED
from custom_speech_tools.runtime.idempotency import RequestLock
from support.http_server import ACCEPT, HANDSHAKE, answer_in, initialize, message, modern, on_loopback, start
from support.redis_server import redis_server
from support.speech_service import Azure
from support.tool_client import Caller

pytestmark = pytest.mark.anyio

ERAS = ["auto", "legacy"]
SHARED = b"k" * 32


class Balancer(httpx2.AsyncBaseTransport):
    """Round robin over replicas, one request each."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.used: list[int] = []
        self._turn = count()
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass it to the next one."""
        port = self.ports[next(self._turn) % len(self.ports)]
        self.used.append(port)
        request.url = request.url.copy_with(port=port)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


@asynccontextmanager
async def replicas(azure: Azure, *keys: bytes, **settings: Any) -> AsyncIterator[Balancer]:
    """As many replicas as keys, in this process, each on a port of loopback."""
    listeners = [listen("127.0.0.1", 0) for _ in keys]
    ports = [listener.getsockname()[1] for listener in listeners]
    running = [
        GracefulServer(build(whole), whole, on_loopback(stateless=True), stop_seconds=20)
        for whole in (Settings(EMULATED, key, emulator=lambda: azure, **settings) for key in keys)
    ]
    async with anyio.create_task_group() as group, Balancer(ports) as balancer:
        stopped = [start(group, one, listener) for one, listener in zip(running, listeners, strict=True)]
        try:
            yield balancer
        finally:
            for one in running:
                one.should_exit = True
            with anyio.CancelScope(shield=True):
                for one_stopped in stopped:
                    await one_stopped.wait()


@asynccontextmanager
async def caller(balancer: Balancer, era: Any, answers: list[str]) -> AsyncIterator[Caller]:
    """A client of that era whose user says yes."""

    async def say_yes(context: Any, question: Any) -> ElicitResult:
        answers.append(question.message)
        return ElicitResult(action="accept", content={"agree": True})

    async with httpx2.AsyncClient(transport=balancer) as http:
        connection = streamable_http_client("http://127.0.0.1:1/mcp", http_client=http)
        async with Client(connection, cache=None, mode=era, elicitation_callback=say_yes) as client:
            yield Caller(client)


async def charged(call: Caller) -> dict[str, Any]:
    """The arguments of a training that costs money."""
    found = await call("list_base_models", locale="en-US", train_with=["Language"], limit=100)
    base = next(item for item in found["base_models"] if item["training_is_charged"])
    return {"locale": "en-US", "datasets": ["Contoso plain text en-US"], "base_model": base["id"]}


async def test_replicas_accept_the_answer_to_a_question_of_another_replica(azure: Azure) -> None:
    """The user is asked once and the model is created once, though no two requests in a row reach one replica."""
    asked: list[str] = []
    async with replicas(azure, SHARED, SHARED, SHARED) as balancer, caller(balancer, "auto", asked) as call:
        request = await charged(call)
        for name in ("one", "two", "three", "four"):
            assert not (await call("create_model", display_name=name, **request))["already_existed"]
    assert len(asked) == 4
    assert await azure.writes() == ["Models_Create"] * 4
    assert len(set(balancer.used)) == 3


@pytest.mark.parametrize("era", ERAS)
async def test_replicas_serve_a_client_that_cannot_ask_with_a_token(azure: Azure, era: Any) -> None:
    """The confirm token of one replica holds on the next."""
    async with replicas(azure, SHARED, SHARED) as balancer, httpx2.AsyncClient(transport=balancer) as http:
        connection = streamable_http_client("http://127.0.0.1:1/mcp", http_client=http)
        async with Client(connection, cache=None, mode=era) as client:
            call = Caller(client)
            request = await charged(call) | {"display_name": "one"}
            refusal = await call.refusal("create_model", **request)
            token = refusal.split('confirm="')[1].split('"')[0]
            assert (await call("create_model", **request, confirm=token))["status"] in ("NotStarted", "Running")
    assert await azure.writes() == ["Models_Create"]


@pytest.mark.parametrize("version", HANDSHAKE)
async def test_replicas_serve_handshake_clients_without_sessions(azure: Azure, version: str) -> None:
    """No session id is issued, so none can name a replica, living or dead."""
    async with replicas(azure, SHARED, SHARED) as balancer, httpx2.AsyncClient() as client:
        one, other = (f"http://127.0.0.1:{port}/mcp" for port in balancer.ports)
        opened = await client.post(one, **initialize(version))
        headers = ACCEPT | {"mcp-protocol-version": version}
        listed = await client.post(other, headers=headers, json=message("tools/list"))

    assert "mcp-session-id" not in opened.headers
    assert answer_in(listed)["result"]["tools"]


async def test_replicas_make_one_model_of_the_same_request_at_the_same_moment(azure: Azure, lock: RequestLock) -> None:
    """Where they share a store: the later one finds what the earlier has made."""
    async with (
        replicas(azure, SHARED, SHARED, confirm="never", lock=lock) as balancer,
        httpx2.AsyncClient() as client,
    ):
        for name in ("one", "two", "three"):
            arguments = {"display_name": name, "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
            results = await at_once(
                client, balancer.ports, modern("tools/call", name="create_model", arguments=arguments)
            )
            assert sorted(result["already_existed"] for result in results) == [False, True]
            assert len({result["id"] for result in results}) == 1
    assert await azure.writes() == ["Models_Create"] * 3


async def test_replicas_create_nothing_while_the_store_that_they_share_is_gone(azure: Azure) -> None:
    """Then no replica knows what another does."""
    pytest.importorskip("redis", reason="the extra redis is not installed")
    gone = RedisLock("redis://127.0.0.1:1")
    request = {"display_name": "one", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
    async with (
        replicas(azure, SHARED, confirm="never", lock=gone) as balancer,
        caller(balancer, "auto", []) as call,
    ):
        refusal = await call.refusal("create_model", **request)
    assert "CUSTOM_SPEECH_LOCK_URL" in refusal
    assert await azure.writes() == []


async def at_once(client: httpx2.AsyncClient, ports: list[int], post: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of the same request to all of them at the same moment."""
    results: list[dict[str, Any]] = []

    async def ask(port: int) -> None:
        answer = answer_in(await client.post(f"http://127.0.0.1:{port}/mcp", **post))["result"]
        assert not answer["isError"], answer
        results.append(answer["structuredContent"])

    async with anyio.create_task_group() as group:
        for port in ports:
            group.start_soon(ask, port)
    return results


@pytest.fixture(params=["file", "redis"])
def lock(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RequestLock]:
    """A lock of each kind."""
    if request.param == "file":
        yield FileLock(tmp_path)
        return
    with redis_server() as url:
        yield RedisLock(url)
