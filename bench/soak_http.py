"""A soak with faults (Linux): whether a server over HTTP grows while Azure fails and clients vanish.

python bench/soak_http.py [--minutes 10] [--callers 2]

The emulator answers one request in ten with 429, 503, a dropped answer, nonsense or a late one. Some clients go away
in the middle of a call, some open sessions of the handshake era, half of these go away when they are asked whether
to train, and a DELETE ends each session. Every tenth of the time it prints what the server's process holds: memory,
open files, sockets among them, tasks of its event loop and threads.
"""

import argparse
import asyncio
import json
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
from bench_http import HERE, Server, free_port, start

FAULTS: list[dict[str, Any]] = [
    {"fault": "429", "probability": 0.03, "seed": 1, "retry_after": 0},
    {"fault": "503", "probability": 0.03, "seed": 2},
    {"fault": "close-after", "probability": 0.01, "seed": 3},
    {"fault": "not-json", "probability": 0.01, "seed": 4},
    {"fault": "truncated", "probability": 0.01, "seed": 5},
    {"fault": "slow-body", "probability": 0.01, "seed": 6, "seconds": 0.5},
]
DATASET = "Contoso plain text en-US"
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
VERSION = "2026-07-28"
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("list_projects", {}),
    ("list_base_models", {"locale": "en-US"}),
    ("plan_model", {"display_name": "m", "locale": "en-US", "datasets": [DATASET]}),
    ("get_model", {"model": "no such model"}),
    ("list_resources", {}),
]


class Soak:
    """The callers and what became of their calls."""

    def __init__(self, server: Server, seconds: float, charged: str) -> None:
        self._url = f"http://127.0.0.1:{server.port}/mcp"
        self._end = time.monotonic() + seconds
        self._charged = {"display_name": "m", "locale": "en-US", "datasets": [DATASET], "base_model": charged}
        self.calls = self.errors = self.vanished = self.sessions = self.questions = 0

    async def caller(self, seed: int) -> None:
        """Calls in turn, until the time is over."""
        chance = random.Random(seed)  # noqa: S311  # the same soak again, no secret
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            for tool, arguments in cycle(CALLS):
                if time.monotonic() > self._end:
                    return
                if chance.random() < 0.05:
                    await self._session(client, chance)
                elif chance.random() < 0.05:
                    await self._vanish(tool, arguments)
                else:
                    await self._call(client, tool, arguments)

    async def _call(self, client: httpx.AsyncClient, tool: str, arguments: dict[str, Any]) -> None:
        answer = await client.post(self._url, **modern(tool, arguments))
        assert answer.status_code == 200, answer.text
        self.calls += 1
        self.errors += '"isError":true' in answer.text

    async def _vanish(self, tool: str, arguments: dict[str, Any]) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                await asyncio.wait_for(client.post(self._url, **modern(tool, arguments)), timeout=0.01)
            except TimeoutError:
                self.vanished += 1

    async def _session(self, client: httpx.AsyncClient, chance: random.Random) -> None:
        info = {"name": "soak", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}, "clientInfo": info}
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
        opened = await client.post(self._url, headers=ACCEPT, json=body)
        headers = ACCEPT | {"mcp-session-id": opened.headers["mcp-session-id"]}
        if chance.random() < 0.5:
            await self._leave_a_question(headers)
        await client.delete(self._url, headers=headers)
        self.sessions += 1

    async def _leave_a_question(self, headers: dict[str, str]) -> None:
        training = {"name": "create_model", "arguments": self._charged}
        body = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": training}
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            await client.post(self._url, headers=headers, json=INITIALIZED)
            async with client.stream("POST", self._url, headers=headers, json=body) as answer:
                async for line in answer.aiter_lines():
                    if "elicitation/create" in line:
                        self.questions += 1
                        return


def modern(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The keywords of the POST."""
    meta = {"io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {}}
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    headers = ACCEPT | {"mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": tool}
    return {"headers": headers, "json": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}}


async def charged(server: Server) -> str:
    """A base model on which training costs money."""
    asked = modern("list_base_models", {"locale": "en-US", "train_with": ["Language"], "limit": 100})
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        answer = (await client.post(f"http://127.0.0.1:{server.port}/mcp", **asked)).json()
    found = answer["result"]["structuredContent"]["base_models"]
    return next(str(base["id"]) for base in found if base["training_is_charged"])


def held(server: Server, count: Path) -> str:
    """What the process holds; `count` is where it writes its tasks."""
    process = Path(f"/proc/{server.process.pid}")
    files = list(open_files(process / "fd"))
    sockets = sum(file.startswith("socket:") for file in files)
    threads = len(list((process / "task").iterdir()))
    count.unlink(missing_ok=True)
    server.process.send_signal(signal.SIGUSR1)
    time.sleep(0.5)
    memory = server.memory() / 1e6
    return f"{memory:6.1f} MB, {len(files)} files, {sockets} sockets, {count.read_text()} tasks, {threads} threads"


def open_files(folder: Path) -> Iterator[str]:
    """What the process has open; a file that is closed meanwhile is left out."""
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            yield str(file.readlink())


async def run(server: Server, count: Path, minutes: float, callers: int) -> None:
    """Soak, and report."""
    soak = Soak(server, minutes * 60, await charged(server))
    print(f"    start: {held(server, count)}", flush=True)
    work = [asyncio.create_task(soak.caller(seed)) for seed in range(callers)]
    for tenth in range(1, 11):
        await asyncio.sleep(minutes * 6)
        now = await asyncio.to_thread(held, server, count)
        print(f"{tenth * minutes / 10:5.1f} min: {soak.calls:6} calls, {now}", flush=True)
    await asyncio.gather(*work)
    await asyncio.sleep(10)  # longer than connections to Azure are kept
    print(f"{soak.errors} errors told, {soak.vanished} vanished, {soak.sessions} sessions, {soak.questions} questions")
    print(f"  at rest: {held(server, count)}")


def main() -> None:
    """Soak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--callers", type=int, default=2)
    options = parser.parse_args()
    azure, port = free_port(), free_port()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        command = ("-m", "custom_speech_server", "emulator", "--port", str(azure))
        start(stack, "emulator", *command, ready="listening on")
        httpx.put(f"http://127.0.0.1:{azure}/_emulator/faults", content=json.dumps(FAULTS)).raise_for_status()
        config = Path(folder) / "resources.toml"
        config.write_text(
            f'[resources.east]\nregion = "eastus"\nendpoint = "http://127.0.0.1:{azure}"\nkey = {{ env = "KEY" }}\n'
        )
        where = {"CUSTOM_SPEECH_CONFIG": str(config), "KEY": "emulator-eastus-key", "CUSTOM_SPEECH_AUDIT": "off"}
        count = Path(folder) / "tasks"
        served = (str(HERE / "http_counted.py"), str(count), "serve", "--http", "--port", str(port))
        server = start(stack, "product", *served, ready="serving MCP on", port=port, **where)
        asyncio.run(run(server, count, options.minutes, options.callers))


if __name__ == "__main__":
    main()
