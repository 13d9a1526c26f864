"""connect_model: show a model in a project."""

from custom_speech_tools.call import showing
from custom_speech_tools.call.arguments import ModelName, ProjectName, ResourceName
from custom_speech_tools.call.declaration import writes
from custom_speech_tools.call.next_steps import after
from custom_speech_tools.call.results import Model
from custom_speech_tools.guardrails.connecting import Connecting


async def connect_model(
    model: ModelName, project: ProjectName, connection: Connecting, resource: ResourceName = None
) -> Model:
    """Connect a custom model to a project of its resource and locale, so that the Azure portals show it. Needed
    after copy_model without project. Repeating it changes nothing; a model has one project."""
    speech = connection.speech
    last = await connection.made()
    return showing.model(speech, last, after(speech, last), already_existed=connection.stands)


tool = writes(connect_model, "Connect a model to a project", idempotent=True)
