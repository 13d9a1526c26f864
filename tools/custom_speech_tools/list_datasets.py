"""list_datasets: the data that models can be trained with."""

from custom_speech_tools.runtime import presenters
from custom_speech_tools.runtime.dependencies import Named
from custom_speech_tools.runtime.locales import canonical, reading_of
from custom_speech_tools.runtime.parameters import KindFilter, Limit, LocaleFilter, ResourceName
from custom_speech_tools.runtime.results import Dataset, Datasets
from custom_speech_tools.runtime.tool import reads


async def list_datasets(
    speech: Named,
    locale: LocaleFilter = None,
    kind: KindFilter = None,
    limit: Limit = 20,
    resource: ResourceName = None,
) -> Datasets:
    """List the uploaded datasets of a resource, newest first, with kind, status and size. Only `Succeeded` ones can
    be trained with."""
    listing = await speech.datasets_list(locale=canonical(locale) if locale else None, kind=kind)
    shown = [Dataset.model_validate(found) for found in presenters.newest_first(listing.entities)[:limit]]
    note = reading_of(locale) if locale else None
    return Datasets(**presenters.listed(speech.resource, listing, listing.entities, len(shown), note), datasets=shown)


tool = reads(list_datasets, "List datasets")
