"""Start to the first list of tools: the product beside a bare server of the SDK, in turns."""

import argparse
import json
import statistics
import subprocess
import sys
import time

BARE = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("bare")
@server.tool()
async def get_model(model: str) -> str:
    "Get a model."
    return model
server.run()
"""
SERVERS = {
    "bare SDK server": [sys.executable, "-c", BARE],
    "custom-speech-mcp": [sys.executable, "-m", "custom_speech_server", "--emulated"],
}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
ASKED = [
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
]


def seconds(command: list[str]) -> float:
    """From start to the answer to tools/list."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write("".join(json.dumps(message) + "\n" for message in ASKED).encode())
        server.stdin.flush()
        while json.loads(server.stdout.readline()).get("id") != ASKED[-1]["id"]:
            pass
        taken = time.perf_counter() - begun
        server.stdin.close()
        return taken


def main() -> None:
    """Print the medians, the best and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = [{name: seconds(command) for name, command in SERVERS.items()} for _ in range(parser.parse_args().rounds)]
    for name in SERVERS:
        figures = [one[name] * 1000 for one in rounds]
        print(f"{name:<20} median {statistics.median(figures):6.0f} ms   best {min(figures):6.0f} ms")
    bare, ours = SERVERS
    print(f"ratio, median of the rounds: {statistics.median(one[ours] / one[bare] for one in rounds):.2f}")


if __name__ == "__main__":
    main()
