"""list_resources: which Speech resources there are and what each can do."""

from custom_speech_tools.runtime.dependencies import AppContext, WithApp
from custom_speech_tools.runtime.regions import region, trains_audio
from custom_speech_tools.runtime.results import Resource, Resources
from custom_speech_tools.runtime.tool import reads
from custom_speech_tools.speech import Speech


async def list_resources(connections: WithApp) -> Resources:
    """List the configured Azure Speech resources: region, API version, whether each trains with audio, has
    projects, can be copied from. Other tools take their names as `resource`."""
    found = [_shown(speech, connections) for speech in connections.speech.values()]
    return Resources(resources=found, total=len(found))


def _shown(speech: Speech, connections: AppContext) -> Resource:
    resource = speech.resource
    return Resource(
        name=resource.name,
        region=region(resource),
        api_version=resource.api_version.name,
        emulated=resource.emulated,
        trains_audio=trains_audio(resource),
        has_projects=resource.api_version.has_projects,
        can_copy=bool(resource.resource_id) or resource.api_version.copies_with_key,
        is_default=resource.name == connections.default,
    )


tool = reads(list_resources, "List Speech resources")
