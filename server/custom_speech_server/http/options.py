"""What `serve` can be told on the command line."""

import argparse
import os
from pathlib import Path


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options; without `--http` the others mean nothing."""
    option = parser.add_argument_group("over HTTP").add_argument
    option("--http", action="store_true", default=False, help="serve Streamable HTTP at /mcp instead of stdio")
    option("--host", default="127.0.0.1", help="address to serve on; any but loopback needs --access")
    option("--port", type=port, default=8080, help="port to serve on, 0 for any free one (default: 8080)")
    option(
        "--access",
        type=_path,
        default=_path(os.environ.get("CUSTOM_SPEECH_ACCESS", "")),
        metavar="FILE",
        help="access.toml: who may call, by bearer token or by OAuth (docs/deploy.md)",
    )
    option("--allow-host", action="append", default=[], metavar="NAME", help="another Host header to answer")
    option("--allow-origin", action="append", default=[], metavar="URL", help="an Origin that browsers may call from")
    option("--workers", type=int, default=1, metavar="N", help="processes; several need CUSTOM_SPEECH_STATE_KEY")
    option("--stop-seconds", type=int, default=50, metavar="S", help="how long running calls may finish (default: 50)")


def port(text: str) -> int:
    """The number of a port."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None
