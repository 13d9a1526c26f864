"""check_expirations: report what stops working, and when, on all resources."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from custom_speech_tools.guardrails.expirations import Expiration, ExpirationFacts, soonest_first
from custom_speech_tools.runtime import entity_lists
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import call_step, fit_steps
from custom_speech_tools.runtime.parameters import Limits, ListArguments, LocaleFilter, ResourceText
from custom_speech_tools.runtime.related_entities import read_related
from custom_speech_tools.runtime.results import Listing, Moment, Unread
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import Speech
from custom_speech_tools.speech.paging import Listing as Entities
from custom_speech_tools.speech.tasks_and_threads import task_group


class CheckExpirationsArguments(ListArguments):
    """The arguments of check_expirations."""

    within_days: Annotated[int, Limits(1, 3650), Field(description="Days to look ahead, 1 to 3650")] = 365
    locale: LocaleFilter = None
    resource: Annotated[ResourceText | None, Field(description="Resource name; default: all resources")] = (
        entity_lists.ALL_RESOURCES
    )


class Expirations(Listing):
    """Everything that ends, soonest first, and the number of items per month."""

    items: list[Expiration]
    per_month: dict[str, int]
    now: Moment


async def check_expirations(arguments: CheckExpirationsArguments, call: CallContext) -> Expirations:
    """Check what stops working on all resources: endpoints, custom models, and base models that close for training.

    Each item has its date, its effect and the call to make before. Soonest first. Base models that no custom model
    uses are listed only with `locale`.
    """
    facts, unread = await entity_lists.read_resources(
        call, arguments.resource, lambda speech: _read(call, speech, arguments)
    )
    unread += [entity_lists.incomplete_list(one.speech) for one in facts if not one.is_complete]
    unread += [
        Unread(resource=one.speech.resource.name, reason=f"The ends of {number} model(s) could not be read.")
        for one in facts
        if (number := one.unknown_dates())
    ]
    ordered = soonest_first(one for each in facts for one in each.find())
    missing = call.app.missing_tools
    items = [one.model_copy(update={"call": fit_steps([one.call], missing)[0]}) for one in ordered[: arguments.limit]]
    first = sum(one.ends.date() == ordered[0].ends.date() for one in ordered)
    notes = [f"{first} items end on the first day, {ordered[0].ends:%Y-%m-%d}."] if first > 1 else []
    if arguments.locale is None and ordered:
        notes.append("Base models that no custom model uses are not listed; with locale they are.")
    steps = [item.call for item in items[:3]]
    if facts and not items:
        resources = f" of {', '.join(one.speech.resource.name for one in facts)}" if unread else ""
        steps = [f"Nothing{resources} ends within {arguments.within_days} day(s)."]
        if (longer := min(3650, 2 * arguments.within_days)) > arguments.within_days:
            steps.append(call_step("check_expirations", within_days=longer, locale=arguments.locale))
    return Expirations(
        **entity_lists.list_fields(call, arguments, ordered, unread, notes),
        items=items,
        per_month=dict(sorted(Counter(f"{one.ends:%Y-%m}" for one in ordered).items())),
        now=facts[0].now if facts else call.app.now(),
        next_steps=steps,
    )


async def _read(call: CallContext, speech: Speech, arguments: CheckExpirationsArguments) -> ExpirationFacts:
    locale, exact = arguments.locale, entity_lists.exact_locale(arguments.locale)
    async with task_group() as tasks:
        models_task = tasks.create_task(speech.models_list_custom_models(locale=exact))
        endpoints_task = tasks.create_task(speech.endpoints_list(locale=exact))
    listings: list[Entities[Any]] = [models_task.return_value, endpoints_task.return_value]
    models = [one for one in models_task.return_value.entities if entity_lists.matches_locale(one.locale, locale)]
    endpoints = [one for one in endpoints_task.return_value.entities if entity_lists.matches_locale(one.locale, locale)]
    # A filter by language is a list of all locales; without a filter only the locales in use are read.
    locales = [exact] if locale else sorted({model.locale for model in models})
    now = call.now(speech)  # the service's clock, which its answers have told
    until = now + timedelta(days=arguments.within_days)
    ending = [one for one in models if one.transcription_until and one.transcription_until <= until]
    async with task_group() as tasks:
        base_lists = [tasks.create_task(speech.models_list_base_models(locale=one)) for one in locales]
        datasets = tasks.create_task(read_related(speech, [part for one in ending for part in one.datasets or []]))
    listings += [one.return_value for one in base_lists]
    bases = [base for one in base_lists for base in one.return_value.entities]
    named = [*(one.model for one in endpoints), *(one.base_model for one in models)]
    parts = await read_related(speech, named, [*models, *bases, *datasets.return_value.values()])
    listed = [one for one in bases if entity_lists.matches_locale(one.locale, locale)]
    is_complete, includes_unused = all(one.complete for one in listings), locale is not None
    return ExpirationFacts(speech, models, endpoints, listed, parts, now, until, includes_unused, is_complete)


tool = declare(check_expirations, "Check what expires", Annotations.READ, "lifecycle")
