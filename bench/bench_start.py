"""The start over stdio beside a bare interpreter and a bare SDK server, in turns; idle memory; the first call (Linux).

python bench/bench_start.py [--rounds 9]

Budgets: first tools/list at most 3 times a bare interpreter, idle at most 15 MB, first call (from the start of the
process) at most 1.05 times that without the front, --help and --version at most 2.5 times a bare interpreter.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

BARE = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("bare")
@server.tool()
async def list_resources() -> str:
    "List resources."
    return "none"
server.run()
"""
PRODUCT = str(Path(sys.executable).with_name("custom-speech-mcp"))
SERVERS = {
    "bare SDK server": [sys.executable, "-c", BARE],
    "custom-speech-mcp": [PRODUCT],
    "… --no-front": [PRODUCT, "--no-front"],
}
EXITS = {
    "bare interpreter": [sys.executable, "-c", "pass"],
    "… --help": [PRODUCT, "--help"],
    "… --version": [PRODUCT, "--version"],
}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
OPENING: list[dict[str, Any]] = [
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
]
CALL = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "list_resources", "arguments": {}}}
ENVIRONMENT = os.environ | {"CUSTOM_SPEECH_EMULATOR_STATE": ":memory:"}


def ask(server: "subprocess.Popen[bytes]", messages: list[dict[str, Any]]) -> None:
    """Send messages and wait for the answer to the last one."""
    assert server.stdin
    assert server.stdout
    server.stdin.write("".join(json.dumps(message) + "\n" for message in messages).encode())
    server.stdin.flush()
    while json.loads(server.stdout.readline()).get("id") != messages[-1]["id"]:
        pass


def served(command: list[str]) -> tuple[float, float, float]:
    """Return the milliseconds to the first list and to the first call, and the megabytes in between."""
    begun = time.perf_counter()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=ENVIRONMENT, **pipes) as server:
        ask(server, OPENING)
        listed = time.perf_counter() - begun
        pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
        looked = time.perf_counter()
        ask(server, [CALL])
        called = time.perf_counter() - looked + listed
        assert server.stdin
        server.stdin.close()
    return listed * 1000, called * 1000, pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def ended(command: list[str]) -> float:
    """Return the milliseconds until a command has ended."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    """Print medians, and the medians of the ratios of each round."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = range(parser.parse_args().rounds)
    exits = [{name: ended(command) for name, command in EXITS.items()} for _ in rounds]
    starts = [{name: served(command) for name, command in SERVERS.items()} for _ in rounds]
    bare = [one["bare interpreter"] for one in exits]
    for name in EXITS:
        ratio = median(one[name] / reference for one, reference in zip(exits, bare, strict=True))
        print(f"{name:<20} {median(one[name] for one in exits):6.0f} ms   {ratio:5.2f} x bare interpreter")
    for name in SERVERS:
        ratio = median(one[name][0] / reference for one, reference in zip(starts, bare, strict=True))
        listed, called, memory = (median(one[name][place] for one in starts) for place in range(3))
        print(
            f"{name:<20} {listed:6.0f} ms to the first list ({ratio:5.2f} x bare interpreter), "
            f"{called:6.0f} ms to the first call, {memory:4.0f} MB idle"
        )
    calls = median(one["custom-speech-mcp"][1] / one["… --no-front"][1] for one in starts)
    print(f"first call with the front beside that without: {calls:.2f}")


if __name__ == "__main__":
    main()
