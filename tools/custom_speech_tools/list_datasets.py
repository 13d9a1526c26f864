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
    only_kind = arguments.kinds[0] if arguments.kinds and len(arguments.kinds) == 1 else None
    found = await list_from(
        call,
        arguments.resource,
        lambda speech: speech.datasets_list(
            locale=exact_locale(arguments.locale), kind=only_kind, status=arguments.status
        ),
    )
    kept = [
        (speech, dataset)
        for speech, dataset in found.items()
        if matches_locale(dataset.locale, arguments.locale) and (not arguments.kinds or dataset.kind in arguments.kinds)
    ]
    shown = present_items(Dataset, kept[: arguments.limit], arguments.resource)
    fields = list_fields(call, arguments.resource, found, kept, len(shown))
    return Datasets(**fields, datasets=shown, next_steps=_steps(shown, arguments.resource, call))


def _steps(shown: list[Dataset], resource: str | None, call: CallContext) -> list[str]:
    ready = next((dataset for dataset in shown if dataset.status == "Succeeded"), None)
    if ready is None:
        where = call.app.default if resource in (None, ALL_RESOURCES) else resource
        return [call_step("list_base_models", locale=Placeholder("locale"), resource=where)]
    where = ready.resource or (resource if resource != ALL_RESOURCES else None) or call.app.default
    return [call_step("plan_model", locale=ready.locale, datasets=[ready.id], resource=where)]


tool = declare(list_datasets, "List datasets", Annotations.READ, "data")
