"""get_model: one custom model, now or when its training has ended."""

from custom_speech_tools.guardrails.references import MODEL, found
from custom_speech_tools.runtime import presenters
from custom_speech_tools.runtime.dependencies import Named, WithApp
from custom_speech_tools.runtime.next_steps import after
from custom_speech_tools.runtime.parameters import ModelName, ResourceName, WaitSeconds
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.results import Model
from custom_speech_tools.runtime.tool import reads


async def get_model(
    model: ModelName,
    speech: Named,
    connections: WithApp,
    wait_seconds: WaitSeconds = 0,
    resource: ResourceName = None,
) -> Model:
    """Get a custom model: status, parts, end of life, why it failed. With wait_seconds it answers when training has
    ended, or then; call it again while it is Running."""
    first = await found(speech, MODEL, model)
    last = await poll_until_terminal(
        first, lambda: speech.models_get_custom_model(first.id), wait_seconds, connections.pace
    )
    return presenters.model(speech, last, after(speech, last))


tool = reads(get_model, "Get a custom model")
