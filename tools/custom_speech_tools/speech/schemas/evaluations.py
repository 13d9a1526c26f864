"""Evaluations: two models tested with one dataset."""

from typing import Annotated, Any, NamedTuple

from pydantic import Field

from custom_speech_tools.speech.schemas.entities import MAX_COUNT, Entity, EntityError, Moment, Reference


class Score(NamedTuple):
    """The result of one model; rates are fractions, None until the evaluation has succeeded."""

    word_error_rate: float | None
    sentence_error_rate: float | None
    words: int | None
    insertions: int | None
    deletions: int | None
    substitutions: int | None


_PROPERTIES = (
    "wordErrorRate",
    "sentenceErrorRate",
    "wordCount",
    "wordInsertionCount",
    "wordDeletionCount",
    "wordSubstitutionCount",
)


class Evaluation(Entity):
    """A test of two models, which may be the same, with one dataset."""

    status: str
    last_action_date_time: Moment | None = None
    model1: Reference
    model2: Reference
    dataset: Reference
    project: Reference | None = None
    properties: Annotated[dict[str, Any], Field(max_length=200)] | None = None

    def score(self, number: int) -> Score:
        """Return the result of model 1 or 2; the service writes -1 for what it does not know."""
        values = ((self.properties or {}).get(f"{name}{number}") for name in _PROPERTIES)
        known = [value if _is_count(value) else None for value in values]
        return Score(*known[:2], *(None if value is None else int(value) for value in known[2:]))

    @property
    def error(self) -> EntityError | None:
        """The reason why the evaluation failed."""
        error = (self.properties or {}).get("error")
        return EntityError.model_validate(error) if isinstance(error, dict) else None


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT
