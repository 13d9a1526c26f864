"""Lists: one resource or all of them, newest first, never cut off silently."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypedDict, TypeVar

from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import next_step_after
from custom_speech_tools.runtime.resources import ResourceFields, resource_fields
from custom_speech_tools.runtime.results import Result, Unread
from custom_speech_tools.speech import Speech, SpeechError, paging, schemas
from custom_speech_tools.speech.concurrency import gather
from custom_speech_tools.speech.paging import Listing

ALL_RESOURCES = "*"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Created(Protocol):
    """Anything with a date of creation."""

    @property
    def created_date_time(self) -> datetime | None:
        """The date of creation."""
        ...


Item = TypeVar("Item", bound=Created)
Entity = TypeVar("Entity", bound=schemas.Entity)
Shown = TypeVar("Shown", bound=Result)


class ListFields(TypedDict):
    """The fields that all lists share, apart from their items and next steps."""

    resource: str
    region: str | None
    emulated: bool
    total: int | None
    truncated: str | None
    note: str | None
    unread: list[Unread]


@dataclass(frozen=True, slots=True)
class Found(Generic[Entity]):
    """The entities of one resource."""

    speech: Speech
    listing: Listing[Entity]


@dataclass(frozen=True, slots=True)
class FoundInAll(Generic[Entity]):
    """The entities of one resource or of all; `unread` names resources whose entities may be missing."""

    found: list[Found[Entity]]
    unread: list[Unread]

    def items(self) -> list[tuple[Speech, Entity]]:
        """Return every entity with its resource, the newest first."""
        pairs = [(found.speech, entity) for found in self.found for entity in found.listing.entities]
        return sorted(pairs, key=lambda pair: pair[1].created_date_time or _LONG_AGO)[::-1]


async def list_from(
    call: CallContext,
    resource: str | None,
    fetch: Callable[[Speech], Coroutine[Any, Any, Listing[Entity]]],
) -> FoundInAll[Entity]:
    """List entities of the named resource, or of all resources for `*`, concurrently.

    Raises:
        SpeechError: The only resource did not answer; with `*` a resource that does not answer is `unread`.
        Refused: No resource has that name.
    """
    if resource != ALL_RESOURCES:
        speech = call.speech(resource)
        outcomes: list[Found[Entity] | Unread] = [Found(speech, await fetch(speech))]
    else:
        outcomes = await gather(*(_attempt(speech, fetch) for speech in call.speech_of_all()))
    found = [outcome for outcome in outcomes if isinstance(outcome, Found)]
    unread = [outcome for outcome in outcomes if isinstance(outcome, Unread)]
    return FoundInAll(found, unread + [_cut_off(one) for one in found if not one.listing.complete])


def _cut_off(found: Found[Entity]) -> Unread:
    reason = (
        f"Only the first {paging.MAX_PAGES} pages of the service's list were read; filter by locale, status or name."
    )
    return Unread(resource=found.speech.resource.name, reason=reason)


async def _attempt(
    speech: Speech, fetch: Callable[[Speech], Coroutine[Any, Any, Listing[Entity]]]
) -> Found[Entity] | Unread:
    try:
        return Found(speech, await fetch(speech))
    except SpeechError as error:
        return Unread(resource=speech.resource.name, reason=f"{error} {next_step_after(error)}")


def list_fields(
    call: CallContext,
    resource: str | None,
    found: FoundInAll[Entity],
    kept: Sequence[object],
    shown: int,
    notes: Iterable[str | None] = (),
) -> ListFields:
    """Return what a list says about itself.

    Args:
        kept: The items that meet the caller's conditions.
        shown: How many of them are returned.
    """
    truncated = f"{shown} of {len(kept)}: narrow the filters or raise limit."
    emulated = all(speech.is_emulated for speech in call.app.resources.values())
    everywhere = ResourceFields(resource=ALL_RESOURCES, region=None, emulated=emulated)
    where = everywhere if resource == ALL_RESOURCES else resource_fields(call.speech(resource))
    return ListFields(
        resource=where["resource"],
        region=where["region"],
        emulated=where["emulated"],
        total=None if found.unread else len(kept),
        truncated=truncated if shown < len(kept) else None,
        note=" ".join(filter(None, notes)) or None,
        unread=found.unread,
    )


def newest_first(items: Iterable[Item]) -> list[Item]:
    """Return the items by date of creation, newest first; of equal dates, the last one of the service first."""
    return sorted(items, key=lambda item: item.created_date_time or _LONG_AGO)[::-1]


def present_items(
    shown: type[Shown], items: Iterable[tuple[Speech, schemas.Entity]], resource: str | None
) -> list[Shown]:
    """Return the items as a list shows them; only a list of all resources names the resource of each item."""
    results = [(speech, shown.model_validate(entity)) for speech, entity in items]
    if resource != ALL_RESOURCES:
        return [item for _, item in results]
    return [item.model_copy(update={"resource": speech.resource.name}) for speech, item in results]


def matches_locale(locale: str, wanted: str | None) -> bool:
    """Return whether a locale is the wanted one, or belongs to the wanted language (`de` for `de-AT`)."""
    if wanted is None or locale.lower() == wanted.lower():
        return True
    return "-" not in wanted and locale.lower().startswith(f"{wanted.lower()}-")


def exact_locale(wanted: str | None) -> str | None:
    """Return the locale by which the service can filter; None for a language, which it cannot."""
    return wanted if wanted and "-" in wanted else None
