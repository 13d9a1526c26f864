"""Lists of entities from one or all resources, newest first; truncation is always reported."""

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
    """The fields that all lists share, without their items and next steps."""

    total: int | None
    truncated: str | None
    note: str | None
    unread: list[Unread]


@dataclass(frozen=True, slots=True)
class EntityList(Generic[Entity]):
    """The result of listing entities."""

    call: CallContext
    arguments: ListArguments
    resource: str  # the requested resource, or `*` for all
    answered: Sequence[Speech]  # the resources that were read
    matches: Sequence[tuple[Speech, Entity]]  # all matching entities with their resources, newest first
    unread: list[Unread]  # resources whose entities may be missing

    @property
    def shown(self) -> Sequence[tuple[Speech, Entity]]:
        """The entities within the limit."""
        return self.matches[: self.arguments.limit]

    @property
    def single_resource(self) -> str:
        """The requested resource, or the default resource if all were requested."""
        return self.call.app.default if self.resource == ALL_RESOURCES else self.resource

    def step(self, tool: str, argument: str, noun: str) -> str:
        """Return a next step for the only entity shown, or for an entity that the caller chooses."""
        entity: Value = Choice(noun)
        resource: Value = Choice("its resource") if self.resource == ALL_RESOURCES else self.resource
        if len(self.shown) == 1:
            entity, resource = self.shown[0][1].id, self.shown[0][0].resource.name
        return call_step(tool, **{argument: entity}, resource=resource)

    def fields(self, notes: Iterable[str | None] = ()) -> ListFields:
        """Return the fields that all lists share."""
        return list_fields(self.call, self.arguments, self.matches, self.unread, notes)

    async def rows(
        self,
        present: Callable[[Entity, Entities], Row],
        references_of: Callable[[Entity], Iterable[schemas.Reference | None]] = lambda _: (),
    ) -> list[Row]:
        """Read the related entities and return the rows, in lists of all resources with the resource of each."""
        references: dict[Speech, list[schemas.Reference | None]] = {}
        for speech, entity in self.shown:
            references.setdefault(speech, []).extend(references_of(entity))
        read = await gather(*(read_related(speech, some) for speech, some in references.items()))
        related = dict(zip(references, read, strict=True))
        rows = [(speech.resource.name, present(entity, related[speech])) for speech, entity in self.shown]
        is_named = self.resource == ALL_RESOURCES
        return [row.model_copy(update={"resource": name}) if is_named else row for name, row in rows]


async def list_entities(
    call: CallContext,
    arguments: ListArguments,
    operation: Callable[..., Coroutine[Any, Any, Listing[Entity]]],
    keep: Callable[[Entity], bool] = lambda _: True,
    *,
    referenced: Sequence[Callable[[Speech], Coroutine[Any, Any, schemas.Entity | Finding | None]]] = (),
    locale: str | None = None,
    **filters: str | None,
) -> EntityList[Entity]:
    """List the entities of the requested resource, or of all resources for `*`.

    Args:
        keep: The conditions that the service cannot check.
        referenced: Functions that find entities to which the listed entities must refer, such as a project, or return
            None if there is no such condition.
        locale: A locale or a language.
        filters: The conditions that the service checks.

    Raises:
        SpeechError: The only resource did not answer.
        Refused: No resource has the name, or a referenced entity was not found.
    """

    async def read(speech: Speech) -> tuple[Speech, Listing[Entity], list[Finding]]:
        async with task_group() as tasks:
            listing = tasks.create_task(operation(speech, locale=exact_locale(locale), **filters))
            named = [tasks.create_task(find(speech)) for find in referenced]
        results = [one.return_value for one in named]
        missing = [one for one in results if isinstance(one, Finding)]
        ids = {one.id for one in results if isinstance(one, schemas.Entity)}
        kept = [one for one in listing.return_value.entities if not missing and ids <= {part.id for part in one.parts}]
        return speech, replace(listing.return_value, entities=kept), missing

    answers, unread = await read_resources(call, arguments.resource, read)
    missing = [one for _, _, findings in answers for one in findings]
    # Another resource may have the entity that one resource lacks, but an ambiguous name is always reported.
    if any(one.remedy == "choose" for one in missing) or (not unread and all(findings for *_, findings in answers)):
        raise Refused("Nothing to list.", missing, "Call again with a reference that exists.")
    matches = [
        (speech, entity)
        for speech, listing, _ in answers
        for entity in listing.entities
        if matches_locale(entity.locale, locale) and keep(entity)
    ]
    matches = sorted(matches, key=lambda pair: pair[1].created_date_time or _LONG_AGO)[::-1]
    unread += [incomplete_list(speech) for speech, listing, _ in answers if not listing.complete]
    resource = arguments.resource or call.app.default
    return EntityList(call, arguments, resource, [speech for speech, *_ in answers], matches, unread)


async def read_resources(
    call: CallContext, resource: str | None, fetch: Callable[[Speech], Coroutine[Any, Any, Read]]
) -> tuple[list[Read], list[Unread]]:
    """Read from one resource, or for `*` from all concurrently; resources that do not answer are returned as unread."""
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
    """Return an Unread entry for a resource whose list is incomplete."""
    read = f"Only the first {paging.MAX_PAGES} pages of the service's list were read"
    return Unread(resource=speech.resource.name, reason=f"{read}; filter by locale, status or name.")


def list_fields(
    call: CallContext,
    arguments: ListArguments,
    matches: Sequence[object],
    unread: list[Unread],
    notes: Iterable[str | None] = (),
) -> ListFields:
    """Return the fields that all lists share, given all matching items, including those beyond the limit."""
    emulated = all(speech.is_emulated for speech in call.app.resources.values())
    where = ResourceFields(resource=ALL_RESOURCES, region=None, emulated=emulated)
    if arguments.resource != ALL_RESOURCES:
        where = resource_fields(call.speech(arguments.resource))
    truncated = f"{arguments.limit} of {len(matches)}: narrow the filters or raise limit."
    return ListFields(
        **where,
        total=None if unread else len(matches),
        truncated=truncated if arguments.limit < len(matches) else None,
        note=" ".join(filter(None, notes)) or None,
        unread=unread,
    )


def newest_first(items: Iterable[Entity]) -> list[Entity]:
    """Sort entities by creation date, newest first; equal dates are in reverse order of the service."""
    return sorted(items, key=lambda item: item.created_date_time or _LONG_AGO)[::-1]


def matches_locale(locale: str, locale_filter: str | None) -> bool:
    """Return whether a locale matches a filter, which is a locale or a language (`de` for `de-AT`)."""
    if locale_filter is None or locale.lower() == locale_filter.lower():
        return True
    return "-" not in locale_filter and locale.lower().startswith(f"{locale_filter.lower()}-")


def exact_locale(locale_filter: str | None) -> str | None:
    """Return the locale to filter by on the service, or None if the filter is a language."""
    return locale_filter if locale_filter and "-" in locale_filter else None
