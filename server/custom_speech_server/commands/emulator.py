"""emulator: serve the emulator of the service on this machine."""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from custom_speech_server.commands.options import path, port
from custom_speech_server.console import notice

_REGIONS = ["eastus", "westeurope", "brazilsouth"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add = parser.add_argument
    address = "address to serve on; any but loopback needs --allow-host (default: 127.0.0.1)"
    add("--host", default="127.0.0.1", help=address)
    header = "besides loopback, a Host header to serve: the name under which others reach it"
    add("--allow-host", action="append", type=_name, default=[], metavar="NAME", help=header)
    add("--port", type=port, default=8765, help="port, 0 for any free one (default: 8765)")
    regions = "its resources, one a region (default: eastus,westeurope,brazilsouth)"
    add("--regions", type=_regions, default=_REGIONS, metavar="LIST", help=regions)
    add("--write-config", type=path, metavar="FILE", help="write a resources.toml for its resources, then serve")
    add("--state", type=path, metavar="FILE", help="sqlite file to keep the state in (default: memory)")
    how = "how work progresses: seconds:S or reads:N (default: seconds:4)"
    add("--training", default="seconds:4", metavar="HOW", help=how)
    add("--seed", type=int, metavar="N", help="make ids repeatable")
    add("--faults", type=path, metavar="FILE", help="JSON file of fault rules, see docs/emulator.md")
    add("--rate-limit", action="store_true", help="answer 429 above 100 requests in 10 seconds")
    add("--audio-everywhere", action="store_true", help="train with audio in every region")
    content = "besides loopback, a host to read contentUrl from and to send webhooks to"
    add("--allow-content-host", action="append", default=[], metavar="HOST", help=content)
    parser.set_defaults(interrupted="interrupted; nothing is left running.")
    parser.epilog = """examples:
  custom-speech-mcp emulator --write-config emulator.toml
  custom-speech-mcp emulator --regions eastus,japaneast --training seconds:60 --state emulator.sqlite"""


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; return 2 if an option or the state file cannot be used."""
    from custom_speech_emulator import StateUnusableError, account
    from custom_speech_emulator.serve import PortInUseError, serve

    accounts = [account(region, trains_audio=region != "brazilsouth") for region in options.regions]
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
    """Write a resources.toml for the emulator's resources; raise ValueError if another file is there."""
    if port == 0:
        raise ValueError("--write-config needs a --port that is known before")
    tables = [
        f"[resources.{one.region}]\n"
        f"endpoint = {json.dumps(f'http://127.0.0.1:{port}/{one.region}')}\n"
        f'region = "{one.region}"\n'
        f'resource_id = "{one.resource_id}"\n'
        f"key = {{ command = {json.dumps([sys.executable, '-c', f'print({one.key!r})'])} }}\n"
        for one in accounts
    ]
    text = "# The resources of an emulator on this machine; its keys are well known.\n\n" + "\n".join(tables)
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise ValueError(f"{file} exists and is another file; name a new one")
    file.write_text(text, encoding="utf-8")


def _regions(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names or not all(re.fullmatch(r"[a-z][a-z0-9]{2,30}", name) for name in names):
        raise argparse.ArgumentTypeError(f"{text!r}: regions are written as in addresses: eastus,westeurope,japaneast")
    return names


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r}: a host name has neither scheme nor port, such as emulator")
    return text
