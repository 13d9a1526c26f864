"""Calls over HTTP beside a bare server of the SDK with one tool that makes the same request (Linux).

python bench/bench_http.py [--rounds 40] [--calls 64] [--memory 10000] [--service-ms 0]

For 1, 16 and 64 callers: calls a second, CPU milliseconds a call of the server's process, and the time in which half
of the calls and 99 % of them were answered. The two servers take short turns, each first in every other round, because
a machine is seldom equally fast for long; of the rounds the median is shown, and of the ratios of neighbours.
With --service-ms the service takes that long, and the rate is what 16 requests at once to a resource allow.
Then how much memory the product holds after a thousand calls and after many.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from threading import Thread

from http_upstream import ID

from custom_speech_server.http.uvicorn_server import listen

HERE = Path(__file__).parent
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Server:
    """One that runs."""

    name: str
    process: "subprocess.Popen[str]"
    port: int

    def cpu_seconds(self) -> float:
        """What its threads have used."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def memory(self) -> int:
        """Bytes that its process holds."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    def request(self) -> bytes:
        """The call, as it goes over the wire."""
        version = "2026-07-28"
        meta = {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params = {"name": "get_model", "arguments": {"model": ID}, "_meta": meta}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nMCP-Protocol-Version: {version}\r\n"
        kinds = "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n"
        names = "Mcp-Method: tools/call\r\nMcp-Name: get_model\r\n"
        return f"{head}{names}{kinds}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def call(server: Server, calls: int, callers: int) -> tuple[float, list[float]]:
    """Make the calls; gives the seconds that all took together, and each."""
    request, left = server.request(), iter(range(calls))
    each: list[float] = []

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for _ in left:
            sent = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            each.append(time.perf_counter() - sent)
            assert b'"isError":true' not in body, body
            assert head.startswith(b"HTTP/1.1 200"), head
        writer.close()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    return time.perf_counter() - began, each


def start(stack: ExitStack, name: str, *command: str, ready: str, port: int = 0, **environment: str) -> Server:
    """Start a program and wait until it is ready."""
    process = stack.enter_context(
        subprocess.Popen([sys.executable, *command], env=os.environ | environment, stderr=subprocess.PIPE, text=True)
    )
    stack.callback(process.terminate)
    assert process.stderr is not None
    assert any(ready in line for line in iter(process.stderr.readline, ""))
    Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop the program
    return Server(name, process, port)


def free_port() -> int:
    """A port on which nobody listens."""
    with listen("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


def servers(stack: ExitStack, folder: Path, service_ms: int) -> tuple[Server, Server]:
    """The product and the bare server, before the same upstream."""
    upstream, product, bare = free_port(), free_port(), free_port()
    slow = ("--milliseconds", str(service_ms))
    start(stack, "upstream", str(HERE / "http_upstream.py"), "--port", str(upstream), *slow, ready="ready")
    config = folder / "resources.toml"
    config.write_text(
        f'[resources.east]\nregion = "eastus"\nendpoint = "http://127.0.0.1:{upstream}"\nkey = {{ env = "KEY" }}\n'
    )
    ours = ("-m", "custom_speech_server", "serve", "--http", "--port", str(product))
    theirs = (str(HERE / "http_bare.py"), "--port", str(bare), "--upstream", str(upstream))
    where = {"CUSTOM_SPEECH_CONFIG": str(config), "KEY": "k"}
    return (
        start(stack, "product", *ours, ready="serving MCP on", port=product, **where),
        start(stack, "bare SDK", *theirs, ready="serving MCP on", port=bare),
    )


@dataclass
class Measured:
    """What was measured of one server, a number for each round; the seconds of each call."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


async def measure(pair: tuple[Server, Server], rounds: int, calls: int) -> None:
    """Both in turn, and the ratio of their CPU."""
    heads = ("callers", "server", "calls/s", "half ms", "99 % ms", "CPU ms/call", "x bare")
    print("{:>7} {:>9} {:>8} {:>8} {:>8} {:>12} {:>7}".format(*heads))
    for callers in (1, 16, 64):
        measured = {server.name: Measured() for server in pair}
        for number in range(rounds):
            for server in pair if number % 2 else reversed(pair):
                await add_round(measured[server.name], server, calls, callers)
        bare = measured["bare SDK"].cpu
        for name, of in measured.items():
            half, most = (quantiles(of.times, n=100)[place] * 1000 for place in (49, 98))
            ratio = median(own / other for own, other in zip(of.cpu, bare, strict=True))
            print(
                f"{callers:>7} {name:>9} {median(of.rates):>8.0f} {half:>8.1f} {most:>8.1f}"
                f" {median(of.cpu) * 1000:>12.2f} {ratio:>7.2f}"
            )


async def add_round(measured: Measured, server: Server, calls: int, callers: int) -> None:
    """One turn of a server."""
    before = server.cpu_seconds()
    seconds, each = await call(server, calls, callers)
    measured.cpu.append((server.cpu_seconds() - before) / calls)
    measured.rates.append(calls / seconds)
    measured.times += each


async def grow(server: Server, most: int) -> None:
    """What it holds after a thousand calls and after many."""
    await call(server, 1000, 16)
    first = server.memory()
    await call(server, most - 1000, 16)
    last = server.memory()
    print(f"memory of the product: {first / 1e6:.1f} MB, {last / 1e6:.1f} MB after {most} calls, x {last / first:.3f}")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=64)
    parser.add_argument("--memory", type=int, default=10_000)
    parser.add_argument("--service-ms", type=int, default=0)
    options = parser.parse_args()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        pair = servers(stack, Path(folder), options.service_ms)
        for server in pair:
            asyncio.run(call(server, 200, 4))  # what only the first calls cost
        asyncio.run(measure(pair, options.rounds, options.calls))
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        product, _ = servers(stack, Path(folder), 0)
        asyncio.run(grow(product, options.memory))


if __name__ == "__main__":
    main()
