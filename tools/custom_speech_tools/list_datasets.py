"""list_datasets: list the training and test data of a resource."""

from functools import partial

from custom_speech_tools.guardrails.entity_lookup import find_project
from custom_speech_tools.presenters.dataset import Datasets, ListedDataset, steps_with_data
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import list_entities
from custom_speech_tools.runtime.next_steps import Choice, call_step
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech


class ListDatasetsArguments(parameters.ListArguments):
    """The arguments of list_datasets."""

    locale: parameters.LocaleFilter = None
    kinds: parameters.KindsFilter = None
    status: parameters.StatusFilter = None
    project: parameters.ProjectFilter = None


async def list_datasets(arguments: ListDatasetsArguments, call: CallContext) -> Datasets:
    """List the uploaded datasets of a resource, newest first, with kind, status and size.

    Training requires `Succeeded` datasets.
    """
    kinds = arguments.kinds
    found = await list_entities(
        call,
        arguments,
        Speech.datasets_list,
        lambda one: not kinds or one.kind in kinds,
        referenced=[partial(find_project, reference=arguments.project)],
        locale=arguments.locale,
        kind=kinds[0] if kinds and len(kinds) == 1 else None,
        status=arguments.status,
    )
    shown = await found.rows(lambda one, _: ListedDataset.model_validate(one))
    steps = steps_with_data(found.shown)
    if not steps:  # base models say which kinds of data a locale takes
        steps = [call_step("list_base_models", locale=arguments.locale or Choice("a locale"), resource=found.resource)]
    return Datasets(**found.fields(), datasets=shown, next_steps=steps)


tool = declare(list_datasets, "List datasets", Annotations.READ, "data")
