"""Workers of one machine …"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import httpx2
import pytest

from custom_speech_server.config import ConfigurationError
from custom_speech_server.http.runner import listening
from custom_speech_server.http.sessions import Seal
from support.http_server import ACCEPT, answer_in, command, initialize, message, modern, refused

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform == "win32", reason="workers are forked")]

KEY = "k" * 32
TWO = {"CUSTOM_SPEECH_STATE_KEY": KEY}
OLD = """
import sys
from custom_speech_server.http import workers
from custom_speech_server.__main__ import main
workers.SHORTEST_LIFE_SECONDS = 0.0
sys.exit(main())
"""
PROGRAM = """
import os, signal, socket, sys
from custom_speech_server.http import workers

def told(process): os.kill(process, signal.SIGTERM)

def start(work=lambda own: signal.pause(), announce=lambda: None):
    sys.exit(workers.Workers(work, shared, owns).run(announce))

shared, *owns = (socket.create_server(("127.0.0.1", 0)) for _ in range(3))
workers.SHORTEST_LIFE_SECONDS = float("inf")
"""


def ran(script: str) -> tuple[int, str]:
    """How a program of two workers ended, and what it said."""
    whole = [sys.executable, "-c", PROGRAM + script]
    done = subprocess.run(whole, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


async def test_start_and_stop_together() -> None:
    """A session is served whichever worker a connection reaches; a stop ends all with status 0."""
    with command("--workers", "2", **TWO) as (process, url):
        async with httpx2.AsyncClient() as client:
            opened = await client.post(url, **initialize("2025-11-25"))
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
        for _ in range(20):
            async with httpx2.AsyncClient() as client:
                listed = await client.post(url, headers=headers, json=message("tools/list"))
                assert answer_in(listed)["result"]["tools"]
        process.terminate()
        assert process.wait(timeout=60) == 0


async def test_stop_when_the_process_that_started_them_is_killed() -> None:
    """Else nobody would replace one that dies, and the port would stay taken."""
    with command("--workers", "2", **TWO) as (process, url):
        process.kill()
        _, said = process.communicate(timeout=60)  # it ends when the last worker has ended
        await refused(httpx2.URL(url).port or 0)
    assert said == ""


async def test_let_nobody_new_in_while_a_running_call_finishes() -> None:
    """As when one process stops: whoever comes now is refused, and goes where somebody answers."""
    call = httpx2.Request("POST", "http://127.0.0.1/mcp", **modern("tools/list"))
    head = "".join(f"{name}: {value}\r\n" for name, value in call.headers.items())
    with command("--workers", "2", **TWO) as (process, url):
        port = httpx2.URL(url).port or 0
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(f"POST /mcp HTTP/1.1\r\n{head}expect: 100-continue\r\n\r\n".encode())
            assert (await stream.receive()).startswith(b"HTTP/1.1 100")
            process.terminate()
            await refused(port)
            await stream.send(call.content)
            assert (await stream.receive()).startswith(b"HTTP/1.1 200")
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(("told", "status"), [("process", 0), ("not process", 1)])
def test_stop_when_they_are_told_to_at_the_moment_of_a_birth(told: str, status: int) -> None:
    """No signal is lost, be it to the process that starts them or, as a death too young, to the newborn."""
    ended, _ = ran(f"""
fork = os.fork
def forked():
    process = fork()
    if {told}: told(os.getpid())
    return process
os.fork = forked
start()
""")
    assert ended == status


def test_stop_when_they_are_told_to_before_they_can_serve() -> None:
    """The signal holds from the start, before uvicorn listens for it."""
    assert ran("""
import uvicorn
from custom_speech_server.http.graceful_shutdown import StoppingServer
uvicorn.Server.run = lambda server, sockets: signal.raise_signal(signal.SIGTERM) or sys.exit(not server.should_exit)
StoppingServer(uvicorn.Config(""), None, None).run()
""") == (0, "")


def test_go_on_when_a_strange_process_ends() -> None:
    """As process 1 the one that starts them is the parent of every orphan."""
    assert ran("os.fork() or os._exit(0); start(announce=lambda: told(os.getpid()))") == (0, "")


def test_say_why_they_stop_when_one_dies_as_soon_as_it_began() -> None:
    """Another would, too: the status is 1."""
    status, said = ran("start(lambda own: os._exit(7))")
    assert status == 1
    assert "ended (status 7) as soon as it began, and so would another: all stop. The lines above say why" in said


def test_hang_up_on_whoever_waits_for_one_that_has_stopped() -> None:
    """A worker that passes a request on to it is not held up in its own stop."""
    assert ran("""
def work(own):
    if own is owns[0]:
        signal.pause()
    signal.signal(signal.SIGTERM, lambda name, _: signal.signal(name, signal.SIG_DFL))
    told(os.getppid())
    assert socket.create_connection(owns[0].getsockname()).recv(1) == b""
start(work)
""") == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc names the workers")
async def test_are_replaced_where_they_die_and_their_sessions_end() -> None:
    """404 tells a client to begin anew; no port is left to a stranger, who would be sent tokens."""
    with command("--workers", "2", program=("-c", OLD), **TWO) as (process, url):
        async with httpx2.AsyncClient() as client:
            sealed = (await client.post(url, **initialize("2025-11-25"))).headers["mcp-session-id"]
        dead = _children(process.pid)
        for worker in dead:
            os.kill(worker, signal.SIGKILL)
        async with httpx2.AsyncClient() as client:
            headers = ACCEPT | {"mcp-session-id": sealed}
            assert (await client.post(url, headers=headers, json=message("tools/list"))).status_code == 404
            assert (await client.post(url, **initialize("2025-11-25"))).status_code == 200
        place = Seal(KEY.encode()).unseal(sealed)
        assert place
        with pytest.raises(ConfigurationError):
            listening("127.0.0.1", httpx2.URL(place.replica).port or 0)
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert [f"Worker {worker} ended (signal 9); another takes its place." in said for worker in dead] == [True, True]


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
