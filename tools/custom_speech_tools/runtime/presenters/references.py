"""Parts of an entity by name: one concurrent request for each part whose name is not known yet."""

from collections.abc import Awaitable, Callable, Iterable

from custom_speech_tools.runtime.results import MAX_PARTS, DatasetReference, EntityReference
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.addresses import entity_of
from custom_speech_tools.speech.concurrency import gather

_READERS: dict[str, Callable[[Speech, str], Awaitable[schemas.Entity]]] = {
    "models/base": Speech.models_get_base_model,
    "models": Speech.models_get_custom_model,
    "projects": Speech.projects_get,
    "datasets": Speech.datasets_get,
    "endpoints": Speech.endpoints_get,
}


async def load_references(speech: Speech, references: Iterable[schemas.Reference | None]) -> None:
    """Read the entities that have not been read before, so that they can be shown by name.

    A part that cannot be read keeps its id only.
    """
    unknown = {part.id: part for part in references if part is not None and part.id not in speech.known}
    await gather(*(_load(speech, part) for part in list(unknown.values())[:MAX_PARTS]))


async def _load(speech: Speech, part: schemas.Reference) -> None:
    address = entity_of(part.uri)
    reader = _READERS.get(address.kind) if address else None
    if address is None or reader is None:
        return
    try:
        await reader(speech, address.id)
    except SpeechError:
        return


def present_reference(speech: Speech, part: schemas.Reference | None) -> EntityReference | None:
    """Return a part of an entity, with its name where it is known."""
    if part is None:
        return None
    known = speech.known.get(part.id)
    return EntityReference(id=part.id, display_name=known.display_name if known else None)


def present_dataset_reference(speech: Speech, part: schemas.Reference) -> DatasetReference:
    """Return a dataset of an entity, with its name and kind where they are known."""
    known = speech.known.get(part.id)
    kind = known.kind if isinstance(known, schemas.Dataset) else None
    return DatasetReference(id=part.id, display_name=known.display_name if known else None, kind=kind)
