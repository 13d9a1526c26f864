"""get_endpoint: return an endpoint, its model and how to restore the previous model."""

from custom_speech_tools.guardrails.deployment_facts import previous_model
from custom_speech_tools.guardrails.entity_lookup import get_entity
from custom_speech_tools.presenters.endpoint import Endpoint, present_endpoint
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import ENDPOINT
from custom_speech_tools.runtime.parameters import Arguments, Reference, ResourceName, WaitSeconds
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related
from custom_speech_tools.runtime.tool import Annotations, declare


class GetEndpointArguments(Arguments):
    """The arguments of get_endpoint."""

    endpoint: Reference
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None


async def get_endpoint(arguments: GetEndpointArguments, call: CallContext) -> Endpoint:
    """Get an endpoint: status, model and its expiration, and how to go back to the previous model.

    With wait_seconds, it returns as soon as the deployment has ended.
    """
    speech = call.speech(arguments.resource)
    first = await get_entity(speech, ENDPOINT, arguments.endpoint)
    last = await poll_until_terminal(call, first, speech.endpoints_get, arguments.wait_seconds)
    previous = previous_model(speech, last)
    parts = await read_related(speech, [*last.parts, previous])
    return present_endpoint(speech, last, parts, call.now(speech), previous)


tool = declare(get_endpoint, "Get an endpoint", Annotations.READ, "deployment")
