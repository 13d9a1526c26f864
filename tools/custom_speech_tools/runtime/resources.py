"""Speech resources: their regions and capabilities, and their fields in every answer."""

from typing import TypedDict

from custom_speech_tools.speech import Speech, SpeechResource
from custom_speech_tools.speech.addresses import region_of

AS_OF = "2026-10-07"  # date of the service's page on regions that this list was taken from
_TRAINING_REGIONS = (
    "australiaeast canadacentral centralindia eastasia eastus eastus2 francecentral japaneast koreacentral northeurope "
    "southcentralus southeastasia switzerlandnorth uksouth westeurope westus westus2 westus3"
)
TRAINING_REGIONS = frozenset(_TRAINING_REGIONS.split())


def region(resource: SpeechResource) -> str | None:
    """Return the resource's region: as configured, else as its host shows it."""
    return resource.region or region_of(resource.endpoint)


def trains_audio(resource: SpeechResource) -> bool | None:
    """Return whether the resource can train with audio; None if its region is not known."""
    if resource.trains_audio is not None:  # the configuration overrules the list, because the list changes
        return resource.trains_audio
    where = region(resource)
    return None if where is None else where in TRAINING_REGIONS


def can_copy(resource: SpeechResource) -> bool:
    """Return whether models can be copied from the resource: by its resource id, in v3.2 by the target's key."""
    return bool(resource.resource_id) or resource.api_version.copies_with_key


class ResourceFields(TypedDict):
    """The fields of `ResourceAnswer`."""

    resource: str
    region: str | None
    emulated: bool


def resource_fields(speech: Speech) -> ResourceFields:
    """Return the fields of an answer about its resource."""
    return ResourceFields(resource=speech.resource.name, region=region(speech.resource), emulated=speech.is_emulated)
