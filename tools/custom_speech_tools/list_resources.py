"""list_resources: list the configured Speech resources and their capabilities."""

from contextlib import suppress
from typing import Annotated

from pydantic import ConfigDict, Field

from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import ALL_RESOURCES
from custom_speech_tools.runtime.next_steps import Choice, call_step
from custom_speech_tools.runtime.parameters import Arguments, ResourceText
from custom_speech_tools.runtime.results import Result, ToolAnswer
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech, SpeechError
from custom_speech_tools.speech.service_urls import is_loopback, parse_url
from custom_speech_tools.speech.tasks_and_threads import gather


class ListResourcesArguments(Arguments):
    """The arguments of list_resources.

    Unknown arguments are ignored, because clients add some to simple tools (`random_string`). `resource` exists because
    converters to strict schemas refuse an object without properties (decision 0053).
    """

    model_config = ConfigDict(extra="ignore")

    resource: Annotated[ResourceText | None, Field(description="Resource name; default: all")] = None


class Resource(Result):
    """A configured Speech resource. `trains_audio` is null if the region is not known."""

    name: str
    region: str | None
    api_version: str
    emulated: bool
    read_only: bool
    trains_audio: bool | None
    has_projects: bool
    can_copy: bool
    is_default: bool


class Resources(ToolAnswer):
    """The configured Speech resources."""

    resources: list[Resource]
    total: int


async def list_resources(arguments: ListResourcesArguments, call: CallContext) -> Resources:
    """List the configured Azure Speech resources.

    Shows region, API version, and whether each trains with audio, has projects, can be copied from and may be changed.
    Other tools take the name as `resource`.
    """
    app, requested = call.app, arguments.resource

    async def recognize_emulator(speech: Speech) -> None:
        address = parse_url(speech.resource.endpoint)
        if not speech.is_emulated and address is not None and is_loopback(address):
            with suppress(SpeechError):  # a response distinguishes the emulator from a proxy to Azure
                await speech.models_list_supported_locales()

    listed = call.speech_of_all() if requested in (None, ALL_RESOURCES) else [call.speech(requested)]
    await gather(*map(recognize_emulator, listed))
    found = [
        Resource(
            name=speech.resource.name,
            region=speech.resource.known_region,
            api_version=speech.resource.api_version.name,
            emulated=speech.is_emulated,
            read_only=speech.resource.read_only,
            trains_audio=speech.resource.can_train_audio,
            has_projects=speech.resource.api_version.has_projects,
            can_copy=speech.resource.can_copy,
            is_default=speech.resource.name == app.default,
        )
        for speech in listed
    ]
    steps = [
        call_step("list_models", resource="*"),
        call_step("list_base_models", locale=Choice("a locale"), resource=app.default),
    ]
    if app.discover and (unconfigured := await app.discover()):
        steps.append(unconfigured)
    return Resources(resources=found, total=len(found), next_steps=steps)


tool = declare(list_resources, "List Speech resources", Annotations.READ, "models")
