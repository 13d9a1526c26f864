"""token: create a bearer token for access.toml."""

import argparse
import re
import secrets
import sys

from custom_speech_server.config_source import may_be_key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("name", type=_bearer, help="the name of the caller in the audit log")
    parser.add_argument("--write", action="store_true", help="allow tools that change something")
    parser.epilog = "examples:\n  custom-speech-mcp token alice --write >> access.toml"


def run(options: argparse.Namespace) -> int:
    """Print the table for access.toml to stdout, and the token to stderr."""
    from custom_speech_server.auth.access_file import token_table

    token = secrets.token_urlsafe(32)  # 256 random bits
    print(token_table(options.name, token, write=options.write))
    print(f"The token, which is shown only once: {token}", file=sys.stderr)
    return 0


def _bearer(name: str) -> str:
    if may_be_key(name) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise argparse.ArgumentTypeError(f"{name!r}: a name is at most 64 letters, digits, - and _, and not a key")
    return name
