"""get_model: return a custom model, immediately or after its training."""

from custom_speech_tools.guardrails.entity_lookup import get_entity
from custom_speech_tools.presenters.model import Model, present_model
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import MODEL
from custom_speech_tools.runtime.parameters import Arguments, Reference, ResourceName, WaitSeconds
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related_and_earlier
from custom_speech_tools.runtime.tool import Annotations, declare


class GetModelArguments(Arguments):
    """The arguments of get_model."""

    model: Reference
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None


async def get_model(arguments: GetModelArguments, call: CallContext) -> Model:
    """Get a custom model: status, base model, datasets, project, expiration and error.

    With wait_seconds, it returns as soon as training has ended; call it again while it is Running.
    """
    speech = call.speech(arguments.resource)
    first = await get_entity(speech, MODEL, arguments.model)
    last = await poll_until_terminal(call, first, speech.models_get_custom_model, arguments.wait_seconds)
    parts, earlier = await read_related_and_earlier(speech, last, last.parts)
    return present_model(speech, last, parts, call.now(speech), earlier)


tool = declare(get_model, "Get a custom model", Annotations.READ, "models")
