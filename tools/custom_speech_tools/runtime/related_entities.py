"""Reading of related entities, such as the base model and the datasets of a model."""

from collections.abc import Iterable, Mapping, Sequence

from custom_speech_tools.runtime.entity_kinds import KIND_OF, KIND_OF_PATH
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.results import MAX_REFERENCES
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.service_urls import entity_of
from custom_speech_tools.speech.tasks_and_threads import gather, task_group

Entities = Mapping[str, schemas.Entity]  # entities by id, without those that could not be read


async def read_related(
    speech: Speech, references: Iterable[schemas.Reference | None], known: Iterable[object] = ()
) -> Entities:
    """Read the referenced entities concurrently, without those that fail, and add the entities among `known`."""

    async def read(reference: schemas.Reference) -> schemas.Entity | None:
        address = entity_of(reference.uri)
        if address is None or address.kind not in KIND_OF_PATH:
            return None
        try:
            found: schemas.Entity = await KIND_OF_PATH[address.kind].get(speech, address.id)
        except SpeechError:
            return None
        return found

    entities = {one.id: one for one in known if isinstance(one, schemas.Entity)}
    unknown = {one.id: one for one in references if one is not None and one.id not in entities}
    found = await gather(*(read(one) for one in list(unknown.values())[:MAX_REFERENCES]))
    return entities | {one.id: one for one in found if one is not None}


async def read_related_and_earlier(
    speech: Speech, entity: schemas.StatefulEntity, references: Iterable[schemas.Reference | None]
) -> tuple[Entities, Sequence[schemas.StatefulEntity]]:
    """Read the referenced entities and, to estimate the duration of a running entity, earlier ones with its data."""

    async def read_earlier() -> Sequence[schemas.StatefulEntity]:
        if is_terminal(entity) or speech.is_emulated:
            return ()
        try:
            listing = await KIND_OF[type(entity)].list(speech, locale=entity.locale)
        except SpeechError:  # a missing estimate must not make the call fail
            return ()
        return [one for one in listing.entities if data_of(one) == data_of(entity)]

    async with task_group() as tasks:
        related, earlier = tasks.create_task(read_related(speech, references)), tasks.create_task(read_earlier())
    return related.return_value, earlier.return_value


def data_of(entity: schemas.StatefulEntity) -> object:
    """Return the data that determines how long an operation takes: the kind of a dataset, or ids of datasets."""
    match entity:
        case schemas.CustomModel(datasets=datasets):
            return {reference.id for reference in datasets or ()}
        case schemas.Dataset(kind=kind):
            return kind
        case schemas.Evaluation(dataset=dataset) | schemas.Transcription(dataset=dataset):
            return dataset and dataset.id
    return None
