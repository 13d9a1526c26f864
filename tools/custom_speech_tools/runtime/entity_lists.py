"""Lists: entities of one resource or of all, newest first, never cut off silently."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused, next_step_after
from custom_speech_tools.runtime.next_steps import Choice, Value, call_step
from custom_speech_tools.runtime.parameters import ListArguments
from custom_speech_tools.runtime.related_entities import Entities, read_related
from custom_speech_tools.runtime.results import Finding, ResourceFields, Result, Unread, resource_fields
from custom_speech_tools.speech import Speech, SpeechError, paging, schemas
from custom_speech_tools.speech.paging import Listing
from custom_speech_tools.speech.tasks_and_threads import gather, task_group

ALL_RESOURCES = "*"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

Read = TypeVar("Read")
Entity = TypeVar("Entity", bound=schemas.Entity)
Row = TypeVar("Row", bound=Result)


class ListFields(ResourceFields):
    """The fields that all lists share, apart from their items and next steps."""

    total: int | None
    truncated: str | None
    note: str | None
    unread: list[Unread]


@dataclass(frozen=True, slots=True)
class EntityList(Generic[Entity]):
    """The entities that a list asks for."""

    call: CallContext
    arguments: ListArguments
    answered: Sequence[Speech]  # the resources that were read
    kept: Sequence[tuple[Speech, Entity]]  # those that meet the caller's conditions, newest first
    unread: list[Unread]  # resources whose entities may be missing

    @property
    def shown(self) -> Sequence[tuple[Speech, Entity]]:
        """The entities that are returned."""
        return self.kept[: self.arguments.limit]

    @property
    def resource(self) -> str:
        """The resource as it was asked for, `*` for all."""
        return self.arguments.resource or self.call.app.default

    @property
    def first_resource(self) -> str:
        """The resource of the first entity; without any the one that was asked for, or the default one."""
        asked = self.call.app.default if self.resource == ALL_RESOURCES else self.resource
        return self.shown[0][0].resource.name if self.shown else asked

    def step(self, tool: str, argument: str, noun: str) -> str:
        """Return the call of a tool for the only entity that is shown, or for one that the caller chooses."""
        entity: Value = Choice(noun)
        resource: Value = Choice("its resource") if self.resource == ALL_RESOURCES else self.resource
        if len(self.shown) == 1:
            entity, resource = self.shown[0][1].id, self.first_resource
        return call_step(tool, **{argument: entity}, resource=resource)

    def fields(self, notes: Iterable[str | None] = ()) -> ListFields:
        """Return what the list says about itself."""
        return list_fields(self.call, self.arguments, self.kept, self.unread, notes)

    async def rows(
        self,
        present: Callable[[Entity, Entities], Row],
        parts_of: Callable[[Entity], Iterable[schemas.Reference | None]] = lambda _: (),
    ) -> list[Row]:
        """Return the items, whose parts are read first; only a list of all resources names the resource of each."""
        wanted: dict[Speech, list[schemas.Reference | None]] = {}
        for speech, entity in self.shown:
            wanted.setdefault(speech, []).extend(parts_of(entity))
        read = await gather(*(read_related(speech, parts) for speech, parts in wanted.items()))
        parts = dict(zip(wanted, read, strict=True))
        rows = [(speech.resource.name, present(entity, parts[speech])) for speech, entity in self.shown]
        is_named = self.resource == ALL_RESOURCES
        return [row.model_copy(update={"resource": name}) if is_named else row for name, row in rows]


async def list_entities(
    call: CallContext,
    arguments: ListArguments,
    operation: Callable[..., Coroutine[Any, Any, Listing[Entity]]],
    keep: Callable[[Entity], bool] = lambda _: True,
    *,
    parts: Sequence[Callable[[Speech], Coroutine[Any, Any, schemas.Entity | Finding | None]]] = (),
    locale: str | None = None,
    **filters: str | None,
) -> EntityList[Entity]:
    """List entities of the named resource, or of all resources for `*`; raises a SpeechError of the only resource.

    Args:
        keep: The conditions of the caller by which the service cannot filter.
        parts: Each finds what the entities must name, such as a project; None if nothing is asked for.
        locale: A locale or a language.
        filters: The conditions by which the service filters.

    Raises:
        SpeechError: The only resource did not answer.
        Refused: No resource has that name, or what the entities must name.
    """

    async def read(speech: Speech) -> tuple[Speech, Listing[Entity], list[Finding]]:
        async with task_group() as tasks:
            listing = tasks.create_task(operation(speech, locale=exact_locale(locale), **filters))
            named = [tasks.create_task(find(speech)) for find in parts]
        wanted = [one.return_value for one in named]
        missing = [one for one in wanted if isinstance(one, Finding)]
        ids = {one.id for one in wanted if isinstance(one, schemas.Entity)}
        kept = [one for one in listing.return_value.entities if not missing and ids <= {part.id for part in one.parts}]
        return speech, replace(listing.return_value, entities=kept), missing

    answers, unread = await read_resources(call, arguments.resource, read)
    missing = [one for _, _, findings in answers for one in findings]
    # Another resource may have what one lacks, but an ambiguous name is never left out.
    if any(one.remedy == "choose" for one in missing) or (not unread and all(findings for *_, findings in answers)):
        raise Refused("Nothing to list.", missing, "Call again with a reference that exists.")
    found = [(speech, listing) for speech, listing, _ in answers]
    kept = [
        (speech, entity)
        for speech, listing in found
        for entity in listing.entities
        if matches_locale(entity.locale, locale) and keep(entity)
    ]
    kept = sorted(kept, key=lambda pair: pair[1].created_date_time or _LONG_AGO)[::-1]
    cut = [incomplete_list(speech) for speech, listing in found if not listing.complete]
    return EntityList(call, arguments, [speech for speech, _ in found], kept, unread + cut)


async def read_resources(
    call: CallContext, resource: str | None, fetch: Callable[[Speech], Coroutine[Any, Any, Read]]
) -> tuple[list[Read], list[Unread]]:
    """Read from the named resource, or from all concurrently for `*`; of these one that does not answer is unread."""
    if resource != ALL_RESOURCES:
        return [await fetch(call.speech(resource))], []

    async def attempt(speech: Speech) -> Read | Unread:
        try:
            return await fetch(speech)
        except SpeechError as error:
            return Unread(resource=speech.resource.name, reason=f"{error} {next_step_after(error)}")

    outcomes = await gather(*(attempt(speech) for speech in call.speech_of_all()))
    unread = [one for one in outcomes if isinstance(one, Unread)]
    return [one for one in outcomes if not isinstance(one, Unread)], unread


def incomplete_list(speech: Speech) -> Unread:
    """Return that a resource was not read to the end."""
    read = f"Only the first {paging.MAX_PAGES} pages of the service's list were read"
    return Unread(resource=speech.resource.name, reason=f"{read}; filter by locale, status or name.")


def list_fields(
    call: CallContext,
    arguments: ListArguments,
    kept: Sequence[object],
    unread: list[Unread],
    notes: Iterable[str | None] = (),
) -> ListFields:
    """Return what a list says about itself, of which `kept` are all items that meet the caller's conditions."""
    emulated = all(speech.is_emulated for speech in call.app.resources.values())
    where = ResourceFields(resource=ALL_RESOURCES, region=None, emulated=emulated)
    if arguments.resource != ALL_RESOURCES:
        where = resource_fields(call.speech(arguments.resource))
    truncated = f"{arguments.limit} of {len(kept)}: narrow the filters or raise limit."
    return ListFields(
        **where,
        total=None if unread else len(kept),
        truncated=truncated if arguments.limit < len(kept) else None,
        note=" ".join(filter(None, notes)) or None,
        unread=unread,
    )


def newest_first(items: Iterable[Entity]) -> list[Entity]:
    """Return the items by date of creation, newest first; of equal dates, the last one of the service first."""
    return sorted(items, key=lambda item: item.created_date_time or _LONG_AGO)[::-1]


def matches_locale(locale: str, wanted: str | None) -> bool:
    """Return whether a locale is the wanted one, or belongs to the wanted language (`de` for `de-AT`)."""
    if wanted is None or locale.lower() == wanted.lower():
        return True
    return "-" not in wanted and locale.lower().startswith(f"{wanted.lower()}-")


def exact_locale(wanted: str | None) -> str | None:
    """Return the locale by which the service can filter; None for a language, which it cannot."""
    return wanted if wanted and "-" in wanted else None
