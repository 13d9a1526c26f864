"""connect_model: connect a model to a project."""

from custom_speech_tools.guardrails.project_connection import ConnectionArguments, plan_project_connection
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.parts import read_parts
from custom_speech_tools.runtime.presenters.model import Model, present_model
from custom_speech_tools.runtime.tool import Annotations, declare


async def connect_model(arguments: ConnectionArguments, call: CallContext) -> Model:
    """Connect a custom model to a project of its resource and locale, so that the Azure portals show it.

    Needed after copy_model without project. Repeating it changes nothing; a model has one project.
    """
    connection = await plan_project_connection(call, arguments)
    model, speech = await connection.make(call), connection.speech
    parts = await read_parts(speech, model.parts, [connection.project])
    return present_model(speech, model, parts, call.now(speech), already_existed=connection.is_made)


tool = declare(connect_model, "Connect a model to a project", Annotations.UPDATE, "models")
