"""Entities in answers: the fields that they share, and their parts by name, each read once in a call."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime

from custom_speech_tools.runtime.polling import check_again_after, is_terminal
from custom_speech_tools.runtime.resources import ResourceFields, resource_fields
from custom_speech_tools.runtime.results import MAX_PARTS, DatasetReference, EntityReference, Failure, present_failure
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.addresses import entity_of
from custom_speech_tools.speech.concurrency import gather
from custom_speech_tools.speech.entities import StatefulEntity

Parts = Mapping[str, schemas.Entity]
"""Entities that a call has read, by id; one that could not be read is missing."""

_READERS: dict[str, Callable[[Speech, str], Awaitable[schemas.Entity]]] = {
    "models/base": Speech.models_get_base_model,
    "models": Speech.models_get_custom_model,
    "projects": Speech.projects_get,
    "datasets": Speech.datasets_get,
}


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


async def read_parts(
    speech: Speech, references: Iterable[schemas.Reference | None], known: Iterable[object] = ()
) -> Parts:
    """Read entities, each by one concurrent request, except those that the call has read already."""
    parts = {one.id: one for one in known if isinstance(one, schemas.Entity)}
    unknown = {one.id: one for one in references if one is not None and one.id not in parts}
    read = await gather(*(_read_part(speech, one) for one in list(unknown.values())[:MAX_PARTS]))
    return parts | {one.id: one for one in read if one is not None}


async def _read_part(speech: Speech, part: schemas.Reference) -> schemas.Entity | None:
    address = entity_of(part.uri)
    if address is None or address.kind not in _READERS:
        return None
    try:
        return await _READERS[address.kind](speech, address.id)
    except SpeechError:
        return None


def entity_fields(speech: Speech, entity: StatefulEntity, now: datetime, audio_hours: float = 0.0) -> EntityFields:
    """Return what an answer says about an entity of any kind; a training takes the longer, the more hours of audio."""
    hours = 0.0 if speech.is_emulated else audio_hours  # the emulator's pace does not depend on the audio
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
        check_again_after_seconds=None if is_terminal(entity) else check_again_after(begun, now, hours),
    )


def present_reference(part: schemas.Reference | None, parts: Parts) -> EntityReference | None:
    """Return a part of an entity, with its name if that could be read."""
    if part is None:
        return None
    found = parts.get(part.id)
    return EntityReference(id=part.id, display_name=found.display_name if found else None)


def present_dataset_reference(part: schemas.Reference, parts: Parts) -> DatasetReference:
    """Return a dataset of an entity, with its name and kind if they could be read."""
    found = parts.get(part.id)
    kind = found.kind if isinstance(found, schemas.Dataset) else None
    return DatasetReference(id=part.id, display_name=found.display_name if found else None, kind=kind)
