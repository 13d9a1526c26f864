"""get_model: one custom model, now or when its training has ended."""

from custom_speech_tools.call import showing
from custom_speech_tools.call.arguments import ModelName, ResourceName, WaitSeconds
from custom_speech_tools.call.connections import Connected, Named
from custom_speech_tools.call.declaration import reads
from custom_speech_tools.call.looking import until_ended
from custom_speech_tools.call.next_steps import after
from custom_speech_tools.call.results import Model
from custom_speech_tools.guardrails.references import MODEL, found


async def get_model(
    model: ModelName,
    speech: Named,
    connections: Connected,
    wait_seconds: WaitSeconds = 0,
    resource: ResourceName = None,
) -> Model:
    """Get a custom model: status, parts, end of life, why it failed. With wait_seconds it answers when training has
    ended, or then; call it again while it is Running."""
    first = await found(speech, MODEL, model)
    last = await until_ended(first, lambda: speech.models_get_custom_model(first.id), wait_seconds, connections.pace)
    return showing.model(speech, last, after(speech, last))


tool = reads(get_model, "Get a custom model")
