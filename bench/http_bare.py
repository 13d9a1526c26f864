"""A bare server of the SDK with one tool that makes the same request as get_model."""

import argparse
import sys
from typing import Any

import httpx
import uvicorn
from mcp.server.mcpserver import MCPServer

from custom_speech_server.http.uvicorn_server import listen


def main(port: int, upstream: int) -> None:
    """Serve until interrupted."""
    server: MCPServer[Any] = MCPServer("bare", log_level="WARNING")
    client = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=16))

    @server.tool()
    async def get_model(model: str) -> dict[str, Any]:
        """Get a model."""
        url = f"http://127.0.0.1:{upstream}/speechtotext/models/{model}?api-version=2025-10-15"
        answer = await client.get(url, headers={"Ocp-Apim-Subscription-Key": "k", "Accept": "application/json"})
        return dict(answer.json())

    config = uvicorn.Config(server.streamable_http_app(), http="h11", access_log=False, log_level="critical", ws="none")
    listener = listen("127.0.0.1", port)
    sys.stderr.write("serving MCP on\n")
    sys.stderr.flush()
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", type=int, required=True)
    options = parser.parse_args()
    main(options.port, options.upstream)
