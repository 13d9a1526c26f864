"""list_models: list the custom models of a resource."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.references import PROJECT, get_entity
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.lists import list_entities
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

    async def of_project(speech: Speech, **filters: str | None) -> Listing[schemas.CustomModel]:
        listing = await speech.models_list_custom_models(**filters)
        if arguments.project is None:
            return listing
        project = await get_entity(speech, PROJECT, arguments.project)
        kept = [one for one in listing.entities if one.project and one.project.id == project.id]
        return replace(listing, entities=kept)

    found = await list_entities(
        call,
        arguments,
        of_project,
        locale=arguments.locale,
        status=arguments.status,
        display_name=arguments.display_name,
    )
    shown = found.rows(ListedModel.model_validate)
    step = call_step("list_datasets", resource=found.asked)
    if shown:
        step = call_step("get_model", model=shown[0].id, resource=found.first_resource)
    return Models(**found.fields(), models=shown, next_steps=[step])


tool = declare(list_models, "List custom models", Annotations.READ, "models")
