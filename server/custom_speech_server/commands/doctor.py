"""doctor: which resources are configured, whether each answers, and what it can do. It never shows a secret."""

import argparse
import os
import sys
from dataclasses import replace

import anyio

from custom_speech_server import emulated_resources
from custom_speech_server.audit_log import AuditFile, audit_from_environment
from custom_speech_server.commands.options import add_shared
from custom_speech_server.console import Progress, wrapped
from custom_speech_server.resource_config import EMULATED, ConfigurationError, Resources, load
from custom_speech_tools.runtime.regions import AS_OF, region, trains_audio
from custom_speech_tools.speech import (
    VERSIONS,
    AzureError,
    RequestPipeline,
    Speech,
    SpeechError,
    SpeechResource,
    UnreachableError,
)
from custom_speech_tools.speech.sanitize import sanitize


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_shared(parser, "--config", "--emulated")
    parser.epilog = """Exit status: 0 every resource answers, 1 one does not, 2 wrong configuration.

examples:
  custom-speech-mcp doctor
  custom-speech-mcp doctor --config prod.toml"""


def run(options: argparse.Namespace) -> int:
    """Print the report; return 0 where every resource answers in its configured version."""
    try:
        resources = EMULATED if options.emulated else load(options.config, os.environ)
        audit, warnings = audit_from_environment(os.environ, resources)
    except ConfigurationError as error:
        print(f"custom-speech-mcp: {error}", file=sys.stderr)
        return 2
    print(f"Configured by {resources.origin}; the default is {resources.default}.")
    print(f"Audit: {audit.path if isinstance(audit, AuditFile) else 'off'}.")
    for caution in (*resources.warnings, *warnings):
        print(wrapped(f"Caution: {caution}"))
    return 0 if anyio.run(_examine_all, resources) else 1


async def _examine_all(resources: Resources) -> bool:
    healthy = [await _examine(resource, resources) for resource in resources.all]
    return all(healthy)


async def _examine(resource: SpeechResource, resources: Resources) -> bool:
    print(f"\n{resource.name}{' (emulated)' if resource.emulated else ''}")
    print(f"  endpoint      {resource.endpoint}")
    print(f"  region        {region(resource) or 'unknown: configure region'}")
    print(f"  trains audio  {_audio(resource)}")
    print(f"  resource id   {'configured' if resource.resource_id else 'not configured: needed for copying'}")
    configured = resource.api_version.name
    with Progress(f"Asking {resource.name}."):
        answer = await _answer_in(resource, configured, resources)
    print(wrapped(f"{_said(answer)} (configured)", f"  {configured:<12}  ", " " * 16))
    others = [name for name in VERSIONS if name != configured and not isinstance(answer, UnreachableError)]
    for name in others:
        with Progress(f"Asking {resource.name} in version {name}."):
            other = await _answer_in(resource, name, resources)
        print(wrapped(_said(other), f"  {name:<12}  ", " " * 16))
    return answer is None


def _audio(resource: SpeechResource) -> str:
    able = {True: "yes", False: "no", None: "unknown"}[trains_audio(resource)]
    return f"{able} ({'configured' if resource.trains_audio is not None else f'list of {AS_OF}'})"


def _said(error: SpeechError | None) -> str:
    if error is None:
        return "answers"
    said = (
        f"answers {error.status} {error.code or ''}: {error.args[0]}" if isinstance(error, AzureError) else str(error)
    )
    return sanitize(said)


async def _answer_in(resource: SpeechResource, version: str, resources: Resources) -> SpeechError | None:
    """Return why the resource does not answer in an API version; None where it does."""
    asked = replace(resource, api_version=VERSIONS[version])
    speech = Speech(RequestPipeline(asked, emulated_resources.emulator if resources.in_process else None))
    try:
        await speech.models_list_supported_locales()
    except SpeechError as error:
        return error
    finally:
        await speech.close()
    return None
