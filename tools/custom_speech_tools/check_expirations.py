"""check_expirations: what stops working, and when, on all resources."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from custom_speech_tools.guardrails.expirations import Expiration, find_expirations, soonest_first
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.locales import exact_locale, matches_locale
from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.parameters import Arguments, Limits, LocaleFilter, ResourceNameOrAll
from custom_speech_tools.runtime.presenters.lists import ALL_RESOURCES, Found, list_fields, list_from
from custom_speech_tools.runtime.presenters.references import load_references
from custom_speech_tools.runtime.results import Day, Listing, Moment, Result, Sentence, ServiceText
from custom_speech_tools.runtime.tool import Effect, declare
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import task_group
from custom_speech_tools.speech.paging import Listing as Entities

MAX_ITEMS = 100


class CheckExpirationsArguments(Arguments):
    """The arguments of check_expirations."""

    within_days: Annotated[int, Limits(1, 3650), Field(description="Days to look ahead, 1 to 3650")] = 365
    locale: LocaleFilter = None
    resource: ResourceNameOrAll = ALL_RESOURCES


class Item(Result):
    """Something that ends: what it is, when, what happens then, and the call that prevents it."""

    what: ServiceText
    id: str
    kind: str
    resource: str
    ends: Day
    effect: Sentence
    action: Sentence
    call: Sentence


class Expirations(Listing):
    """Everything that ends, soonest first, and the number of items per month."""

    items: list[Item]
    per_month: dict[str, int]
    now: Moment


async def check_expirations(arguments: CheckExpirationsArguments, call: CallContext) -> Expirations:
    """Check what stops working on all resources: endpoints, custom models, and base models that close for training.

    Each item has its date, its effect and the call to make before. Soonest first.
    """
    found = await list_from(call, arguments.resource, lambda speech: _read(speech, arguments.locale))
    ordered = soonest_first([one for each in found.found for one in _expirations(call, each, arguments)])
    items = [
        Item(
            what=one.entity.display_name,
            id=one.entity.id,
            kind=one.kind,
            resource=one.resource,
            ends=one.ends,
            effect=one.effect,
            action=one.action,
            call=one.call,
        )
        for one in ordered[:MAX_ITEMS]
    ]
    nothing = f"Nothing ends within {arguments.within_days} day(s)."
    return Expirations(
        **list_fields(call, arguments.resource, found, ordered, len(items)),
        items=items,
        per_month=dict(sorted(Counter(f"{one.ends:%Y-%m}" for one in ordered).items())),
        now=call.now(found.found[0].speech if found.found else call.speech(None)),
        next_steps=[one.call for one in items[:3]]
        or [nothing, call_step("check_expirations", within_days=2 * arguments.within_days)],
    )


def _expirations(call: CallContext, found: Found[Any], arguments: CheckExpirationsArguments) -> Iterator[Expiration]:
    speech = found.speech
    kept = [one for one in found.listing.entities if matches_locale(one.locale, arguments.locale)]
    models = [one for one in kept if isinstance(one, schemas.CustomModel)]
    endpoints = [one for one in kept if isinstance(one, schemas.Endpoint)]
    return find_expirations(speech, models, endpoints, call.now(speech) + timedelta(days=arguments.within_days))


async def _read(speech: Speech, locale: str | None) -> Entities[Any]:
    """Return the custom models and the endpoints of a resource, and read the parts whose dates are needed."""
    exact = exact_locale(locale)
    async with task_group() as tasks:
        models_task = tasks.create_task(speech.models_list_custom_models(locale=exact))
        endpoints_task = tasks.create_task(speech.endpoints_list(locale=exact))
    models, endpoints = models_task.return_value, endpoints_task.return_value
    await load_references(
        speech, [*(one.model for one in endpoints.entities), *(one.base_model for one in models.entities)]
    )
    is_complete = models.complete and endpoints.complete
    return Entities([*models.entities, *endpoints.entities], complete=is_complete)


tool = declare(check_expirations, "Check what expires", Effect.READ, "lifecycle")
