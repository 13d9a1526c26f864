"""list_base_models: list the base models of a locale with dataset kinds, expiration dates and charges."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from custom_speech_tools.guardrails.shared_rules import clocks_agree
from custom_speech_tools.guardrails.training_facts import is_open
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import list_entities
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.next_steps import Choice, call_step
from custom_speech_tools.runtime.parameters import Limit, ListArguments, RequiredLocaleFilter, TrainWith
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import word

MAX_OFFERED_LOCALES = 12

Availability = Literal["training", "transcription", "all"]


class ListBaseModelsArguments(ListArguments):
    """The arguments of list_base_models."""

    locale: RequiredLocaleFilter
    train_with: TrainWith = None
    availability: Annotated[
        Availability, Field(description="training = open for training, transcription = still transcribes, all")
    ] = "training"
    order: Annotated[Literal["newest", "oldest"], Field(description="Which come first")] = "newest"
    limit: Limit = 10


class ListedBaseModel(results.Result):
    """A base model in a list; `training_is_charged` is true unless reported free."""

    id: str
    display_name: results.ServiceText
    locale: results.ServiceText
    created: results.Day | None = results.Created
    trains_with: Annotated[list[results.ServiceText], BeforeValidator(lambda kinds: kinds[: results.MAX_REFERENCES])]
    adaptation_until: results.Day | None
    transcription_until: results.Day | None
    training_is_charged: bool
    resource: str | None = results.optional()


class BaseModels(results.Listing):
    """The base models of a locale, newest first."""

    base_models: list[ListedBaseModel]


async def list_base_models(arguments: ListBaseModelsArguments, call: CallContext) -> BaseModels:
    """List Microsoft's base models of a locale, newest first unless `order` is oldest.

    Shows which kinds of data each can be trained with, until when, and whether training is charged.
    """
    found = await list_entities(call, arguments, Speech.models_list_base_models, locale=arguments.locale)
    if not found.matches and not found.unread:
        await _refuse_locale(found.answered[0], arguments.locale)
    listed = [pair for pair in found.matches if set(arguments.train_with or ()) <= set(pair[1].trains_with)]
    # A base model that takes no data was never open, so it is not counted as closed.
    trainable = [pair for pair in listed if pair[1].trains_with or arguments.availability != "training"]
    kept = [
        (speech, base) for speech, base in trainable if _is_available(base, arguments.availability, call.now(speech))
    ]
    hidden = len(trainable) - len(kept)
    found = replace(found, matches=kept if arguments.order == "newest" else kept[::-1])
    why = "closed for training" if arguments.availability == "training" else "past their end"
    notes = [
        f'{hidden} base model(s) {why} are left out; availability="all" lists them.' if hidden else None,
        *{one.message for speech in found.answered for one in clocks_agree(speech.clock.skew)},
    ]
    shown = await found.rows(lambda one, _: ListedBaseModel.model_validate(one))
    steps = [call_step("list_datasets", locale=arguments.locale, resource=found.resource)]
    if hidden and not shown:
        repeated = arguments.model_dump(include={"locale", "train_with", "resource"})
        steps = [call_step("list_base_models", **repeated, availability="all")]
    open_ones = [(speech, base) for speech, base in found.shown if base.trains_with and is_open(base, call.now(speech))]
    for speech, base in open_ones[:1]:
        parts = {"datasets": Choice("datasets"), "base_model": base.id}
        steps.append(call_step("plan_model", locale=base.locale, **parts, resource=speech.resource.name))
    return BaseModels(**found.fields(notes), base_models=shown, next_steps=steps)


def _is_available(base: schemas.BaseModel, availability: Availability, now: datetime) -> bool:
    """Return whether a base model can be trained on, or can transcribe, at `now`, the service's time."""
    if availability == "training":
        return is_open(base, now)
    until = base.transcription_until
    return availability == "all" or until is None or until > now


async def _refuse_locale(speech: Speech, locale: str) -> None:
    """Raise Refused with locales that the service offers, preferably of the same language."""
    offered = await speech.models_list_supported_locales()
    language = locale.partition("-")[0]
    near = [other for other in offered if other.partition("-")[0] == language] or offered
    message = f"Resource {speech.resource.name} offers no base model for {locale}."
    fix = f"Offered are, among others: {', '.join(map(word, near[:MAX_OFFERED_LOCALES]))}."
    finding = results.block("locale-match", message, fix)
    raise Refused("Nothing to list.", [finding], "Call again with an offered locale.")


tool = declare(list_base_models, "List base models", Annotations.READ, "models")
