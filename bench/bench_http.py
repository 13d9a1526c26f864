"""Calls over HTTP beside a bare server of the SDK with one tool that makes the same request (Linux).

python bench/bench_http.py [--rounds 7] [--calls 300] [--memory 10000] [--service-ms 0]

For 1, 16 and 64 callers: calls a second, CPU milliseconds a call of the server's process, and the time in which half
of the calls and 99 % of them were answered; the two servers in turn, the best round of each, but the times of all
rounds. With --service-ms the service takes that long, and the rate is what 16 requests at once to a resource allow.
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
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from threading import Thread

from http_upstream import ID

from custom_speech_server.http.serving import listening

HERE = Path(__file__).parent
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Server:
    """One that runs."""

    name: str
    process: "subprocess.Popen[str]"
    port: int

    def cpu_seconds(self) -> float:
        """What its process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

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
    with listening("127.0.0.1", 0) as listener:
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


async def measure(pair: tuple[Server, Server], rounds: int, calls: int) -> None:
    """Both in turn, and the ratio of their best rounds."""
    print(
        f"{'callers':>7} {'server':>9} {'calls/s':>8} {'half ms':>8} {'99 % ms':>8} {'CPU ms/call':>12} {'x bare':>7}"
    )
    for callers in (1, 16, 64):
        times: dict[str, list[float]] = {server.name: [] for server in pair}
        best = {server.name: (0.0, float("inf")) for server in pair}
        for _ in range(rounds):
            for server in pair:
                before = server.cpu_seconds()
                seconds, each = await call(server, calls, callers)
                times[server.name] += each
                rate, cpu = calls / seconds, (server.cpu_seconds() - before) / calls * 1000
                best[server.name] = max(rate, best[server.name][0]), min(cpu, best[server.name][1])
        for name, (rate, cpu) in best.items():
            half, most = (quantiles(times[name], n=100)[place] * 1000 for place in (49, 98))
            ratio = cpu / best["bare SDK"][1]
            print(f"{callers:>7} {name:>9} {rate:>8.0f} {half:>8.1f} {most:>8.1f} {cpu:>12.2f} {ratio:>7.2f}")


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
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--memory", type=int, default=10_000)
    parser.add_argument("--service-ms", type=int, default=0)
    options = parser.parse_args()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        pair = servers(stack, Path(folder), options.service_ms)
        asyncio.run(measure(pair, options.rounds, options.calls))
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        product, _ = servers(stack, Path(folder), 0)
        asyncio.run(grow(product, options.memory))


if __name__ == "__main__":
    main()
