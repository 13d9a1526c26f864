"""The product's server with the fixtures of the official conformance suite beside its own tools.

python tests/e2e/conformance_server.py --port 9010     serves it on loopback until it is interrupted
"""

import argparse
import sys
import warnings
from typing import Any

from mcp import MCPDeprecationWarning
from mcp.server.mcpserver import MCPServer

from custom_speech_emulator import emulator
from custom_speech_server.app import Settings, build
from custom_speech_server.config import EMULATED
from custom_speech_server.http import startup_checks
from custom_speech_server.http.app import HTTPSettings
from custom_speech_server.http.runner import create_server, listen
from e2e.conformance_fixtures import content, rounds, talking


def with_fixtures(settings: Settings) -> MCPServer[Any]:
    """The server as the product builds it, with what the suite calls."""
    server: MCPServer[Any] = build(settings)
    for fixtures in (content, talking, rounds):
        fixtures.add_to(server)
    return server


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9010)
    port = parser.parse_args().port
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    azure = emulator()
    settings = Settings(EMULATED, b"k" * 32, emulator=lambda: azure)
    serving = HTTPSettings(startup_checks.allowed_hosts("127.0.0.1", []), startup_checks.allowed_origins([]))

    def announce() -> None:
        sys.stderr.write(f"serving on http://127.0.0.1:{port}/mcp\n")

    create_server(with_fixtures(settings), settings, serving, 1, announce).run([listen("127.0.0.1", port)])


if __name__ == "__main__":
    main()
