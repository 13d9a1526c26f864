"""Three replicas behind nginx …

REPLICA_CALLS sets how many calls each test makes (default 60; continuous integration makes 1000 in all).
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult

from custom_speech_server.http.uvicorn_server import listen
from support.tool_client import Caller, text_of

pytestmark = [
    pytest.mark.long,
    pytest.mark.anyio,
    pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="nginx is run as on Linux"),
]

CALLS = int(os.environ.get("REPLICA_CALLS", "60"))
CALLERS = 8
NGINX = Path(__file__).parents[2] / "deploy" / "nginx.conf"
KEY = {"Ocp-Apim-Subscription-Key": "emulator-eastus-key"}
STATE_KEY = "a key that all three replicas share"
AS_USUAL = httpx2.Timeout(30, read=300)
"""As the SDK's own HTTP client has it."""


def free_ports(many: int) -> list[int]:
    """Ports on which nobody listens."""
    listeners = [listen("127.0.0.1", 0) for _ in range(many)]
    try:
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


@contextmanager
def run(*command: str, until: str = "", **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A program, once it has said on stderr what `until` says."""
    with subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            if until:
                assert any(until in line for line in iter(process.stderr.readline, ""))
            Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop the program
            yield process
        finally:
            process.terminate()


@dataclass
class Team:
    """What runs: the emulator, the replicas and nginx."""

    folder: Path
    azure: int
    front: int
    ports: list[int]
    replicas: list["subprocess.Popen[str]"] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.front}/mcp"

    def address(self, replica: int) -> str:
        """Where the others reach a replica."""
        return f"http://127.0.0.1:{self.ports[replica]}"

    def start(self, stack: ExitStack, port: int) -> "subprocess.Popen[str]":
        """One replica."""
        command = (
            "-m",
            "custom_speech_server",
            "serve",
            "--http",
            "--stateless",
            "--stop-seconds",
            "1",
            "--port",
            str(port),
        )
        return stack.enter_context(
            run(
                sys.executable,
                *command,
                until="serving MCP on",
                CUSTOM_SPEECH_CONFIG=str(self.folder / "resources.toml"),
                CUSTOM_SPEECH_AUDIT=str(self.folder / "audit.jsonl"),
                CUSTOM_SPEECH_STATE_KEY=STATE_KEY,
                XDG_STATE_HOME=str(self.folder / "state"),
                EAST_KEY="emulator-eastus-key",
            )
        )

    def models(self) -> Counter[str]:
        """How often each model was made."""
        names: Counter[str] = Counter()
        page: str | None = f"http://127.0.0.1:{self.azure}/speechtotext/models?api-version=2025-10-15&top=100"
        while page:
            answer = httpx.get(page, headers=KEY).json()
            names.update(model["displayName"] for model in answer["values"])
            page = answer.get("@nextLink")
        return names


@pytest.fixture
def team(tmp_path: Path) -> Iterator[tuple[Team, ExitStack]]:
    """Three replicas behind the configuration of nginx that is in `deploy`, before one emulator."""
    azure, front, *ports = free_ports(5)
    here = Team(tmp_path, azure, front, ports)
    (tmp_path / "resources.toml").write_text(
        f'[resources.east]\nregion = "eastus"\nendpoint = "http://127.0.0.1:{azure}"\nkey = {{ env = "EAST_KEY" }}\n'
    )
    (tmp_path / "nginx.conf").write_text(configuration(here))
    with ExitStack() as stack:
        emulator = ("-m", "custom_speech_server", "emulator", "--port", str(azure), "--training", "reads:1000000")
        stack.enter_context(run(sys.executable, *emulator, until="listening on"))
        here.replicas += [here.start(stack, port) for port in ports]
        stack.enter_context(run("nginx", "-c", str(tmp_path / "nginx.conf"), "-g", "daemon off; master_process off;"))
        _wait_for(here.front)
        yield here, stack


def configuration(team: Team) -> str:
    """The configuration in `deploy`, with the addresses and folders of this test."""
    ports = iter(team.ports)
    text = re.sub(r"server-\d:8080", lambda _: f"127.0.0.1:{next(ports)}", NGINX.read_text())
    text = text.replace("listen 8000", f"listen 127.0.0.1:{team.front}").replace(
        "worker_processes auto", "worker_processes 1"
    )
    return text.replace("/tmp/", f"{team.folder}/")  # noqa: S108  # what stands in the file is replaced


def _wait_for(port: int) -> None:
    """Until nginx listens; each attempt waits by itself."""
    transport = httpx.HTTPTransport(retries=8)
    with httpx.Client(transport=transport) as client:
        client.get(f"http://127.0.0.1:{port}/healthz").raise_for_status()


class Witness(httpx2.AsyncBaseTransport):
    """Counts refusals and answers that ended early; at the first refusal the calls are given up."""

    def __init__(self, give_up: Callable[[], None]) -> None:
        self._give_up = give_up
        self.refused = self.cut_off = 0
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass it on."""
        answer = await self._inner.handle_async_request(request)
        is_listening = request.method == "GET"  # without sessions there is no stream to listen to
        if answer.status_code >= 400 and not is_listening:
            self.refused += 1
            self._give_up()
        assert isinstance(answer.stream, httpx2.AsyncByteStream)
        answer.stream = _Watched(answer.stream, self)
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Watched(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, witness: Witness) -> None:
        self._stream, self._witness = stream, witness

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except httpx2.TransportError:
            self._witness.cut_off += 1
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()


class Crowd:
    """Callers that make models, each of another name, and begin anew when a replica takes their session along."""

    def __init__(self, url: str, era: Any, many: int, on: dict[int, Callable[[], None]]) -> None:
        self._url, self._era, self._on = url, era, on
        self._left = deque(range(many))
        self.done = self.asked = self.begun_anew = 0
        self._group = anyio.create_task_group()
        self.witness = Witness(self._group.cancel_scope.cancel)

    async def run(self) -> None:
        """All calls, several at once."""
        async with (
            httpx2.AsyncClient(transport=self.witness, timeout=AS_USUAL) as http,
            self._group,
        ):
            for _ in range(CALLERS):
                self._group.start_soon(self._caller, http)

    async def _caller(self, http: httpx2.AsyncClient) -> None:
        while self._left:
            try:
                to = streamable_http_client(self._url, http_client=http)
                async with Client(to, cache=None, mode=self._era, elicitation_callback=self._yes) as client:
                    await self._call_on(Caller(client))
            except* (MCPError, httpx2.HTTPError, anyio.ClosedResourceError, anyio.BrokenResourceError):
                self.begun_anew += 1

    async def _call_on(self, call: Caller) -> None:
        request = await _charged(call)
        while self._left:
            turn = self._left.popleft()
            arguments = request | {"display_name": f"model {turn}"}
            try:
                if self._era == "legacy":  # without sessions such a client cannot be asked, so it confirms by token
                    self.asked += 1
                    first = await call.client.call_tool("create_model", arguments)
                    if first.is_error:  # else it was created by a call whose answer was lost with its replica
                        arguments["confirm"] = text_of(first).rpartition('confirm="')[2].partition('"')[0]
                await call("create_model", **arguments)
            except BaseException:
                self._left.append(turn)
                raise
            self._count()

    def _count(self) -> None:
        self.done += 1
        event = self._on.pop(self.done, None)
        if event:
            event()

    async def _yes(self, context: Any, question: Any) -> ElicitResult:
        self.asked += 1
        return ElicitResult(action="accept", content={"agree": True})


async def _charged(call: Caller) -> dict[str, Any]:
    found = await call("list_base_models", locale="en-US", train_with=["Language"], limit=100)
    base = next(item for item in found["base_models"] if item["training_is_charged"])
    return {"locale": "en-US", "datasets": ["Contoso plain text en-US"], "base_model": base["id"]}


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_replicas_create_every_model_once_while_one_dies_and_comes_back(
    team: tuple[Team, ExitStack], era: str
) -> None:
    """No call is refused; one whose answer was lost with the dead replica is sent again and creates nothing."""
    here, stack = team
    many = CALLS // 2

    def kill() -> None:
        here.replicas[0].send_signal(signal.SIGKILL)
        here.replicas[0].wait()

    def restart() -> None:
        here.replicas[0] = here.start(stack, here.ports[0])

    crowd = Crowd(here.url, era, many, {many // 3: kill, 2 * many // 3: restart})
    await crowd.run()
    assert crowd.witness.refused == 0
    made = {name: times for name, times in here.models().items() if name.startswith("model ")}
    assert made == {f"model {n}": 1 for n in range(many)}
    assert crowd.done == many
    assert crowd.begun_anew <= crowd.witness.cut_off
    assert many <= crowd.asked <= many + crowd.begun_anew + crowd.witness.cut_off


@pytest.fixture
def many_files() -> Iterator[int]:
    """Raise this process's limit of open files, and provide how many connections fit."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 24_000 if hard == resource.RLIM_INFINITY else min(hard, 24_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield min(10_000, wanted - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def healthy(team: Team) -> bool:
    """Return whether a new caller is served."""
    return httpx.get(f"http://127.0.0.1:{team.front}/healthz", timeout=30).status_code == 200


def connect(team: Team, first_bytes: bytes = b"") -> socket.socket:
    """Open a connection to nginx and send the beginning of a request."""
    connection = socket.create_connection(("127.0.0.1", team.front), timeout=30)
    if first_bytes:
        connection.sendall(first_bytes)
    return connection


def test_nginx_keeps_idle_connections_from_the_replicas(team: tuple[Team, ExitStack], many_files: int) -> None:
    """Ten thousand connections that send nothing: the next caller is served, and no replica sees them."""
    here, stack = team
    idle = [stack.enter_context(connect(here)) for _ in range(many_files)]

    assert len(idle) == many_files
    assert healthy(here)
    assert sum(established(port) for port in here.ports) < 200


@pytest.mark.parametrize(
    "first_bytes",
    [
        b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le",
        b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ],
    ids=["half headers", "half body"],
)
def test_nginx_ends_requests_that_do_not_arrive_whole(team: tuple[Team, ExitStack], first_bytes: bytes) -> None:
    """A thousand half requests: callers are served meanwhile, replicas see none of them, and nginx closes each."""
    here, stack = team
    halves = [stack.enter_context(connect(here, first_bytes)) for _ in range(1000)]

    assert healthy(here)
    assert sum(established(port) for port in here.ports) < 200
    assert [half for half in halves if not is_closed_by_server(half)] == []


def test_nginx_takes_answers_off_the_replicas_for_slow_readers(team: tuple[Team, ExitStack]) -> None:
    """Callers that never read their answers do not keep others waiting."""
    here, stack = team
    request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 200
    slow = [stack.enter_context(connect(here, request)) for _ in range(500)]

    assert len(slow) == 500
    assert healthy(here)


def established(port: int) -> int:
    """Return the number of connections of a listening port, from the kernel's table."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def is_closed_by_server(connection: socket.socket) -> bool:
    """Wait until the other side closes, as its limit says, and return whether it did."""
    connection.settimeout(60)
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True
