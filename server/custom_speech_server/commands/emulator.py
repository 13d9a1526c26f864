"""emulator: serve the emulator of the Speech service on this machine."""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from custom_speech_server.commands.options import names, path, port
from custom_speech_server.console import notice

_regions = names("[a-z][a-z0-9]{2,30}", "write regions as in host names: eastus,westeurope,japaneast")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    from custom_speech_emulator import ACCOUNTS, EmulatorSettings

    add = parser.add_argument
    regions, training = [one.region for one in ACCOUNTS], EmulatorSettings.training
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1); others require --allow-host")
    add("--allow-host", action="append", type=_name, default=[], metavar="NAME", help="another Host header to accept")
    add("--port", type=port, default=8765, help="port to listen on, 0 for any free port (default: 8765)")
    one_each = f"regions, with one resource each (default: {','.join(regions)})"
    add("--regions", type=_regions, default=regions, metavar="LIST", help=one_each)
    add("--write-config", type=path, metavar="FILE", help="write a resources.toml for the resources, then serve")
    add("--state", type=path, metavar="FILE", help="SQLite file for the state (default: memory)")
    how = f"duration of training: seconds:S or reads:N (default: {training})"
    add("--training", default=training, metavar="HOW", help=how)
    add("--seed", type=int, metavar="N", help="seed of the ids, to make them reproducible")
    add("--faults", type=path, metavar="FILE", help="JSON file of fault rules (docs/emulator.md)")
    add("--rate-limit", action="store_true", help="answer 429 to more than 100 requests in 10 seconds")
    add("--audio-everywhere", action="store_true", help="allow training with audio in every region")
    content = "another host to read contentUrl from and to send web hooks to"
    add("--allow-content-host", action="append", default=[], metavar="HOST", help=content)
    parser.set_defaults(interrupted="interrupted; nothing is left running.")
    parser.epilog = """examples:
  custom-speech-mcp emulator --write-config emulator.toml
  custom-speech-mcp emulator --regions eastus,japaneast --training seconds:60 --state emulator.sqlite"""


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; return 2 if an option is invalid or the state file is unusable."""
    from custom_speech_emulator import ACCOUNTS, StateUnusableError, account
    from custom_speech_emulator.serve import PortInUseError, serve

    default = {one.region: one for one in ACCOUNTS}
    accounts = [default.get(region) or account(region) for region in options.regions]
    try:
        if options.write_config:
            write_config(options.write_config, options.port, accounts)
        serve(
            options.host,
            options.port,
            accounts=accounts,
            state=options.state,
            training=options.training,
            seed=options.seed,
            faults=json.loads(options.faults.read_text(encoding="utf-8")) if options.faults else (),
            rate_limit=options.rate_limit,
            audio_training_elsewhere=options.audio_everywhere,
            allow_content_hosts=options.allow_content_host,
            allow_hosts=options.allow_host,
        )
    except (PortInUseError, StateUnusableError, ValueError, OSError) as error:
        message = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
        notice(message)
        return 2
    return 0


def write_config(file: Path, port: int, accounts: list[Any]) -> None:
    """Write a resources.toml for the accounts; raises ValueError if the file exists with other content."""
    if port == 0:
        raise ValueError("--write-config requires a --port other than 0")
    tables = [
        f"[resources.{one.region}]\n"
        f"endpoint = {json.dumps(f'http://127.0.0.1:{port}/{one.region}')}\n"
        f'region = "{one.region}"\n'
        f'resource_id = "{one.resource_id}"\n'
        f"key = {{ command = {json.dumps([sys.executable, '-c', f'print({one.key!r})'])} }}\n"
        for one in accounts
    ]
    text = "# The resources of an emulator on this machine. Its keys are public.\n\n" + "\n".join(tables)
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise ValueError(f"{file} exists with other content; choose another file")
    file.write_text(text, encoding="utf-8")


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r}: write a host name without scheme and port, such as emulator")
    return text
