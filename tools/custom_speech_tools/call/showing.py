"""From what the service says to what a tool answers. Pure functions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, TypedDict, TypeVar

from custom_speech_tools.call import results
from custom_speech_tools.call.regions import region
from custom_speech_tools.speech import Speech, SpeechResource, wire
from custom_speech_tools.speech.paging import Listing


class Dated(Protocol):
    """What has a date of creation."""

    @property
    def created_date_time(self) -> datetime | None: ...


Item = TypeVar("Item", bound=Dated)
MOST_PARTS = 100
"""Parts of one thing that are shown: as many datasets as a model can be made from here."""

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
    resource: SpeechResource, listing: Listing[wire.Listed], kept: Sequence[object], shown: int, note: str | None
) -> ListedFields:
    """What a list says of itself: `kept` were left by the caller's conditions, `shown` of them are returned."""
    total = len(kept) if listing.complete else None
    truncated = f"{shown} of {total if total is not None else 'more'}: narrow the filters or raise limit."
    return ListedFields(**where(resource), total=total, truncated=truncated if shown != total else None, note=note)


def newest_first(items: Sequence[Item]) -> list[Item]:
    """The items by date of creation, the newest first; of the same second, the one that the service names last."""
    return sorted(items, key=lambda item: item.created_date_time or _LONG_AGO)[::-1]


def failure(error: wire.EntityError | None) -> results.Failure | None:
    """The service's reason for a failure."""
    return None if error is None else results.Failure(code=error.code, message=error.message)


def base_model(base: wire.BaseModel) -> results.BaseModel:
    """A base model."""
    return results.BaseModel(
        id=base.id,
        display_name=base.display_name,
        locale=base.locale,
        created=base.created_date_time,
        trains_with=base.trains_with[:MOST_PARTS],
        adaptation_until=base.adaptation_until,
        transcription_until=base.transcription_until,
        training_is_charged=base.training_is_charged,
    )


def listed_model(model: wire.CustomModel) -> results.ListedModel:
    """A custom model in a list."""
    return results.ListedModel(
        id=model.id,
        display_name=model.display_name,
        locale=model.locale,
        status=model.status,
        created=model.created_date_time,
        transcription_until=model.transcription_until,
    )


def project(found: wire.Project) -> results.Project:
    """A project in a list."""
    return results.Project(
        id=found.id,
        display_name=found.display_name,
        locale=found.locale,
        description=found.description,
        created=found.created_date_time,
    )


def dataset(found: wire.Dataset) -> results.Dataset:
    """A dataset in a list."""
    return results.Dataset(
        id=found.id,
        display_name=found.display_name,
        locale=found.locale,
        kind=found.kind,
        status=found.status,
        lines=found.lines,
        audio_hours=round(found.audio_seconds / 3600, 2) if found.audio_seconds else None,
        created=found.created_date_time,
        error=failure(found.error),
    )


def model(
    speech: Speech,
    found: wire.CustomModel,
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
        datasets=[_dataset(speech, part) for part in (found.datasets or [])[:MOST_PARTS]],
        project=named(speech, found.project),
        created=found.created_date_time,
        last_action=found.last_action_date_time,
        transcription_until=found.transcription_until,
        error=failure(found.error),
        already_existed=already_existed,
        findings=list(findings),
        next_steps=next_steps,
    )


def copied_model(speech: Speech, found: wire.CustomModel, already_existed: bool) -> results.CopiedModel:
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


def named(speech: Speech, part: wire.Reference | None) -> results.Named | None:
    """A part of an entity, with its name where it is known."""
    if part is None:
        return None
    seen = speech.seen.get(part.id)
    return results.Named(id=part.id, display_name=seen.display_name if seen else None)


def _dataset(speech: Speech, part: wire.Reference) -> results.NamedDataset:
    seen = speech.seen.get(part.id)
    kind = seen.kind if isinstance(seen, wire.Dataset) else None
    return results.NamedDataset(id=part.id, display_name=seen.display_name if seen else None, kind=kind)
