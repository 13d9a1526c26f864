"""Entities in answers: the fields that they share, and their parts by name, each read once in a call."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from custom_speech_tools.runtime.polling import check_again_after, expected_seconds, is_terminal
from custom_speech_tools.runtime.results import MAX_PARTS, DatasetReference, EntityReference, Failure, present_failure
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.paging import Listing
from custom_speech_tools.speech.service_urls import entity_of
from custom_speech_tools.speech.task_groups import gather, task_group

Entities = Mapping[str, schemas.Entity]  # what a call has read, by id, without what could not be read

_READERS: dict[str, Callable[[Speech, str], Awaitable[schemas.Entity]]] = {
    "models/base": Speech.models_get_base_model,
    "models": Speech.models_get_custom_model,
    "projects": Speech.projects_get,
    "datasets": Speech.datasets_get,
}
_LISTS: dict[type[schemas.StatefulEntity], Callable[..., Awaitable[Listing[Any]]]] = {
    schemas.CustomModel: Speech.models_list_custom_models,
    schemas.Dataset: Speech.datasets_list,
    schemas.Evaluation: Speech.evaluations_list,
    schemas.Transcription: Speech.transcriptions_list,
}


class ResourceFields(TypedDict):
    """The fields of `ResourceAnswer`."""

    resource: str
    region: str | None
    emulated: bool


def resource_fields(speech: Speech) -> ResourceFields:
    """Return the fields of an answer about its resource."""
    resource = speech.resource
    return ResourceFields(resource=resource.name, region=resource.known_region, emulated=speech.is_emulated)


class EntityFields(ResourceFields):
    """The fields that answers about one model, dataset, evaluation or endpoint share."""

    id: str
    display_name: str
    locale: str
    status: str
    created: datetime | None
    last_action: datetime | None
    error: Failure | None
    now: datetime
    check_again_after_seconds: int | None


async def read_related(
    speech: Speech, references: Iterable[schemas.Reference | None], known: Iterable[object] = ()
) -> Entities:
    """Read entities, each by one concurrent request, except those that the call has read already."""

    async def read(part: schemas.Reference) -> schemas.Entity | None:
        address = entity_of(part.uri)
        if address is None or address.kind not in _READERS:
            return None
        try:
            return await _READERS[address.kind](speech, address.id)
        except SpeechError:
            return None

    parts = {one.id: one for one in known if isinstance(one, schemas.Entity)}
    unknown = {one.id: one for one in references if one is not None and one.id not in parts}
    found = await gather(*(read(one) for one in list(unknown.values())[:MAX_PARTS]))
    return parts | {one.id: one for one in found if one is not None}


async def read_related_and_earlier(
    speech: Speech, entity: schemas.StatefulEntity, references: Iterable[schemas.Reference | None]
) -> tuple[Entities, Sequence[schemas.StatefulEntity]]:
    """Read parts of an entity and, concurrently, those like a running one, which tell how long it takes."""

    async def read_earlier() -> Sequence[schemas.StatefulEntity]:
        if is_terminal(entity) or speech.is_emulated or type(entity) not in _LISTS:
            return ()
        try:
            listing = await _LISTS[type(entity)](speech, locale=entity.locale)
        except SpeechError:  # an estimate is no reason to fail
            return ()
        return [one for one in listing.entities if data_of(one) == data_of(entity)]

    async with task_group() as tasks:
        parts, earlier = tasks.create_task(read_related(speech, references)), tasks.create_task(read_earlier())
    return parts.return_value, earlier.return_value


def data_of(entity: schemas.StatefulEntity) -> object:
    """Return the data on which it depends how long something takes: of a dataset its kind, else the datasets' ids."""
    match entity:
        case schemas.CustomModel(datasets=datasets):
            return {part.id for part in datasets or ()}
        case schemas.Dataset(kind=kind):
            return kind
        case schemas.Evaluation(dataset=dataset) | schemas.Transcription(dataset=dataset):
            return dataset and dataset.id
    return None


def entity_fields(
    speech: Speech,
    entity: schemas.StatefulEntity,
    now: datetime,
    earlier: Iterable[schemas.StatefulEntity] = (),
    *,
    audio_hours: float = 0.0,
) -> EntityFields:
    """Return what an answer says about an entity of any kind.

    Args:
        earlier: Others like it, which tell how long it takes.
        audio_hours: That are trained with.
    """
    expected = expected_seconds(earlier, is_emulated=speech.is_emulated, audio_hours=audio_hours)
    begun = entity.last_action_date_time if isinstance(entity, schemas.Endpoint) else entity.created_date_time
    return EntityFields(
        **resource_fields(speech),
        id=entity.id,
        display_name=entity.display_name,
        locale=entity.locale,
        status=entity.status,
        created=entity.created_date_time,
        last_action=entity.last_action_date_time,
        error=present_failure(entity.error),
        now=now,
        check_again_after_seconds=None if is_terminal(entity) else check_again_after(begun, now, expected),
    )


def present_reference(part: schemas.Reference | None, parts: Entities) -> EntityReference | None:
    """Return a part of an entity, with its name if that could be read."""
    if part is None:
        return None
    found = parts.get(part.id)
    return EntityReference(id=part.id, display_name=found.display_name if found else None)


def present_dataset_reference(part: schemas.Reference, parts: Entities) -> DatasetReference:
    """Return a dataset of an entity, with its name and kind if they could be read."""
    found = parts.get(part.id)
    kind = found.kind if isinstance(found, schemas.Dataset) else None
    return DatasetReference(id=part.id, display_name=found.display_name if found else None, kind=kind)
