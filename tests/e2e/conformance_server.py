"""The fixtures of the official conformance suite behind the product's HTTP layer, state key and lifespan.

PYTHONPATH=tests python -m e2e.conformance_server --port 9010     serves it on loopback until it is interrupted
"""

import argparse
import sys
import warnings
from typing import Any

from mcp import MCPDeprecationWarning
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer, RequestStateSecurity

from custom_speech_emulator import emulator
from custom_speech_server.app import NAME, Settings
from custom_speech_server.http import uvicorn_server
from custom_speech_server.http.asgi_app import HTTPSettings
from custom_speech_server.http.uvicorn_server import GracefulServer, listen
from custom_speech_server.resource_config import EMULATED
from e2e.conformance_fixtures import content, rounds, talking


def with_fixtures(settings: Settings) -> Server[Any]:
    """Return a server of the SDK's with what the suite calls; the product's own has tools alone."""
    security = RequestStateSecurity(keys=[settings.state_key])
    server: MCPServer[Any] = MCPServer(NAME, request_state_security=security, log_level="WARNING")
    for fixtures in (content, talking, rounds):
        fixtures.add_to(server)
    return server._lowlevel_server


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9010)
    port = parser.parse_args().port
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    azure = emulator()
    settings = Settings(EMULATED, b"k" * 32, emulator=lambda: azure)
    serving = HTTPSettings(uvicorn_server.allowed_hosts("127.0.0.1", []), uvicorn_server.allowed_origins([]))

    def announce() -> None:
        sys.stderr.write(f"serving on http://127.0.0.1:{port}/mcp\n")

    GracefulServer(with_fixtures(settings), settings, serving, 1, announce).run([listen("127.0.0.1", port)])


if __name__ == "__main__":
    main()
