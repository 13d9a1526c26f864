"""The facts about copies: which model is a copy, and of which one."""

from collections.abc import Iterable

from custom_speech_tools.runtime.idempotency import KEY_PROPERTY
from custom_speech_tools.speech import schemas

COPIED_FROM_PROPERTY = "custom-speech-mcp-copied-from"  # under which the `customProperties` of a copy name its source


def is_copy(model: schemas.CustomModel) -> bool | None:
    """Return whether a model was copied to its resource, None if nothing tells.

    What was trained there names its data. A copy names none, and has kept the key of the model that it was made of.
    """
    properties = model.custom_properties or {}
    if model.datasets or COPIED_FROM_PROPERTY in properties:
        return COPIED_FROM_PROPERTY in properties
    return True if KEY_PROPERTY in properties else None


def find_copy(model: schemas.CustomModel, others: Iterable[schemas.CustomModel]) -> schemas.CustomModel | None:
    """Return the copy: the model is noted as its source, or it has kept the key of its source."""
    key = (model.custom_properties or {}).get(KEY_PROPERTY)
    carried = [(other, other.custom_properties or {}) for other in others if other.id != model.id]
    by_source = (other for other, properties in carried if properties.get(COPIED_FROM_PROPERTY) == model.id)
    by_key = (other for other, properties in carried if key and properties.get(KEY_PROPERTY) == key)
    return next(by_source, None) or next(by_key, None)


def may_be_copy(model: schemas.CustomModel, other: schemas.CustomModel) -> bool:
    """Return whether another model of the name may be its copy.

    It may be one unless it carries a key, is older, or was trained on the target.
    """
    created, copied = model.created_date_time, other.created_date_time
    is_older = created is not None and copied is not None and copied < created
    return not (KEY_PROPERTY in (other.custom_properties or {}) or other.datasets or is_older)


def is_connected(model: schemas.CustomModel, project: schemas.Project) -> bool:
    """Return whether a model is connected to a project; it has one at most."""
    return model.project is not None and model.project.id == project.id
