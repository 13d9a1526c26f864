"""list_datasets: list the data that models are trained and tested with."""

from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.lists import (
    ALL_RESOURCES,
    exact_locale,
    list_fields,
    list_from,
    matches_locale,
    present_items,
)
from custom_speech_tools.runtime.next_steps import Placeholder, call_step
from custom_speech_tools.runtime.parameters import (
    Arguments,
    KindsFilter,
    Limit,
    LocaleFilter,
    ResourceNameOrAll,
    StatusFilter,
)
from custom_speech_tools.runtime.presenters.dataset import Dataset, Datasets
from custom_speech_tools.runtime.tool import Annotations, declare


class ListDatasetsArguments(Arguments):
    """The arguments of list_datasets."""

    locale: LocaleFilter = None
    kinds: KindsFilter = None
    status: StatusFilter = None
    limit: Limit = 20
    resource: ResourceNameOrAll = None


async def list_datasets(arguments: ListDatasetsArguments, call: CallContext) -> Datasets:
    """List the uploaded datasets of a resource, newest first, with kind, status and size.

    Only `Succeeded` ones can be trained with.
    """
    locale, kinds = arguments.locale, arguments.kinds
    found = await list_from(
        call,
        arguments.resource,
        lambda speech: speech.datasets_list(
            locale=exact_locale(locale), kind=kinds[0] if kinds and len(kinds) == 1 else None, status=arguments.status
        ),
    )
    kept = [
        (speech, dataset)
        for speech, dataset in found.items()
        if matches_locale(dataset.locale, locale) and (not kinds or dataset.kind in kinds)
    ]
    shown = present_items(Dataset, kept[: arguments.limit], arguments.resource)
    ready = next((dataset for dataset in shown if dataset.status == "Succeeded"), None)
    asked = arguments.resource if arguments.resource != ALL_RESOURCES else None
    here = (ready.resource if ready else None) or asked or call.app.default
    step = call_step("list_base_models", locale=Placeholder("locale"), resource=here)
    if ready:
        step = call_step("plan_model", locale=ready.locale, datasets=[ready.id], resource=here)
    return Datasets(**list_fields(call, arguments.resource, found, kept, len(shown)), datasets=shown, next_steps=[step])


tool = declare(list_datasets, "List datasets", Annotations.READ, "data")
