"""doctor: check the configured resources and suggest fixes, without showing secrets."""

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

import anyio

from custom_speech_server import __version__
from custom_speech_server.audit_log import AuditFile, audit_from_environment
from custom_speech_server.azure_cli import AzureAccount, AzureCLIError, DiscoveredAccounts, list_accounts
from custom_speech_server.commands.options import add_shared, named_resources, path
from custom_speech_server.console import notice, progress, wrapped
from custom_speech_server.emulated_resources import in_process_emulator
from custom_speech_server.external_command import CommandError, run_command
from custom_speech_server.resource_config import Resources
from custom_speech_tools.runtime.errors import next_step_after
from custom_speech_tools.speech import (
    VERSIONS,
    AzureError,
    NoCredentialError,
    RequestPipeline,
    Speech,
    SpeechError,
    SpeechResource,
    UnreachableError,
    UnreadableResponseError,
)
from custom_speech_tools.speech.resource import AS_OF
from custom_speech_tools.speech.sanitize import sanitize
from custom_speech_tools.speech.service_clock import CLOCK_TOLERANCE
from custom_speech_tools.speech.tasks_and_threads import gather
from custom_speech_tools.speech.transport import proxy_of

_PORTAL = "`custom-speech-mcp init` reads key and endpoint from Azure; the portal shows them under Keys and Endpoint."
_SET_CLOCK = "Set the clock: signing in requires it."


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of checking a resource."""

    resource: SpeechResource
    answers: Mapping[str, SpeechError | None]  # by API version, the configured one first; None for success
    problems: list[dict[str, str]]  # each with `message` and `fix`

    @property
    def does_answer(self) -> bool:
        """True if the resource answers in its configured API version."""
        return self.answers[self.resource.api_version.name] is None

    @property
    def versions(self) -> dict[str, str]:
        """A description of the answer in each API version."""
        described = {}
        for version, error in self.answers.items():
            described[version] = "answers" if error is None else sanitize(str(error), 400)
            if isinstance(error, AzureError):
                code = "" if error.code in (None, str(error.status)) else f" {error.code}"
                described[version] = sanitize(f"answers {error.status}{code}: {error.args[0]}", 400)
        return described


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_shared(parser, "--config", "--emulated", "--json")
    option = parser.add_argument
    option("--discover", action="store_true", help="check tiers, firewalls and switched off keys with `az`")
    option("--check-updates", action="store_true", help="ask the package index for a newer version")
    option("--report", type=path, metavar="FILE", help="write a file for bug reports, without secrets, names and ids")
    parser.epilog = """Exit status: 0 every resource answers, 1 one does not, 2 invalid configuration.

examples:
  custom-speech-mcp doctor
  custom-speech-mcp doctor --config prod.toml
  custom-speech-mcp doctor --report support.json"""


def run(options: argparse.Namespace) -> int:
    """Print the results; return 0 if every resource answers in its configured API version."""
    resources = named_resources(options)
    audit, warnings = audit_from_environment(os.environ, resources)
    try:
        found = anyio.run(list_accounts) if options.discover else DiscoveredAccounts("", [], [])
    except AzureCLIError as error:
        found = DiscoveredAccounts("", [], [str(error)])
    updates = [anyio.run(_newest_version)] if options.check_updates else []
    cautions = [*resources.warnings, *warnings, *found.unread, *updates]
    audit_file = str(audit.path) if isinstance(audit, AuditFile) else None
    if not options.json:
        print(f"Configured by {resources.origin}; the default is {resources.default}.\nAudit: {audit_file or 'off'}.")
        for caution in cautions:
            print(wrapped(f"Caution: {caution}"))
    diagnoses = examine(resources.all, found.accounts, quiet=options.json)
    silent = [one.resource.name for one in diagnoses if not one.does_answer]
    if options.json:
        described = {"configured_by": resources.origin, "default": resources.default, "audit": audit_file}
        rows = [_as_json(one) for one in diagnoses]
        print(json.dumps({**described, "cautions": cautions, "resources": rows, "all_answer": not silent}, indent=2))
    else:
        print("\n" + (f"Does not answer: {', '.join(silent)}." if silent else "Every resource answers."))
    if options.report:
        try:
            with options.report.open("x", encoding="utf-8") as stream:  # existing files are not overwritten
                json.dump(support_report(resources, diagnoses), stream, indent=2)
        except OSError as error:
            notice(f"{options.report}: cannot be written: {error.strerror}.")
            return 2
        notice(f"{options.report} was written. Read it before you attach it to an issue.")
    return 1 if silent else 0


def examine(resources: Sequence[SpeechResource], accounts: list[AzureAccount], quiet: bool = False) -> list[Diagnosis]:
    """Check resources concurrently, then print the answers, problems and fixes of each."""
    known = {one.id.lower(): one for one in accounts}

    async def check() -> list[Diagnosis]:
        return await gather(*(_diagnose(one, known.get((one.resource_id or "").lower())) for one in resources))

    with progress(f"Checking {', '.join(one.name for one in resources)}."):
        diagnoses = anyio.run(check)
    for diagnosis in diagnoses if not quiet else ():
        resource = diagnosis.resource
        able = {True: "yes", False: "no", None: "unknown"}[resource.can_train_audio]
        rows = {
            "endpoint": resource.endpoint,
            "region": resource.known_region or "unknown: configure region",
            "trains audio": f"{able} ({'configured' if resource.trains_audio is not None else f'list of {AS_OF}'})",
            "resource id": "configured" if resource.resource_id else "not configured: required for copying",
            "key": getattr(resource.credential, "origin", "built in"),
            **diagnosis.versions,
        }
        rows[resource.api_version.name] += " (configured)"
        print(f"\n{resource.name}{' (emulated)' if resource.emulated else ''}")
        for name, value in rows.items():
            print(wrapped(value, f"  {name:<12}  ", " " * 16))
        for problem in diagnosis.problems:
            print(wrapped(f"{problem['message']} {problem['fix']}", "  → ", "    "))
    return diagnoses


async def _diagnose(resource: SpeechResource, account: AzureAccount | None) -> Diagnosis:
    """Send a request to the resource in each API version and return the result."""
    app = in_process_emulator if resource.emulated else None
    configured = resource.api_version.name
    answers: dict[str, SpeechError | None] = {}
    skew = timedelta()
    for version in (configured, *(name for name in VERSIONS if name != configured)):
        if isinstance(answers.get(configured), (UnreachableError, NoCredentialError)):
            break
        speech = Speech(RequestPipeline(replace(resource, api_version=VERSIONS[version]), app))
        try:
            await speech.models_list_supported_locales()
            answers[version] = None
        except SpeechError as error:
            answers[version] = error
        finally:
            skew = max(skew, speech.clock.skew, key=abs)
            await speech.close()
    return Diagnosis(resource, answers, _problems(resource, answers, skew, account))


def _fix(resource: SpeechResource, error: SpeechError | None) -> str:
    match error:
        case AzureError(status=401) if resource.credential.has_key:
            return f"Its key was replaced, or belongs to another resource or region. {_PORTAL}"
        case AzureError(status=404) | UnreadableResponseError():
            return f"Its endpoint does not belong to a Speech resource, or a proxy answers instead. {_PORTAL}"
        case UnreachableError():
            proxy = urlsplit(proxy_of(resource.endpoint) or "")
            through = f" Requests pass through the proxy {proxy.hostname}; see NO_PROXY." if proxy.hostname else ""
            return f"Check endpoint and region, and the connection of this network to that host.{through}"
        case NoCredentialError():
            for_key = "Run its key command in a terminal; if that is `az`, sign in: az login."
            return for_key if resource.credential.has_key else "Install what is missing, or sign in: az login."
    return next_step_after(error) if error else ""


def _problems(
    resource: SpeechResource, answers: Mapping[str, SpeechError | None], skew: timedelta, account: AzureAccount | None
) -> list[dict[str, str]]:
    """Return the problems shown by the answers, by the configuration and by the account in Azure."""
    error = answers[resource.api_version.name]
    working = next((version for version, other in answers.items() if other is None), None)
    late = f"{abs(skew) / timedelta(minutes=1):.0f} min {'behind' if skew > timedelta() else 'ahead of'}"
    repair = "`custom-speech-mcp init --repair` adds it."
    elsewhere = "Train with audio in another region, then copy the model here (copy_model). Text alone trains here."
    checks: list[tuple[object, str, str]] = [
        (error and working, f"It answers only in API version {working}.", f'Set api_version = "{working}".'),
        (error and not working, "It cannot be used.", _fix(resource, error)),
        (abs(skew) > CLOCK_TOLERANCE, f"This machine's clock is {late} the service's.", _SET_CLOCK),
        (resource.known_region is None, "Its region and training hardware are unknown.", f"Set region; {repair}"),
        (resource.can_train_audio is False, "Its region has no hardware for training with audio.", elsewhere),
        (not resource.can_copy, "Models cannot be copied from it without resource_id.", f"Set resource_id; {repair}"),
    ]
    if account is not None:
        # The limits of F0 are from Microsoft's page on quotas and limits.
        free = "takes at most 2 datasets, 200 MB of text and 1 KB of pronunciations, and has no batch transcription."
        by_identity = 'Use auth = "entra" with the custom domain as endpoint, not key.'
        admit = "If it answers 403, its owner must add this machine's network under Networking in the Azure portal."
        is_private = account.public_access == "Disabled"
        has_firewall = account.network_default == "Deny" and not is_private
        has_no_key = account.keys_disabled and resource.credential.has_key
        checks += [
            (account.tier == "F0", f"Its tier F0 (free) {free}", "Use a resource of tier S0 for more."),
            (has_no_key, "Its keys are switched off.", by_identity),
            (is_private, "It can be reached only through its private endpoint.", "Run the server inside that network."),
            (has_firewall, "Its firewall admits only selected networks.", admit),
        ]
    return [{"message": message, "fix": fix} for holds, message, fix in checks if holds]


def _as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    resource = diagnosis.resource
    return {
        "name": resource.name,
        "emulated": resource.emulated,
        "endpoint": resource.endpoint,
        "region": resource.known_region,
        "trains_audio": resource.can_train_audio,
        "has_resource_id": resource.resource_id is not None,
        "key": getattr(resource.credential, "origin", "built in"),
        "api_version": resource.api_version.name,
        "does_answer": diagnosis.does_answer,
        "versions": diagnosis.versions,
        "problems": diagnosis.problems,
    }


async def _newest_version() -> str:
    """Return a sentence that compares this version with the newest version in the package index of pip."""
    command = [sys.executable, "-m", "pip", "index", "versions", "custom-speech-mcp"]
    try:
        result = await run_command(command, seconds=30.0, max_bytes=1024 * 1024)
    except CommandError as error:
        return f"The package index could not be queried: {error}."
    newest = re.match(r"custom-speech-mcp \(([\w.+!-]+)\)", result.output.decode(errors="replace"))
    named = f"the newest in the package index is {newest[1]}" if newest else "the package index has no version"
    return f"This is version {__version__}; {named}."


def support_report(resources: Resources, diagnoses: list[Diagnosis]) -> dict[str, Any]:
    """Return the details for a bug report: versions, kinds and codes, without secrets, names, ids and addresses."""
    rows = []
    kinds = {".api.cognitive.": "regional", ".cognitiveservices.": "custom domain"}
    for one in diagnoses:
        host = urlsplit(one.resource.endpoint).hostname or ""
        kind = next((kind for part, kind in kinds.items() if part in host), "other")
        kept = {name: value for name, value in _as_json(one).items() if name not in ("name", "endpoint")}
        versions = {}
        for version, error in one.answers.items():  # without messages, which may quote names
            versions[version] = "answers" if error is None else type(error).__name__
            if isinstance(error, AzureError):
                code = error.code if re.fullmatch(r"[A-Za-z0-9]+", error.code or "") else ""
                versions[version] = f"{error.status} {code}".strip()
        messages = [problem["message"] for problem in one.problems]
        rows.append(kept | {"host": kind, "versions": versions, "problems": messages})
    return {
        "custom-speech-mcp": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: metadata.version(name) for name in ("mcp", "httpx", "pydantic", "anyio")},
        "configured_by": resources.origin if resources.origin.startswith("the ") else "a file",
        "resources": rows,
    }
