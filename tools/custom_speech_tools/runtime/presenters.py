"""From what the service says to what a tool answers. Pure functions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, TypedDict, TypeVar

from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.regions import region
from custom_speech_tools.speech import Speech, SpeechResource, schemas
from custom_speech_tools.speech.paging import Listing


class Dated(Protocol):
    """What has a date of creation."""

    @property
    def created_date_time(self) -> datetime | None: ...


Item = TypeVar("Item", bound=Dated)

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class WhereFields(TypedDict):
    """The fields of `results.Where`."""

    resource: str
    region: str | None
    emulated: bool


class ListedFields(WhereFields):
    """The fields of `results.Listed`."""

    total: int | None
    truncated: str | None
    note: str | None


def where(resource: SpeechResource) -> WhereFields:
    """Which resource an answer is about."""
    return WhereFields(resource=resource.name, region=region(resource), emulated=resource.emulated)


def listed(
    resource: SpeechResource, listing: Listing[schemas.Listed], kept: Sequence[object], shown: int, note: str | None
) -> ListedFields:
    """What a list says of itself: `kept` were left by the caller's conditions, `shown` of them are returned."""
    total = len(kept) if listing.complete else None
    truncated = f"{shown} of {total if total is not None else 'more'}: narrow the filters or raise limit."
    return ListedFields(**where(resource), total=total, truncated=truncated if shown != total else None, note=note)


def newest_first(items: Sequence[Item]) -> list[Item]:
    """The items by date of creation, the newest first; of the same second, the one that the service names last."""
    return sorted(items, key=lambda item: item.created_date_time or _LONG_AGO)[::-1]


def model(
    speech: Speech,
    found: schemas.CustomModel,
    next_steps: list[str],
    *,
    already_existed: bool = False,
    findings: Sequence[results.Finding] = (),
) -> results.Model:
    """A custom model, with the names of its parts as far as the service has already told them."""
    return results.Model(
        **where(speech.resource),
        id=found.id,
        display_name=found.display_name,
        locale=found.locale,
        status=found.status,
        description=found.description,
        base_model=named(speech, found.base_model),
        datasets=[_dataset(speech, part) for part in (found.datasets or [])[: results.MOST_PARTS]],
        project=named(speech, found.project),
        created=found.created_date_time,
        last_action=found.last_action_date_time,
        transcription_until=found.transcription_until,
        error=results.failure(found.error),
        already_existed=already_existed,
        findings=list(findings),
        next_steps=next_steps,
    )


def copied_model(speech: Speech, found: schemas.CustomModel, already_existed: bool) -> results.CopiedModel:
    """A custom model that was copied to the resource."""
    return results.CopiedModel(
        resource=speech.resource.name,
        id=found.id,
        display_name=found.display_name,
        locale=found.locale,
        status=found.status,
        project=named(speech, found.project),
        already_existed=already_existed,
    )


def named(speech: Speech, part: schemas.Reference | None) -> results.Named | None:
    """A part of an entity, with its name where it is known."""
    if part is None:
        return None
    seen = speech.seen.get(part.id)
    return results.Named(id=part.id, display_name=seen.display_name if seen else None)


def _dataset(speech: Speech, part: schemas.Reference) -> results.NamedDataset:
    seen = speech.seen.get(part.id)
    kind = seen.kind if isinstance(seen, schemas.Dataset) else None
    return results.NamedDataset(id=part.id, display_name=seen.display_name if seen else None, kind=kind)
