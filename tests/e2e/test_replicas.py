"""Replicas …"""

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import anyio
import anyio.abc
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult

from custom_speech_server.app import Settings
from custom_speech_server.config import EMULATED
from custom_speech_server.distributed_lock import RedisTurns, Turns
from custom_speech_server.http.app import BODY_BYTES
from custom_speech_server.http.passing import Passing
from custom_speech_server.http.runner import listening, server
from custom_speech_server.http.sessions import Place, Seal, Sessions
from support.http_server import ACCEPT, HANDSHAKE, answer_in, initialize, message, modern, on_loopback, start
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
    listeners = [listening("127.0.0.1", 0) for _ in keys]
    ports = [listener.getsockname()[1] for listener in listeners]
    running = [
        server(
            Settings(EMULATED, key, emulator=lambda: azure, **settings),
            on_loopback(replica=f"http://127.0.0.1:{port}"),
            stop_seconds=20,
        )
        for key, port in zip(keys, ports, strict=True)
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


@pytest.mark.parametrize("era", ERAS)
async def test_carry_a_question_and_its_answer_wherever_each_request_goes(azure: Azure, era: str) -> None:
    """The user is asked once and the model is made once, though no two requests reach the same replica in a row."""
    asked: list[str] = []
    async with replicas(azure, SHARED, SHARED, SHARED) as balancer, caller(balancer, era, asked) as call:
        request = await charged(call)
        for name in ("one", "two", "three", "four"):
            assert not (await call("create_model", display_name=name, **request))["already_existed"]
    assert len(asked) == 4
    assert await azure.writes() == ["Models_Create"] * 4
    assert len(set(balancer.used)) == 3


@pytest.mark.parametrize("era", ERAS)
async def test_serve_a_client_that_cannot_ask_with_a_token(azure: Azure, era: Any) -> None:
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


async def test_do_not_believe_a_session_of_another_key(azure: Azure) -> None:
    """404, as for a session that never was; no request is passed to an address that we did not seal."""
    async with replicas(azure, SHARED, b"x" * 32) as balancer, httpx2.AsyncClient() as client:
        one, other = (f"http://127.0.0.1:{port}/mcp" for port in balancer.ports)
        opened = await client.post(one, **initialize("2025-11-25"))
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
        here = await client.post(one, headers=headers, json=message("tools/list"))
        there = await client.post(other, headers=headers, json=message("tools/list"))
    assert (here.status_code, there.status_code) == (200, 404)


@pytest.mark.parametrize("version", HANDSHAKE)
async def test_end_the_sessions_of_one_that_died(azure: Azure, version: str) -> None:
    """404 tells a client to begin anew, which it does on one that lives."""
    gone = listening("127.0.0.1", 0)
    address = f"http://127.0.0.1:{gone.getsockname()[1]}"
    gone.close()
    async with replicas(azure, SHARED) as balancer, httpx2.AsyncClient() as client:
        url = f"http://127.0.0.1:{balancer.ports[0]}/mcp"
        headers = ACCEPT | {"mcp-session-id": Seal(SHARED).seal(Place(address, "x")), "mcp-protocol-version": version}
        assert (await client.post(url, headers=headers, json=message("tools/list"))).status_code == 404
        assert answer_in(await client.post(url, **initialize(version)))["result"]["protocolVersion"] == version


async def test_pass_a_stream_on_and_its_end(azure: Azure) -> None:
    """What a client listens to on one replica it hears through another; a DELETE ends it."""
    async with replicas(azure, SHARED, SHARED) as balancer, httpx2.AsyncClient() as client:
        one, other = (f"http://127.0.0.1:{port}/mcp" for port in balancer.ports)
        opened = await client.post(one, **initialize("2025-11-25"))
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
        async with client.stream("GET", other, headers=headers) as listening_one:
            assert listening_one.headers["content-type"].startswith("text/event-stream")
            assert (await client.delete(other, headers=headers)).status_code == 200
            assert [line async for line in listening_one.aiter_lines() if line.startswith("data")] == []
        assert (await client.post(other, headers=headers, json=message("ping"))).status_code == 404


@asynccontextmanager
async def other_replica(answer: bytes | None) -> AsyncIterator[str]:
    """The address of one that answers so and hangs up; or, without an answer, keeps silent."""

    async def handle(connection: anyio.abc.SocketStream) -> None:
        async with connection:
            await connection.receive()
            if answer is None:
                await anyio.sleep_forever()
            else:
                await connection.send(answer)

    listener = listening("127.0.0.1", 0)
    port = listener.getsockname()[1]
    async with await anyio.abc.SocketListener.from_socket(listener) as accepting, anyio.create_task_group() as group:
        group.start_soon(accepting.serve, handle)
        yield f"http://127.0.0.1:{port}"
        group.cancel_scope.cancel()


def session_at(replica: str) -> dict[str, str]:
    """The headers of a request in a session of that replica."""
    return ACCEPT | {"mcp-session-id": Seal(SHARED).seal(Place(replica, "x")), "mcp-protocol-version": "2025-11-25"}


async def test_say_that_one_went_away_with_a_call(azure: Azure) -> None:
    """What it did is not known, so the caller is told to look before it asks again."""
    async with other_replica(b"") as other, replicas(azure, SHARED) as balancer, httpx2.AsyncClient() as client:
        url = f"http://127.0.0.1:{balancer.ports[0]}/mcp"
        answer = await client.post(url, headers=session_at(other), json=message("tools/list"))
    assert answer.status_code == 502
    assert answer.json()["error"]["message"] == (
        "The replica that holds this session stopped answering. "
        "What was asked may have been done: look, in a new session, before asking again."
    )


async def test_break_an_answer_off_where_it_broke_off(azure: Azure) -> None:
    """Half an answer never looks like a whole one."""
    half = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:\r\n"
    async with other_replica(half) as other, replicas(azure, SHARED) as balancer, httpx2.AsyncClient() as client:
        url = f"http://127.0.0.1:{balancer.ports[0]}/mcp"
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post(url, headers=session_at(other), json=message("tools/list"))


async def test_wait_for_no_silent_one_for_ever() -> None:
    """A replica that is stuck holds no caller of another."""
    passing = Passing(body_bytes=1000, silent_seconds=0.01)
    app = Sessions(_unused, "http://127.0.0.1:1", SHARED, passing)
    async with other_replica(None) as other, httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as client:
        answer = await client.post("http://127.0.0.1:1/mcp", headers=session_at(other), json=message("tools/list"))
    await passing.close()
    assert answer.status_code == 502


async def test_pass_on_no_more_than_they_would_take(azure: Azure) -> None:
    """A body above the limit is refused before it is read."""
    async with other_replica(None) as other, replicas(azure, SHARED) as balancer, httpx2.AsyncClient() as client:
        url = f"http://127.0.0.1:{balancer.ports[0]}/mcp"
        answer = await client.post(url, headers=session_at(other), content=b" " * (BODY_BYTES + 1))
    assert answer.status_code == 413


async def test_pass_nothing_on_twice(azure: Azure) -> None:
    """A session whose address leads to a replica of another name is gone; its request does not go round and round."""
    async with replicas(azure, SHARED) as balancer, httpx2.AsyncClient() as client:
        url = f"http://127.0.0.1:{balancer.ports[0]}/mcp"
        renamed = session_at(f"http://localhost:{balancer.ports[0]}")
        answer = await client.post(url, headers=renamed, json=message("tools/list"))
    assert answer.status_code == 404


async def _unused(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("no session of this replica was asked for")


async def test_make_one_model_of_the_same_request_at_the_same_moment(azure: Azure, turns: Turns) -> None:
    """Where they share a store: the later one finds what the earlier has made."""
    async with (
        replicas(azure, SHARED, SHARED, confirm="never", turns=turns) as balancer,
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


async def test_create_nothing_while_the_store_that_they_share_is_gone(azure: Azure) -> None:
    """Then no replica knows what another does."""
    pytest.importorskip("redis", reason="the extra redis is not installed")
    gone = RedisTurns("redis://127.0.0.1:1")
    request = {"display_name": "one", "locale": "en-US", "datasets": ["Contoso plain text en-US"]}
    async with (
        replicas(azure, SHARED, confirm="never", turns=gone) as balancer,
        caller(balancer, "auto", []) as call,
    ):
        refusal = await call.refusal("create_model", **request)
    assert "CUSTOM_SPEECH_TURNS" in refusal
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


class MemoryTurns:
    """Turns as a store gives them, in this process."""

    def __init__(self) -> None:
        self._turns: dict[str, anyio.Lock] = {}
        self._done: set[str] = set()

    @asynccontextmanager
    async def of(self, request: str) -> AsyncIterator[bool]:
        """One's turn."""
        async with self._turns.setdefault(request, anyio.Lock()):
            yield request in self._done
            self._done.add(request)


@pytest.fixture(params=["memory", "redis"])
def turns(request: pytest.FixtureRequest) -> Iterator[Turns]:
    """A store of each kind."""
    if request.param == "memory":
        yield MemoryTurns()
        return
    pytest.importorskip("redis", reason="the extra redis is not installed")
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as store:
        assert store.stdout is not None
        try:
            assert any("Ready to accept" in line for line in iter(store.stdout.readline, ""))
            yield RedisTurns(f"redis://127.0.0.1:{port}")
        finally:
            store.terminate()


@given(replica=st.text(max_size=60), session=st.text(max_size=60))
def test_seal_the_place_of_a_session_and_read_it_again(replica: str, session: str) -> None:
    """Whatever it is called."""
    place = Place(replica, session)
    assert Seal(SHARED).unseal(Seal(SHARED).seal(place)) == place


@given(text=st.text(max_size=200))
def test_read_nothing_else(text: str) -> None:
    """Made-up ids name no place."""
    assert Seal(SHARED).unseal(text) is None
