"""doctor: which resources are configured, whether each answers, what it can do, and what to do. It shows no secret."""

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

import anyio

from custom_speech_server import __version__
from custom_speech_server.audit_log import AuditFile, audit_from_environment
from custom_speech_server.azure_cli import Account, AzureCLIError, Found, list_accounts
from custom_speech_server.commands.options import add_shared, named_resources, path
from custom_speech_server.console import notice, progress, wrapped
from custom_speech_server.diagnosis import Diagnosis, describe_answer, diagnose
from custom_speech_server.emulated_resources import emulator
from custom_speech_server.external_command import CommandError, run_command
from custom_speech_server.resource_config import Resources
from custom_speech_tools.runtime.resources import AS_OF, region, trains_audio
from custom_speech_tools.speech import AzureError, SpeechResource
from custom_speech_tools.speech.concurrency import gather

# The source of a key in words, by the class of the credential.
_CREDENTIALS = {
    "EnvironmentKey": "from a variable",
    "CommandKey": "from a command",
    "KeyringKey": "from the keyring",
    "EntraToken": "none: signs in with Microsoft Entra ID",
    "KeyCredential": "built in",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_shared(parser, "--config", "--emulated", "--json")
    option = parser.add_argument
    option("--discover", action="store_true", help="ask `az` for tiers, firewalls and switched off keys")
    option("--check-updates", action="store_true", help="ask the package index for a newer version")
    support_file = "write a support file: no secrets, no names, no ids (for issues)"
    option("--report", type=path, metavar="FILE", help=support_file)
    parser.epilog = """Exit status: 0 every resource answers, 1 one does not, 2 wrong configuration.

examples:
  custom-speech-mcp doctor
  custom-speech-mcp doctor --config prod.toml
  custom-speech-mcp doctor --report support.json"""


def run(options: argparse.Namespace) -> int:
    """Print the report; return 0 if every resource answers in its configured version."""
    resources = named_resources(options)
    audit, warnings = audit_from_environment(os.environ, resources)
    found = Found("", [], [])
    if options.discover:
        try:
            found = anyio.run(list_accounts)
        except AzureCLIError as error:
            found.unread.append(str(error))
    updates = [anyio.run(_newest_version)] if options.check_updates else []
    cautions = [*resources.warnings, *warnings, *found.unread, *updates]
    audit_file = str(audit.path) if isinstance(audit, AuditFile) else None
    if not options.json:
        print(f"Configured by {resources.origin}; the default is {resources.default}.\nAudit: {audit_file or 'off'}.")
        for caution in cautions:
            print(wrapped(f"Caution: {caution}"))
    diagnoses = examine(resources.all, resources, found.accounts, quiet=options.json)
    silent = [one.resource.name for one in diagnoses if not one.does_answer]
    if options.json:
        described = {"configured_by": resources.origin, "default": resources.default, "audit": audit_file}
        rows = [_as_json(one) for one in diagnoses]
        print(json.dumps({**described, "cautions": cautions, "resources": rows, "all_answer": not silent}, indent=2))
    else:
        print("\n" + (f"Does not answer: {', '.join(silent)}." if silent else "Every resource answers."))
    if options.report:
        try:
            with options.report.open("x", encoding="utf-8") as stream:  # a file that exists is kept
                json.dump(support_report(resources, diagnoses), stream, indent=2)
        except OSError as error:
            notice(f"{options.report}: cannot be written: {error.strerror}.")
            return 2
        notice(f"{options.report} written. Read it before you attach it to an issue.")
    return 1 if silent else 0


def examine(
    chosen: Sequence[SpeechResource], resources: Resources, accounts: Sequence[Account], *, quiet: bool = False
) -> list[Diagnosis]:
    """Ask resources at the same time, then print what each answers and what to do."""
    known = {one.id.lower(): one for one in accounts}
    app = emulator if resources.in_process else None

    async def ask() -> list[Diagnosis]:
        return await gather(*(diagnose(one, app, known.get((one.resource_id or "").lower())) for one in chosen))

    with progress(f"Asking {', '.join(one.name for one in chosen)}."):
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
        "problems": [problem._asdict() for problem in diagnosis.problems],
    }


async def _newest_version() -> str:
    """Return which version the package index has; pip knows which index this machine uses."""
    command = [sys.executable, "-m", "pip", "index", "versions", "custom-speech-mcp"]
    try:
        result = await run_command(command, seconds=30.0, max_bytes=1024 * 1024)
    except CommandError as error:
        return f"The package index could not be asked: {error}."
    newest = re.match(r"custom-speech-mcp \(([\w.+!-]+)\)", result.output.decode(errors="replace"))
    named = f"the newest in the package index is {newest[1]}" if newest else "the package index names no version"
    return f"This is version {__version__}; {named}."


def support_report(resources: Resources, diagnoses: list[Diagnosis]) -> dict[str, Any]:
    """Return what an issue needs: versions, kinds and codes; no secret, name, id or address."""
    rows = []
    for one in diagnoses:
        host = urlsplit(one.resource.endpoint).hostname or ""
        is_custom = ".cognitiveservices." in host
        kind = "regional" if ".api.cognitive." in host else "custom domain" if is_custom else "other"
        kept = {name: value for name, value in _as_json(one).items() if name not in ("name", "endpoint")}
        versions = {}
        for version, error in one.answers.items():  # without the texts, which may quote names
            versions[version] = "answers" if error is None else type(error).__name__
            if isinstance(error, AzureError):
                code = error.code if re.fullmatch(r"[A-Za-z0-9]+", error.code or "") else ""
                versions[version] = f"{error.status} {code}".strip()
        rows.append(kept | {"host": kind, "versions": versions, "problems": [fault.message for fault in one.problems]})
    return {
        "custom-speech-mcp": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: metadata.version(name) for name in ("mcp", "httpx", "pydantic", "anyio")},
        "configured_by": resources.origin if resources.origin.startswith("the ") else "a file",
        "resources": rows,
    }
