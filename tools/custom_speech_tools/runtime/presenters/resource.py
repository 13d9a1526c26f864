"""Speech resources in answers."""

from typing import TypedDict

from custom_speech_tools.runtime.regions import region, trains_audio
from custom_speech_tools.runtime.results import Answer, Result
from custom_speech_tools.speech import Speech


class Resource(Result):
    """A configured Speech resource; `trains_audio` is null where its region is not known."""

    name: str
    region: str | None
    api_version: str
    emulated: bool
    read_only: bool
    trains_audio: bool | None
    has_projects: bool
    can_copy: bool
    is_default: bool


class Resources(Answer):
    """The configured Speech resources."""

    resources: list[Resource]
    total: int


class ResourceFields(TypedDict):
    """The fields of `ResourceAnswer`."""

    resource: str
    region: str | None
    emulated: bool


def resource_fields(speech: Speech) -> ResourceFields:
    """Return what an answer says about its resource."""
    return ResourceFields(resource=speech.resource.name, region=region(speech.resource), emulated=speech.is_emulated)


def present_resource(speech: Speech, *, is_default: bool) -> Resource:
    """Return a configured resource."""
    resource = speech.resource
    return Resource(
        name=resource.name,
        region=region(resource),
        api_version=resource.api_version.name,
        emulated=speech.is_emulated,
        read_only=resource.read_only,
        trains_audio=trains_audio(resource),
        has_projects=resource.api_version.has_projects,
        can_copy=bool(resource.resource_id) or resource.api_version.copies_with_key,
        is_default=is_default,
    )
