"""connect_model: connect a model to a project."""

from custom_speech_tools.guardrails.copy_facts import is_connected
from custom_speech_tools.guardrails.copy_plan import connect_to_project, plan_connection, replacement_note
from custom_speech_tools.presenters.model import Model, present_model
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.parameters import Arguments, Reference, ResourceName
from custom_speech_tools.runtime.related_entities import read_related
from custom_speech_tools.runtime.tool import Annotations, declare


class ConnectModelArguments(Arguments):
    """The arguments of connect_model."""

    model: Reference
    project: Reference
    resource: ResourceName = None


async def connect_model(arguments: ConnectModelArguments, call: CallContext) -> Model:
    """Connect a custom model to a project of its resource and locale, so that the Azure portals show it.

    Needed after copy_model without project. A model has one project. A repeated call changes nothing.
    """
    speech = call.speech(arguments.resource)
    model, project = await plan_connection(call, speech, arguments.model, arguments.project)
    connected = await connect_to_project(call, speech, model, project)
    parts = await read_related(speech, [*connected.parts, model.project], [project])
    existed = is_connected(model, project)
    answer = present_model(speech, connected, parts, call.now(speech), already_existed=existed)
    return answer.model_copy(update={"note": replacement_note(model.project, connected, parts)})


tool = declare(connect_model, "Connect a model to a project", Annotations.UPDATE, "models")
