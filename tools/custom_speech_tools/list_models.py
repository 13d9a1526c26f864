"""list_models: the custom models of a resource."""

from custom_speech_tools.runtime import presenters
from custom_speech_tools.runtime.dependencies import Named
from custom_speech_tools.runtime.locales import canonical, reading_of
from custom_speech_tools.runtime.parameters import ExactName, Limit, LocaleFilter, ResourceName, StatusFilter
from custom_speech_tools.runtime.results import ListedModel, Models
from custom_speech_tools.runtime.tool import reads


async def list_models(
    speech: Named,
    locale: LocaleFilter = None,
    status: StatusFilter = None,
    display_name: ExactName = None,
    limit: Limit = 20,
    resource: ResourceName = None,
) -> Models:
    """List the custom models of a resource, newest first, trained there or copied to it. Gives ids and status;
    get_model tells the rest."""
    listing = await speech.models_list_custom_models(
        locale=canonical(locale) if locale else None, status=status, display_name=display_name
    )
    shown = [ListedModel.model_validate(model) for model in presenters.newest_first(listing.entities)[:limit]]
    note = reading_of(locale) if locale else None
    return Models(**presenters.listed(speech.resource, listing, listing.entities, len(shown), note), models=shown)


tool = reads(list_models, "List custom models")
