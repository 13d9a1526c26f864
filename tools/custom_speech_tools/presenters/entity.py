"""The result fields that all kinds of entities share."""

from collections.abc import Iterable
from datetime import datetime

from custom_speech_tools.runtime.polling import check_again_after, expected_seconds, is_terminal
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.runtime.results import (
    DatasetReference,
    EntityReference,
    Failure,
    ResourceFields,
    present_failure,
    resource_fields,
)
from custom_speech_tools.speech import Speech, schemas


class EntityFields(ResourceFields):
    """The fields that results about a model, a dataset, an evaluation or an endpoint share."""

    id: str
    display_name: str
    locale: str
    status: str
    created: datetime | None
    last_action: datetime | None
    error: Failure | None
    now: datetime
    check_again_after_seconds: int | None


def entity_fields(
    speech: Speech,
    entity: schemas.StatefulEntity,
    now: datetime,
    earlier: Iterable[schemas.StatefulEntity] = (),
    *,
    audio_hours: float = 0.0,
) -> EntityFields:
    """Return the fields that the results of all kinds of entities share.

    Args:
        earlier: Earlier entities with the same data, which show how long the operation takes.
        audio_hours: Hours of audio that a model is trained with.
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


def present_reference(reference: schemas.Reference | None, entities: Entities) -> EntityReference | None:
    """Return a reference with the name of the entity, if it is known."""
    if reference is None:
        return None
    found = entities.get(reference.id)
    return EntityReference(id=reference.id, display_name=found.display_name if found else None)


def present_dataset_reference(reference: schemas.Reference, entities: Entities) -> DatasetReference:
    """Return a reference with the name and the kind of the dataset, if they are known."""
    found = entities.get(reference.id)
    kind = found.kind if isinstance(found, schemas.Dataset) else None
    return DatasetReference(id=reference.id, display_name=found.display_name if found else None, kind=kind)
