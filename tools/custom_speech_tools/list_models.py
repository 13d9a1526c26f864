"""list_models: list the custom models of a resource."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.references import PROJECT, get_entity
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.lists import (
    ALL_RESOURCES,
    exact_locale,
    list_fields,
    list_from,
    matches_locale,
    present_items,
)
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.parameters import (
    Arguments,
    ExactName,
    Identifier,
    Limit,
    LocaleFilter,
    ResourceNameOrAll,
    StatusFilter,
)
from custom_speech_tools.runtime.presenters.model import ListedModel, Models
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.paging import Listing


class ListModelsArguments(Arguments):
    """The arguments of list_models."""

    locale: LocaleFilter = None
    status: StatusFilter = None
    display_name: ExactName = None
    project: Annotated[
        Identifier | None, Field(description="Only models of this project: id, self URI or exact name")
    ] = None
    limit: Limit = 20
    resource: ResourceNameOrAll = None


async def list_models(arguments: ListModelsArguments, call: CallContext) -> Models:
    """List the custom models of a resource, newest first, whether trained there or copied to it.

    Returns ids and status; get_model returns the rest.
    """
    found = await list_from(call, arguments.resource, lambda speech: _list(speech, arguments))
    kept = [(speech, model) for speech, model in found.items() if matches_locale(model.locale, arguments.locale)]
    shown = present_items(ListedModel, kept[: arguments.limit], arguments.resource)
    fields = list_fields(call, arguments.resource, found, kept, len(shown))
    return Models(**fields, models=shown, next_steps=_steps(shown, arguments.resource, call))


async def _list(speech: Speech, arguments: ListModelsArguments) -> Listing[schemas.CustomModel]:
    listing = await speech.models_list_custom_models(
        locale=exact_locale(arguments.locale), status=arguments.status, display_name=arguments.display_name
    )
    if arguments.project is None:
        return listing
    project = await get_entity(speech, PROJECT, arguments.project)
    return replace(
        listing, entities=[model for model in listing.entities if model.project and model.project.id == project.id]
    )


def _steps(shown: list[ListedModel], resource: str | None, call: CallContext) -> list[str]:
    if not shown:
        return [call_step("list_datasets", resource=resource or call.app.default)]
    where = shown[0].resource if resource == ALL_RESOURCES else resource or call.app.default
    return [call_step("get_model", model=shown[0].id, resource=where)]


tool = declare(list_models, "List custom models", Annotations.READ, "models")
