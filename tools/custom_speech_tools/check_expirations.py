"""check_expirations: report expiring endpoints, models and base models on all resources."""

from collections import Counter
from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.expiration_facts import gather_expiration_facts
from custom_speech_tools.presenters.expiration import Expiration, present_expirations
from custom_speech_tools.runtime import entity_lists
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import call_step, fit_steps
from custom_speech_tools.runtime.parameters import Limits, ListArguments, LocaleFilter, ResourceText
from custom_speech_tools.runtime.results import Listing, Moment, Unread
from custom_speech_tools.runtime.tool import Annotations, declare


class CheckExpirationsArguments(ListArguments):
    """The arguments of check_expirations."""

    within_days: Annotated[int, Limits(1, 3650), Field(description="Days to look ahead, 1 to 3650")] = 365
    locale: LocaleFilter = None
    resource: Annotated[ResourceText | None, Field(description="Resource name; default: all resources")] = (
        entity_lists.ALL_RESOURCES
    )


class Expirations(Listing):
    """The expirations, soonest first, and their number per month."""

    items: list[Expiration]
    per_month: dict[str, int]
    now: Moment


async def check_expirations(arguments: CheckExpirationsArguments, call: CallContext) -> Expirations:
    """Report what expires on any resource: endpoints, custom models, and base models that close for training.

    Each item has its date, its effect and the call that prevents it, soonest first. Base models that no custom model
    uses are listed only with `locale`.
    """
    days, locale = arguments.within_days, arguments.locale
    facts, unread = await entity_lists.read_resources(
        call, arguments.resource, lambda speech: gather_expiration_facts(call, speech, days, locale)
    )
    unread += [entity_lists.incomplete_list(one.speech) for one in facts if not one.is_complete]
    unread += [
        Unread(resource=one.speech.resource.name, reason=f"The ends of {number} model(s) could not be read.")
        for one in facts
        if (number := one.count_unknown_dates())
    ]
    ordered = present_expirations(facts)
    missing = call.app.missing_tools
    items = [one.model_copy(update={"call": fit_steps([one.call], missing)[0]}) for one in ordered[: arguments.limit]]
    first = sum(one.ends.date() == ordered[0].ends.date() for one in ordered)
    notes = [f"{first} items end on the first day, {ordered[0].ends:%Y-%m-%d}."] if first > 1 else []
    if locale is None and ordered:
        notes.append("Base models that no custom model uses are not listed; with locale they are.")
    steps = [item.call for item in items[:3]]
    if facts and not items:
        resources = f" of {', '.join(one.speech.resource.name for one in facts)}" if unread else ""
        steps = [f"Nothing{resources} ends within {days} day(s)."]
        if (longer := min(3650, 2 * days)) > days:
            steps.append(call_step("check_expirations", within_days=longer, locale=locale))
    return Expirations(
        **entity_lists.list_fields(call, arguments, ordered, unread, notes),
        items=items,
        per_month=dict(sorted(Counter(f"{one.ends:%Y-%m}" for one in ordered).items())),
        now=facts[0].now if facts else call.app.now(),
        next_steps=steps,
    )


tool = declare(check_expirations, "Check what expires", Annotations.READ, "lifecycle")
