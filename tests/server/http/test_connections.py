"""An HTTP connection …"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from anyio.abc import SocketStream
from sse_starlette.sse import AppStatus

from custom_speech_server.app import Settings
from custom_speech_server.config import EMULATED
from custom_speech_server.http import connections
from custom_speech_server.http.graceful_shutdown import StoppingServer
from custom_speech_server.http.runner import listening, server
from support.http_server import ACCEPT, answer_in, initialize, message, modern, on_loopback, refused, start
from support.speech_service import Azure

pytestmark = pytest.mark.anyio

HEALTH = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HEAD = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


class Served:
    """A server in this process on a port of loopback."""

    def __init__(self, port: int, running: StoppingServer, stopped: anyio.Event) -> None:
        self.port, self._running, self.stopped = port, running, stopped

    def stop(self) -> None:
        """As a signal does."""
        self._running.should_exit = True

    def connections(self) -> int:
        """How many are open."""
        return len(self._running.server_state.connections)

    async def connect(self) -> SocketStream:
        """A bare connection."""
        return await anyio.connect_tcp("127.0.0.1", self.port)

    def client(self) -> httpx2.AsyncClient:
        """An HTTP client."""
        return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=30)


@asynccontextmanager
async def served(app: Any, stop_seconds: int = 20) -> AsyncIterator[Served]:
    """Serve, as the command does, before `app` in the place of Azure."""
    listener = listening("127.0.0.1", 0)
    running = server(Settings(EMULATED, b"k" * 32, emulator=lambda: app), on_loopback(), stop_seconds)
    async with anyio.create_task_group() as group:
        here = Served(listener.getsockname()[1], running, start(group, running, listener))
        try:
            yield here
        finally:
            here.stop()
            with anyio.CancelScope(shield=True):
                await here.stopped.wait()


async def everything(stream: SocketStream) -> bytes:
    """What comes until the other end closes."""
    received = b""
    try:
        while True:
            received += await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return received


async def call(client: httpx2.AsyncClient, in_session: bool, answers: list[httpx2.Response]) -> None:
    """Call a tool that needs the service, in either era."""
    post = modern("tools/call", name="list_projects", arguments={})
    if in_session:
        opened = await client.post("/mcp", **initialize("2025-11-25"))
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
        post = {"headers": headers, "json": message("tools/call", name="list_projects", arguments={})}
    answers.append(await client.post("/mcp", **post))


async def is_well(here: Served) -> bool:
    """Whether the next caller is served."""
    async with here.client() as client:
        return (await client.get("/healthz")).json() == {"alive": True}


PARTS = ["POST /mcp HT", HEAD, HEAD + "Content-Length: 100\r\n\r\n{"]


@pytest.mark.parametrize("before", ["", HEALTH])
@pytest.mark.parametrize("sent", PARTS)
async def test_is_closed_when_its_request_does_not_arrive_whole(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, sent: str, before: str
) -> None:
    """In the line, in the head, in a body that never ends, also close behind another: a whole request has its time."""
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.05)
    async with served(azure) as here:
        async with await here.connect() as stream:
            await stream.send(f"{before}{sent}".encode())
            assert (await everything(stream)).count(b"HTTP/1.1 200") == before.count("GET")
        assert await is_well(here)


async def test_is_closed_when_nothing_comes(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor may it be idle from the beginning."""
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.05)
    async with served(azure) as here:
        async with await here.connect() as stream:
            assert await everything(stream) == b""
        assert await is_well(here)


async def test_is_refused_a_head_of_endless_length(azure: Azure) -> None:
    """A header bomb gets 400 and a closed connection."""
    async with served(azure) as here:
        async with await here.connect() as stream:
            await stream.send((HEAD + "".join(f"X-{n}: {'x' * 1000}\r\n" for n in range(40))).encode())
            assert (await everything(stream)).startswith(b"HTTP/1.1 400")
        assert await is_well(here)


async def test_is_closed_when_its_answer_is_not_read(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow reader holds no worker: what it does not take is dropped with the connection."""
    monkeypatch.setattr(connections, "READING_SECONDS", 0.05)
    request = modern("tools/list")
    async with served(azure) as here:
        async with here.client() as client:
            one = client.build_request("POST", "/mcp", **request)
        head = "".join(f"{name}: {value}\r\n" for name, value in one.headers.items())
        raw = f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + one.content
        async with await here.connect() as stream:
            with pytest.raises(anyio.BrokenResourceError):
                await _send_forever(stream, raw)
        assert await is_well(here)


@pytest.mark.parametrize("sent", ["", HEALTH, f"{HEALTH}{HEAD}Content-Length: 100\r\n\r\n{{"])
async def test_that_asks_nothing_gives_way_when_there_are_too_many(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    """However many are idle, be it after a request, the next caller is served."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 20)
    async with served(azure) as here:
        streams = []
        for _ in range(60):
            streams.append(stream := await here.connect())
            if sent:
                await stream.send(sent.encode())
                assert (await stream.receive()).startswith(b"HTTP/1.1 200")
        assert await is_well(here)
        for stream in streams:
            await stream.aclose()


async def test_gives_way_however_many_come_at_once(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is thought to have gone twice: the number holds."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 20)
    async with served(azure) as here:
        streams = [socket.create_connection(("127.0.0.1", here.port)) for _ in range(60)]
        assert await is_well(here)
        assert here.connections() <= 20
        for stream in streams:
            stream.close()


async def test_is_refused_when_all_others_are_at_work(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is closed at once, and those that are served stay."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 1)
    async with served(azure) as here, here.client() as client:
        opened = await client.post("/mcp", **initialize("2025-11-25"))
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
        async with client.stream("GET", "/mcp", headers=headers) as stream:
            async with await here.connect() as one_more:
                assert await everything(one_more) == b""
            assert not stream.is_closed


async def test_of_a_probe_that_names_no_host_is_told_of_health(azure: Azure) -> None:
    """As load balancers ask."""
    async with served(azure) as here, await here.connect() as stream:
        await stream.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert (await everything(stream)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("in_session", [False, True])
async def test_lets_a_running_call_finish_when_the_server_stops(in_session: bool) -> None:
    """Its answer comes, whole, in either era; nobody new comes in."""
    slow = Slow(Azure())
    answers: list[httpx2.Response] = []
    async with served(slow) as here, here.client() as client, anyio.create_task_group() as group:
        group.start_soon(call, client, in_session, answers)
        await slow.reached.wait()
        here.stop()
        await refused(here.port)
        assert not AppStatus.enable_automatic_graceful_drain  # it would cut the stream half a second later
        slow.go_on.set()
        await here.stopped.wait()
    assert not answer_in(answers[0])["result"]["isError"]


@pytest.mark.parametrize("in_session", [False, True])
async def test_tells_the_caller_of_a_call_that_a_stop_cuts_short(
    in_session: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """When the time for running calls is over: 503, or the end of a stream that had begun; never a traceback."""
    slow = Slow(Azure())
    answers: list[httpx2.Response] = []
    async with served(slow, stop_seconds=0) as here, here.client() as client, anyio.create_task_group() as group:
        group.start_soon(call, client, in_session, answers)
        await slow.reached.wait()
        here.stop()
        await here.stopped.wait()
    assert [(answer.status_code, "Traceback" in answer.text) for answer in answers] == [
        (200 if in_session else 503, False)
    ]
    assert not [record for record in caplog.records if record.exc_info]


async def test_waits_for_no_answer_in_a_session_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that never ends, such as one of two with the same id, ends with the time for answers."""
    slow = Slow(Azure())
    answers: list[httpx2.Response] = []
    async with served(slow) as here, here.client() as client, anyio.create_task_group() as group:
        monkeypatch.setattr(stopping, "ANSWER_SECONDS", 0.5)
        group.start_soon(call, client, True, answers)
    assert [(answer.status_code, '"result"' in answer.text) for answer in answers] == [(200, False)]


async def test_of_a_client_that_leaves_before_its_request_is_whole_ends_quietly(
    azure: Azure, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is left to answer, and nobody is to blame."""
    async with served(azure) as here:
        async with await here.connect() as stream:
            await stream.send(f"{HEAD}Content-Length: 100\r\n\r\n{{".encode())
        assert await is_well(here)
    assert not [record for record in caplog.records if record.exc_info]


async def test_ends_a_listening_stream_when_the_server_stops(azure: Azure) -> None:
    """A client that only waits for news does not hold the stop up."""
    async with served(azure, stop_seconds=600) as here, here.client() as client:
        opened = await client.post("/mcp", **initialize("2025-11-25"))
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
        async with client.stream("GET", "/mcp", headers=headers) as listening_one:
            here.stop()
            assert [line async for line in listening_one.aiter_lines() if line.startswith("data")] == []
        await here.stopped.wait()


async def test_of_a_vanished_client_cancels_its_call() -> None:
    """The work for somebody who has gone is given up, and the server goes on."""
    slow = Slow(Azure())
    async with served(slow) as here:
        async with here.client() as client, anyio.create_task_group() as group:
            group.start_soon(lambda: client.post("/mcp", **modern("tools/call", name="list_projects", arguments={})))
            await slow.reached.wait()
            group.cancel_scope.cancel()
        await slow.given_up.wait()
        slow.go_on.set()
        assert await is_well(here)


@pytest.mark.parametrize("says_so", [False, True])
async def test_of_a_client_that_vanishes_when_it_is_asked_leaves_nothing_behind(azure: Azure, says_so: bool) -> None:
    """No answer is no yes: nothing is created, and the next caller is served, whether it ended its session or not."""
    async with served(azure) as here, here.client() as client:
        opened = await client.post("/mcp", **initialize("2025-11-25", {"elicitation": {}}))
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
        await client.post("/mcp", headers=headers, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        call = message("tools/call", name="create_model", arguments=await _charged(client, headers))
        async with client.stream("POST", "/mcp", headers=headers, json=call) as stream:
            assert await anext(line async for line in stream.aiter_lines() if "elicitation/create" in line)
        if says_so:
            assert (await client.delete("/mcp", headers=headers)).status_code == 200
        assert await is_well(here)
    assert await azure.writes() == []


async def _charged(client: httpx2.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    arguments = {"locale": "en-US", "train_with": ["Language"], "limit": 100}
    call = message("tools/call", name="list_base_models", arguments=arguments)
    listed = answer_in(await client.post("/mcp", headers=headers, json=call))["result"]["structuredContent"]
    base = next(item["id"] for item in listed["base_models"] if item["training_is_charged"])
    datasets = ["Contoso plain text en-US"]
    return {"display_name": "m", "locale": "en-US", "datasets": datasets, "base_model": base}


class Slow:
    """A service that answers when it is told to."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.reached, self.go_on, self.given_up = anyio.Event(), anyio.Event(), anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, late."""
        self.reached.set()
        try:
            await self.go_on.wait()
        except anyio.get_cancelled_exc_class():
            self.given_up.set()
            raise
        await self._app(scope, receive, send)


async def _send_forever(stream: SocketStream, content: bytes) -> None:
    while True:
        await stream.send(content)
