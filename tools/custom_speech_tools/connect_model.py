"""connect_model: show a model in a project."""

from custom_speech_tools.guardrails.project_link import Connecting
from custom_speech_tools.runtime import presenters
from custom_speech_tools.runtime.next_steps import after
from custom_speech_tools.runtime.parameters import ModelName, ProjectName, ResourceName
from custom_speech_tools.runtime.results import Model
from custom_speech_tools.runtime.tool import writes


async def connect_model(
    model: ModelName, project: ProjectName, connection: Connecting, resource: ResourceName = None
) -> Model:
    """Connect a custom model to a project of its resource and locale, so that the Azure portals show it. Needed
    after copy_model without project. Repeating it changes nothing; a model has one project."""
    speech = connection.speech
    last = await connection.made()
    return presenters.model(speech, last, after(speech, last), already_existed=connection.stands)


tool = writes(connect_model, "Connect a model to a project", idempotent=True)
