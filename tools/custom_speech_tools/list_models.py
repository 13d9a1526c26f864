"""list_models: list the custom models of a resource."""

from functools import partial

from custom_speech_tools.guardrails.entity_lookup import find_project
from custom_speech_tools.presenters.model import Models, present_listed_model
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import list_entities
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech


class ListModelsArguments(parameters.ListArguments):
    """The arguments of list_models."""

    locale: parameters.LocaleFilter = None
    status: parameters.StatusFilter = None
    display_name: parameters.ExactName = None
    project: parameters.ProjectFilter = None


async def list_models(arguments: ListModelsArguments, call: CallContext) -> Models:
    """List the custom models of a resource, newest first, including copies.

    `is_copy` is null if it is not known. get_model returns all details.
    """
    found = await list_entities(
        call,
        arguments,
        Speech.models_list_custom_models,
        referenced=[partial(find_project, reference=arguments.project)],
        locale=arguments.locale,
        status=arguments.status,
        display_name=arguments.display_name,
    )
    shown = await found.rows(present_listed_model, lambda one: [one.base_model, one.project])
    step = found.step("get_model", "model", "a model") if shown else call_step("list_datasets", resource=found.resource)
    return Models(**found.fields(), models=shown, next_steps=[step])


tool = declare(list_models, "List custom models", Annotations.READ, "models")
