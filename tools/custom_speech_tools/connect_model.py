"""connect_model: connect a model to a project."""

from custom_speech_tools.guardrails.project_connection import ConnectionArguments, plan_project_connection
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.parts import read_parts
from custom_speech_tools.runtime.presenters.model import Model, present_model
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech.sanitize import quote


async def connect_model(arguments: ConnectionArguments, call: CallContext) -> Model:
    """Connect a custom model to a project of its resource and locale, so that the Azure portals show it.

    Needed after copy_model without project. Repeating it changes nothing; a model has one project.
    """
    connection = await plan_project_connection(call, arguments)
    model, speech = await connection.make(call), connection.speech
    before = None if connection.is_made else connection.model.project
    parts = await read_parts(speech, [*model.parts, before], [connection.project])
    answer = present_model(speech, model, parts, call.now(speech), already_existed=connection.is_made)
    if before is None:
        return answer
    name = f"{quote(parts[before.id].display_name)} " if before.id in parts else ""
    note = f"The model was in project {name}({before.id}) until now; a model has one project."
    return answer.model_copy(update={"note": note})


tool = declare(connect_model, "Connect a model to a project", Annotations.UPDATE, "models")
