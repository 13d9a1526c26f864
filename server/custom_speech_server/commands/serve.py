"""serve: MCP over stdio, or over HTTP for a team. This is the default command."""

from __future__ import annotations

import argparse
import gc
import os
import sys

from custom_speech_server import __version__, config_source
from custom_speech_server.commands.options import add_shared, named_resources, names, number, path, port
from custom_speech_server.config_source import STATE_KEY_VARIABLE, ConfigurationError
from custom_speech_server.console import command_to_add, notice
from custom_speech_tools.runtime.registry import TOOLSETS

TYPE_CHECKING = False  # importing typing takes 4 ms at every start; type checkers know this name
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from custom_speech_server.app import Settings
    from custom_speech_server.front import Handover
    from custom_speech_server.resource_config import Resources

    Refuse = Callable[[str], None]

ACCESS_VARIABLE = "CUSTOM_SPEECH_ACCESS"
CONFIRM_VARIABLE = "CUSTOM_SPEECH_CONFIRM"
MAX_WAIT_VARIABLE = "CUSTOM_SPEECH_MAX_WAIT"

_max_wait = number("a number of seconds", 1, 3600)
_toolsets = names("|".join(TOOLSETS), f"not a toolset; choose from {', '.join(TOOLSETS)}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_server_options(parser)
    option = parser.add_argument_group("over HTTP").add_argument
    option("--http", action="store_true", default=False, help="serve Streamable HTTP at /mcp instead of stdio")
    option("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1); others require --access")
    option("--port", type=port, default=8080, help="port to listen on, 0 for any free port (default: 8080)")
    access = os.environ.get(ACCESS_VARIABLE) or None
    help_access = "access.toml: the callers, by bearer token or OAuth (docs/deploy.md)"
    option("--access", type=path, default=access, metavar="FILE", help=help_access)
    option("--allow-host", action="append", default=[], metavar="NAME", help="another Host header to accept")
    option("--allow-origin", action="append", default=[], metavar="URL", help="an Origin whose pages may call")
    stateless = f"keep no sessions, for replicas behind a load balancer; requires {STATE_KEY_VARIABLE}"
    option("--stateless", action="store_true", default=False, help=stateless)
    stop = number("a number of seconds", 0, 3600)
    option("--stop-seconds", type=stop, default=50, metavar="S", help="time for running calls to finish (default: 50)")
    parser.set_defaults(interrupted="interrupted; nothing is left running here, and work started in Azure continues.")
    parser.epilog = """examples:
  custom-speech-mcp serve --data-dir ~/speech-data
  custom-speech-mcp serve --http --port 8080 --access access.toml --host 0.0.0.0 --allow-host speech.contoso.com"""


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that stdio and HTTP share."""
    option = parser.add_argument
    add_shared(parser, "--config", "--emulated", "--confirm")
    option("--read-only", action="store_true", help="offer only tools that change nothing")
    toolsets = f"offer only these toolsets (default: {','.join(TOOLSETS)})"
    option("--toolsets", type=_toolsets, default=TOOLSETS, metavar="LIST", help=toolsets)
    option("--max-wait", type=_max_wait, metavar="S", help="the most seconds that a call waits (default: 45)")
    option("--data-dir", type=path, action="append", metavar="DIR", help="a folder whose files tools may read (stdio)")
    option("--discover", action="store_true", help="let list_resources count unconfigured resources (stdio)")
    option("--log", choices=("text", "json"), default="text", help="log format on stderr (default: text, errors only)")
    option("--no-front", action="store_true", help="load the server at the start, not at the first call (stdio)")
    option("--telemetry", action="store_true", help="export OpenTelemetry, configured by OTEL_* (extra otel)")


def run(options: argparse.Namespace) -> int:
    """Serve until the client closes stdin or a signal arrives, and return the exit status."""
    if not options.http and os.isatty(0):
        notice(f"waiting for an MCP client on stdin. To add the server to Claude Code: {command_to_add()}", options.log)
    # The front serves stdio only, and neither reports telemetry nor announces an unusual --confirm.
    if options.http or options.no_front or options.telemetry or _confirmation_mode(options) != "ask":
        return _start(options)
    import signal

    from custom_speech_server.front import answer_startup, load_front, read_stdin, refuse_requests, write_stdout

    emulated = options.emulated or not config_source.is_configured(options.config, os.environ)
    listed = config_source.EMULATED_NAMES if emulated else config_source.resource_names(options.config, os.environ)
    choices = {"read_only": options.read_only, "toolsets": options.toolsets}
    front = load_front(__version__, **choices, emulated=emulated, resources=listed)
    if front is None:
        return _start(options)
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))  # like the loaded server
    handover = answer_startup(front, read_stdin, write_stdout)
    if handover is None:
        return 0  # the client has gone without a call
    return _start(options, handover, lambda why: refuse_requests(front, why, read_stdin, write_stdout))


def _start(options: argparse.Namespace, handover: Handover | None = None, refuse: Refuse = lambda why: None) -> int:
    """Load and run the server, and return the exit status. `refuse` tells a client why loading failed."""
    gc.disable()  # collecting garbage while thousands of classes are built takes a fifth of the start
    try:
        serve = _load_server(options, handover)
    except ConfigurationError as error:
        notice(str(error), options.log)
        refuse(f"Nothing was done: the server cannot start: {error}")
        return 2
    except Exception as error:
        if handover is None:
            raise
        why = f"the server cannot be loaded: {type(error).__name__}: {error}"
        notice(why, options.log)
        refuse(f"Nothing was done: {why}. Reinstall custom-speech-mcp.")
        return 1
    gc.freeze()
    gc.enable()
    return serve()


def _load_server(options: argparse.Namespace, handover: Handover | None) -> Callable[[], int]:
    """Import and build the server, and return the function that serves; raises ConfigurationError."""
    from custom_speech_server.observability import log_to_stderr
    from custom_speech_server.resource_config import EMULATED

    log_to_stderr(options.log)
    problem: str | None = None
    try:
        resources = named_resources(options)
    except ConfigurationError as error:
        if options.http or sys.stdin.isatty():
            raise
        # Desktop clients do not show why a server ended, so every tool reports the reason.
        notice(str(error), options.log)
        resources, problem = EMULATED, f"Nothing was done: the configuration is invalid.\n{error}"
    settings = settings_with_state(options, resources, problem)
    if options.http:
        from custom_speech_server.http.uvicorn_server import run as run_http

        if options.discover:
            raise ConfigurationError("--discover runs `az` as the user of this machine, so it works over stdio only.")
        return lambda: run_http(options, settings)
    from custom_speech_server.app import build
    from custom_speech_server.stdio import serve_stdio

    if options.discover:
        from dataclasses import replace
        from functools import partial

        from custom_speech_server.azure_cli import describe_unconfigured

        settings = replace(settings, discover=partial(describe_unconfigured, resources.all))
    server = build(settings)
    return lambda: serve_stdio(server, handover)


def settings_with_state(options: argparse.Namespace, resources: Resources, problem: str | None) -> Settings:
    """Return the settings, with the audit log, the lock and the state key; raises ConfigurationError."""
    from pathlib import Path

    from custom_speech_server.app import Settings
    from custom_speech_server.audit_log import audit_from_environment
    from custom_speech_server.distributed_lock import lock_from_environment
    from custom_speech_server.state_directory import AgreementFiles, state_directory, state_key
    from custom_speech_tools.runtime.context import DEFAULT_MAX_WAIT

    directory, warnings = state_directory(resources)
    audit, audit_warnings = audit_from_environment(os.environ, resources)

    def warn(text: str) -> None:
        notice(f"caution: {text}", options.log)

    missing = [f"--data-dir: {folder} is not a folder." for folder in options.data_dir or () if not folder.is_dir()]
    for warning in (*resources.warnings, *missing, *warnings, *audit_warnings):
        warn(warning)
    if resources.in_process and problem is None:
        cause = "--emulated" if options.emulated else "no resource is configured"
        notice(f"using the emulator ({cause}).", options.log)
    confirm = _confirmation_mode(options)
    if confirm not in ("ask", "never"):
        raise ConfigurationError(f"{CONFIRM_VARIABLE} must be ask or never.")
    if confirm == "never":
        notice("--confirm never: charges and deletions are made without asking the user.", options.log)
    try:
        wait = os.environ.get(MAX_WAIT_VARIABLE)
        max_wait = options.max_wait or (_max_wait(wait) if wait else DEFAULT_MAX_WAIT)
    except argparse.ArgumentTypeError as error:
        raise ConfigurationError(f"{MAX_WAIT_VARIABLE}: {error}.") from None
    return Settings(
        resources,
        confirm="never" if confirm == "never" else "ask",
        read_only=options.read_only,
        toolsets=options.toolsets,
        state_key=state_key(os.environ.get(STATE_KEY_VARIABLE), directory, warn),
        audit=audit,
        agreement_store=AgreementFiles(directory) if directory else dict[str, str](),
        lock=lock_from_environment(os.environ, directory),
        client_time_limits_file=directory / "clients.json" if directory and not options.http else None,
        max_wait=max_wait,
        data_dirs=(*resources.data_dirs, *map(Path.resolve, options.data_dir or ())),
        allows_local_files=not options.http,
        configuration_error=problem,
        **_observers(options),
    )


def _confirmation_mode(options: argparse.Namespace) -> str:
    """Return the value of `--confirm` or of its variable, by default ask."""
    return options.confirm or os.environ.get(CONFIRM_VARIABLE) or "ask"


def _observers(options: argparse.Namespace) -> dict[str, Any]:
    """Return the middleware and observer for `--log` and `--telemetry`; raises ConfigurationError."""
    if options.log != "json" and not options.telemetry:
        return {}
    from custom_speech_server.observability import CallObserver, log_call, start_telemetry

    records: list[Callable[[str, bool, float], None]] = [log_call] if options.log == "json" else []
    observers: dict[str, Any] = {"middleware": [CallObserver(records)]}
    if options.telemetry:
        try:
            started = start_telemetry()
        except ImportError:
            raise ConfigurationError("--telemetry requires: pip install 'custom-speech-mcp[otel]'.") from None
        observers["observe"] = started.attempted
        records.append(started.record_call)
    return observers
