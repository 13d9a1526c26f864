"""list_base_models: what custom models can be trained on."""

from custom_speech_tools.guardrails.resource_rules import clock_note, to_service_time
from custom_speech_tools.runtime import presenters
from custom_speech_tools.runtime.dependencies import Named, WithApp
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.locales import canonical, reading_of
from custom_speech_tools.runtime.parameters import BaseModelLocale, IncludeExpired, Limit, ResourceName, TrainWith
from custom_speech_tools.runtime.results import BaseModel, BaseModels, Finding
from custom_speech_tools.runtime.tool import reads
from custom_speech_tools.speech import Speech
from custom_speech_tools.speech.sanitize import plain


async def list_base_models(
    locale: BaseModelLocale,
    speech: Named,
    connections: WithApp,
    train_with: TrainWith = None,
    include_expired: IncludeExpired = False,
    limit: Limit = 10,
    resource: ResourceName = None,
) -> BaseModels:
    """List Microsoft's base models of a locale, newest first: the data each can be trained with, until when, and
    whether training is charged. Choose `base_model` for create_model from it."""
    listing = await speech.models_list_base_models(locale=canonical(locale))
    if not listing.entities:
        await _refuse_locale(speech, canonical(locale))
    kept = [base for base in listing.entities if set(train_with or ()) <= set(base.trains_with)]
    if not include_expired:
        now = to_service_time(connections.now(), speech.ahead)
        kept = [base for base in kept if base.adaptation_until is None or base.adaptation_until > now]
    note = reading_of(locale) or clock_note(speech.ahead)
    shown = [BaseModel.model_validate(base) for base in presenters.newest_first(kept)[:limit]]
    fields = presenters.listed(speech.resource, listing, kept, len(shown), note)
    return BaseModels(**fields, base_models=shown)


async def _refuse_locale(speech: Speech, locale: str) -> None:
    offered = await speech.models_list_supported_locales()
    language = locale.partition("-")[0]
    near = [other for other in offered if other.partition("-")[0] == language] or offered
    missing = Finding(
        rule="locale-match",
        level="block",
        message=f"Resource {speech.resource.name} offers no base model for {locale}.",
        fix=f"Offered are, among others: {', '.join(map(plain, near[:12]))}.",
    )
    raise Refused("Nothing to list.", [missing], "Call again with an offered locale.")


tool = reads(list_base_models, "List base models")
