"""list_endpoints: list the endpoints of a resource."""

from functools import partial

from custom_speech_tools.guardrails.entity_lookup import find_project
from custom_speech_tools.presenters.endpoint import Endpoints, present_listed_endpoint
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import list_entities
from custom_speech_tools.runtime.next_steps import Choice, call_step
from custom_speech_tools.runtime.parameters import ListArguments, LocaleFilter, ProjectFilter
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech


class ListEndpointsArguments(ListArguments):
    """The arguments of list_endpoints."""

    locale: LocaleFilter = None
    project: ProjectFilter = None


async def list_endpoints(arguments: ListEndpointsArguments, call: CallContext) -> Endpoints:
    """List the endpoints of a resource, newest first, with the model that each hosts.

    After `transcription_until` the model has expired, and applications silently get the newest base model.
    """
    project = partial(find_project, reference=arguments.project)
    found = await list_entities(call, arguments, Speech.endpoints_list, referenced=[project], locale=arguments.locale)
    shown = await found.rows(present_listed_endpoint, lambda one: [one.model])
    step = found.step("get_endpoint", "endpoint", "an endpoint")
    if not shown:
        model, name = Choice("a model"), Choice("the name of a new endpoint")
        step = call_step("deploy_model", model=model, display_name=name, resource=found.single_resource)
    return Endpoints(**found.fields(), endpoints=shown, next_steps=[step])


tool = declare(list_endpoints, "List endpoints", Annotations.READ, "deployment")
