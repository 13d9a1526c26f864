"""doctor: which resources are configured, whether each answers, and what it can do; never a secret."""

import os
import sys
from pathlib import Path

import anyio

from custom_speech_server import built_in
from custom_speech_server.resources import ConfigurationError, Resources, load
from custom_speech_tools.call.plain_text import plain
from custom_speech_tools.call.regions import AS_OF, region, trains_audio
from custom_speech_tools.speech import VERSIONS, AzureError, Speech, SpeechError, SpeechResource


def run(config: Path | None) -> int:
    """Print the report; gives 0 where every resource answers in its configured version."""
    try:
        resources = load(config, os.environ)
    except ConfigurationError as error:
        print(f"custom-speech-mcp: {error}", file=sys.stderr)
        return 2
    print(f"Configured by {resources.origin}; the default is {resources.default}.")
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
    works = {name: await _answer_in(resource, name, resources) for name in VERSIONS}
    for name, answer in works.items():
        chosen = " (configured)" if name == resource.api_version.name else ""
        print(f"  {name:<12}  {answer or 'answers'}{chosen}")
    return works[resource.api_version.name] is None


def _audio(resource: SpeechResource) -> str:
    able = {True: "yes", False: "no", None: "unknown"}[trains_audio(resource)]
    return f"{able} ({'configured' if resource.trains_audio is not None else f'list of {AS_OF}'})"


async def _answer_in(resource: SpeechResource, version: str, resources: Resources) -> str | None:
    """Why the resource does not answer in an API version; None where it does."""
    speech = Speech(
        SpeechResource(
            name=resource.name,
            endpoint=resource.endpoint,
            credential=resource.credential,
            api_version=VERSIONS[version],
        ),
        built_in.emulator if resources.in_process else None,
    )
    try:
        await speech.models_list_supported_locales()
    except AzureError as error:
        return f"answers {error.status} {error.code or ''}: {plain(error.args[0], 80)}"
    except SpeechError as error:
        return plain(str(error))
    finally:
        await speech.close()
    return None
