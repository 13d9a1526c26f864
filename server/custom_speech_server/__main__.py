"""The command line. Nothing heavy is imported before it is known what is wanted."""

import argparse
import gc
import os
import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from custom_speech_server import __version__
from custom_speech_server.commands import emulator
from custom_speech_server.console import notice
from custom_speech_server.http.options import add as add_http_options

if TYPE_CHECKING:
    from custom_speech_server.app import Settings

STATE_KEY_BYTES = 32


def main(arguments: list[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if getattr(options, "confirm", "ask") not in ("ask", "never"):
        parser.error("CUSTOM_SPEECH_CONFIRM must be ask or never")
    try:
        status = int(options.run(options))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has gone, as `head` does: what is left of it has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="custom-speech-mcp",
        description="An MCP server with which AI assistants manage Azure custom speech models. "
        "Without a command it serves MCP over stdio, which is what an MCP client starts.",
        epilog="Without any configuration it works on an emulator of the service: no account, no cost.",
    )
    parser.add_argument("--version", action="version", version=f"custom-speech-mcp {__version__}")
    parser.set_defaults(run=_serve, http=False, log="text", confirm=os.environ.get("CUSTOM_SPEECH_CONFIRM", "ask"))
    _add_server_options(parser)
    commands = parser.add_subparsers(title="commands", metavar="")
    serve = commands.add_parser(
        "serve", help="serve MCP: over stdio, or to a team over HTTP", argument_default=argparse.SUPPRESS
    )
    _add_server_options(serve)
    add_http_options(serve)
    demo = commands.add_parser("demo", help="show the whole job on the emulator, from a list to a connected copy")
    demo.set_defaults(run=_demo)
    doctor = commands.add_parser("doctor", help="say which resources are configured and whether each answers")
    doctor.add_argument("--config", type=Path, metavar="FILE", help="resources.toml to use")
    doctor.set_defaults(run=_doctor)
    token = commands.add_parser("token", help="make a bearer token for access.toml")
    token.add_argument("name", type=_bearer, help="whose token it is, as the audit names it")
    token.add_argument("--write", action="store_true", help="may call tools that change something")
    token.set_defaults(run=_token)
    emulator.add_options(commands.add_parser("emulator", help="serve the emulator of the service on this machine"))
    return parser


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="resources.toml to use")
    parser.add_argument("--read-only", action="store_true", help="offer no tool that changes anything")
    parser.add_argument("--emulated", action="store_true", help="work on the emulator, whatever is configured")
    parser.add_argument(
        "--confirm",
        choices=("ask", "never"),
        help="whether charged training needs a person's yes (default: ask)",
    )
    parser.add_argument("--log", choices=("text", "json"), help="how to log to stderr (default: text, errors only)")
    parser.add_argument("--telemetry", action="store_true", help="send OpenTelemetry to where OTEL_* say (extra otel)")


def _serve(options: argparse.Namespace) -> int:
    gc.disable()  # collecting while thousands of classes are built costs a fifth of the start
    settings = _settings(options)
    if settings is None:
        return 2
    _log_to_stderr()
    if options.http:
        return _serve_http(options, settings)
    from custom_speech_server.app import build

    server = build(settings)
    gc.freeze()
    gc.enable()
    server.run()
    return 0


def _serve_http(options: argparse.Namespace, settings: "Settings") -> int:
    from custom_speech_server.http.runner import run

    gc.freeze()
    gc.enable()
    return run(options, settings)


def _settings(options: argparse.Namespace) -> "Settings | None":
    from custom_speech_server.app import Settings
    from custom_speech_server.audit_log import cautions, of_environment, state_directory
    from custom_speech_server.distributed_lock import lock_from_environment
    from custom_speech_server.config import EMULATED, ConfigurationError, load

    try:
        resources = EMULATED if options.emulated else load(options.config, os.environ)
        key = _state_key(os.environ.get("CUSTOM_SPEECH_STATE_KEY"))
        lock = lock_from_environment(os.environ, state_directory(resources))
    except ConfigurationError as error:
        notice(str(error), options.log)
        return None
    audit = of_environment(os.environ, resources)
    for caution in (*resources.cautions, *cautions(audit)):
        notice(f"caution: {caution}", options.log)
    if resources.in_process:
        notice("working on the emulator; no resource is configured.", options.log)
    settings = Settings(
        resources, confirm=options.confirm, read_only=options.read_only, state_key=key, audit=audit, lock=lock
    )
    return _observed(options, settings)


def _observed(options: argparse.Namespace, settings: "Settings") -> "Settings | None":
    if options.log == "text" and not options.telemetry:
        return settings
    from custom_speech_server.config import ConfigurationError
    from custom_speech_server.observability.setup import observed

    try:
        return observed(settings, json_logs=options.log == "json", telemetry=options.telemetry)
    except ConfigurationError as error:
        notice(str(error), options.log)
        return None


def _state_key(shared: str | None) -> bytes:
    from custom_speech_server.config import ConfigurationError

    if shared is None:
        return secrets.token_bytes(STATE_KEY_BYTES)
    if len(shared.encode()) < STATE_KEY_BYTES:
        raise ConfigurationError("CUSTOM_SPEECH_STATE_KEY: needs 32 characters or more; make a longer one.")
    return shared.encode()


def _log_to_stderr() -> None:
    import logging

    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def _demo(options: argparse.Namespace) -> int:
    from custom_speech_server.commands.demo import run

    return run()


def _doctor(options: argparse.Namespace) -> int:
    from custom_speech_server.commands.doctor import run

    return run(options.config)


def _token(options: argparse.Namespace) -> int:
    from custom_speech_server.auth.static_tokens import entry, new_token

    token = new_token()
    print(entry(options.name, token, write=options.write))
    print(f"The token, shown only now: {token}", file=sys.stderr)
    return 0


def _bearer(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise argparse.ArgumentTypeError("letters, digits, - and _ make a name")
    return name


if __name__ == "__main__":
    sys.exit(main())
