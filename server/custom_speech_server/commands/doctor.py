"""doctor: which resources are configured, whether each answers, what it can do, and what to do. It shows no secret."""

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio

from custom_speech_server import __version__, emulated_resources
from custom_speech_server.audit_log import AuditFile, audit_from_environment
from custom_speech_server.azure_cli import Account, AzureCLIError, list_accounts
from custom_speech_server.commands.options import add_shared, path
from custom_speech_server.console import Progress, wrapped
from custom_speech_server.diagnosis import Diagnosis, describe_answer, diagnose
from custom_speech_server.external_command import CommandError, run_command
from custom_speech_server.resource_config import EMULATED, ConfigurationError, Resources, load
from custom_speech_tools.runtime.resources import AS_OF, region, trains_audio
from custom_speech_tools.speech import AzureError, SpeechError, SpeechResource
from custom_speech_tools.speech.concurrency import gather

_CREDENTIALS = {
    "EnvironmentKey": "from a variable",
    "CommandKey": "from a command",
    "KeyringKey": "from the keyring",
    "EntraToken": "none: signs in with Microsoft Entra ID",
    "KeyCredential": "built in",
}
"""The source of a key in words, by the class of the credential."""

_INDEX_SECONDS = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_shared(parser, "--config", "--emulated", "--json")
    parser.add_argument("--discover", action="store_true", help="ask `az` for tiers, firewalls and switched off keys")
    parser.add_argument("--check-updates", action="store_true", help="ask the package index for a newer version")
    parser.add_argument(
        "--report", type=path, metavar="FILE", help="write a support file: no secrets, no names, no ids (for issues)"
    )
    parser.epilog = """Exit status: 0 every resource answers, 1 one does not, 2 wrong configuration.

examples:
  custom-speech-mcp doctor
  custom-speech-mcp doctor --config prod.toml
  custom-speech-mcp doctor --report support.json"""


def run(options: argparse.Namespace) -> int:
    """Print the report; return 0 where every resource answers in its configured version."""
    try:
        resources = EMULATED if options.emulated else load(options.config, os.environ)
        audit, warnings = audit_from_environment(os.environ, resources)
    except ConfigurationError as error:
        print(f"custom-speech-mcp: {error}", file=sys.stderr)
        return 2
    accounts, unread = anyio.run(_discover) if options.discover else ([], [])
    updates = [anyio.run(_newest_version)] if options.check_updates else []
    cautions = [*resources.warnings, *warnings, *unread, *updates]
    audit_file = str(audit.path) if isinstance(audit, AuditFile) else None
    if not options.json:
        print(f"Configured by {resources.origin}; the default is {resources.default}.\nAudit: {audit_file or 'off'}.")
        for caution in cautions:
            print(wrapped(f"Caution: {caution}"))
    diagnoses = examine(resources.all, resources, accounts, quiet=options.json)
    silent = [one.resource.name for one in diagnoses if not one.does_answer]
    if options.json:
        described = {"configured_by": resources.origin, "default": resources.default, "audit": audit_file}
        rows = [_as_json(one) for one in diagnoses]
        print(json.dumps({**described, "cautions": cautions, "resources": rows, "all_answer": not silent}, indent=2))
    else:
        print("\n" + (f"Does not answer: {', '.join(silent)}." if silent else "Every resource answers."))
    if options.report and not _write_report(options.report, support_report(resources, diagnoses)):
        return 2
    return 1 if silent else 0


def _write_report(file: Path, report: dict[str, Any]) -> bool:
    """Write the support file and return whether it was written; a file that exists is kept."""
    try:
        with file.open("x", encoding="utf-8") as stream:
            json.dump(report, stream, indent=2)
    except OSError as error:
        print(f"custom-speech-mcp: {file}: cannot be written: {error.strerror}.", file=sys.stderr)
        return False
    print(f"custom-speech-mcp: {file} written. Read it before you attach it to an issue.", file=sys.stderr)
    return True


def examine(
    chosen: Sequence[SpeechResource], resources: Resources, accounts: Sequence[Account], *, quiet: bool = False
) -> list[Diagnosis]:
    """Ask resources at the same time, then print what each answers and what to do."""
    known = {one.id.lower(): one for one in accounts}
    app = emulated_resources.emulator if resources.in_process else None

    async def ask() -> list[Diagnosis]:
        return await gather(*(diagnose(one, app, known.get((one.resource_id or "").lower())) for one in chosen))

    with Progress(f"Asking {', '.join(one.name for one in chosen)}."):
        diagnoses = anyio.run(ask)
    for diagnosis in diagnoses if not quiet else ():
        _print(diagnosis)
    return diagnoses


def _print(diagnosis: Diagnosis) -> None:
    resource = diagnosis.resource
    able = {True: "yes", False: "no", None: "unknown"}[trains_audio(resource)]
    source = "configured" if resource.trains_audio is not None else f"list of {AS_OF}"
    print(f"\n{resource.name}{' (emulated)' if resource.emulated else ''}")
    print(f"  endpoint      {resource.endpoint}")
    print(f"  region        {region(resource) or 'unknown: configure region'}")
    print(f"  trains audio  {able} ({source})")
    print(f"  resource id   {'configured' if resource.resource_id else 'not configured: needed for copying'}")
    print(f"  key           {_CREDENTIALS[type(resource.credential).__name__]}")
    for version, error in diagnosis.answers.items():
        configured = " (configured)" if version == resource.api_version.name else ""
        print(wrapped(describe_answer(error) + configured, f"  {version:<12}  ", " " * 16))
    for problem in diagnosis.problems:
        print(wrapped(f"{problem.message} {problem.fix}", "  → ", "    "))


def _as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    resource = diagnosis.resource
    return {
        "name": resource.name,
        "emulated": resource.emulated,
        "endpoint": resource.endpoint,
        "region": region(resource),
        "trains_audio": trains_audio(resource),
        "has_resource_id": resource.resource_id is not None,
        "key": _CREDENTIALS[type(resource.credential).__name__],
        "api_version": resource.api_version.name,
        "does_answer": diagnosis.does_answer,
        "versions": {version: describe_answer(error) for version, error in diagnosis.answers.items()},
        "problems": [{"message": one.message, "fix": one.fix} for one in diagnosis.problems],
    }


async def _discover() -> tuple[list[Account], list[str]]:
    """Return what `az` knows, and what could not be read."""
    try:
        found = await list_accounts()
    except AzureCLIError as error:
        return [], [str(error)]
    return found.accounts, [f"not read: {one}" for one in found.unread]


async def _newest_version() -> str:
    """Return which version the package index has; pip knows which index this machine uses."""
    command = [sys.executable, "-m", "pip", "index", "versions", "custom-speech-mcp"]
    try:
        result = await run_command(command, seconds=_INDEX_SECONDS, max_bytes=1024 * 1024)
    except CommandError as error:
        return f"The package index could not be asked: {error}."
    newest = re.match(r"custom-speech-mcp \(([\w.+!-]+)\)", result.output.decode(errors="replace"))
    if newest is None:
        return f"This is version {__version__}; `pip index versions custom-speech-mcp` names no version."
    return f"This is version {__version__}; the newest in the package index is {newest[1]}."


def support_report(resources: Resources, diagnoses: list[Diagnosis]) -> dict[str, Any]:
    """Return what an issue needs: versions, kinds and codes; no secret, name, id or address."""
    return {
        "custom-speech-mcp": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: metadata.version(name) for name in ("mcp", "httpx", "pydantic", "anyio")},
        "configured_by": resources.origin if resources.origin.startswith("the ") else "a file",
        "resources": [_anonymous(one) for one in diagnoses],
    }


def _anonymous(diagnosis: Diagnosis) -> dict[str, Any]:
    host = urlsplit(diagnosis.resource.endpoint).hostname or ""
    kind = "regional" if ".api.cognitive." in host else "custom domain" if ".cognitiveservices." in host else "other"
    kept = {name: value for name, value in _as_json(diagnosis).items() if name not in ("name", "endpoint")}
    versions = {version: _code(error) for version, error in diagnosis.answers.items()}
    return kept | {"host": kind, "versions": versions, "problems": [one.message for one in diagnosis.problems]}


def _code(error: SpeechError | None) -> str:
    """Return status and code of an answer, without its text, which may quote names."""
    if isinstance(error, AzureError):
        return f"{error.status} {error.code if re.fullmatch(r'[A-Za-z0-9]+', error.code or '') else ''}".strip()
    return "answers" if error is None else type(error).__name__
