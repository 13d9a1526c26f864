"""Evaluations in answers: the error rates of two models side by side, and whether their difference is significant."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from pydantic import Field, WithJsonSchema

from custom_speech_data.scoring_result import MissedWord
from custom_speech_tools.guardrails.evaluation_texts import EvaluationDetails, Transcripts
from custom_speech_tools.guardrails.evaluation_verdict import (
    ErrorRateDifference,
    is_void,
    judge,
    steps_after_evaluation,
)
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.related_entities import Parts, entity_fields, present_dataset_reference
from custom_speech_tools.speech import Speech, schemas


class EvaluatedModel(results.Result):
    """The result of one model; null until the evaluation has succeeded. `confidence_95` is about its error rate."""

    id: str
    display_name: results.ServiceText | None
    word_error_rate: results.Rate | None
    confidence_95: results.Interval = results.optional()
    insertions: int | None
    deletions: int | None
    substitutions: int | None
    words: int | None
    sentence_error_rate: results.Rate | None


class WorstUtterance(results.Result):
    """A recording in which the first model made many errors; `reference` is null if no transcript could be read."""

    file: results.ServiceText
    reference: results.ServiceText | None
    hypothesis: results.ServiceText
    errors: int


class WordErrors(results.Result):
    """A word that the first model misses or inserts; `in_training_data` is null if the data could not be read."""

    word: results.ServiceText
    missed: int
    of: int
    inserted: int
    recognized_as: list[results.ServiceText] = Field(validation_alias="alternatives")
    in_training_data: bool | None = None


class EvaluationAnswer(results.EntityAnswer):
    """An evaluation; `is_void` if a model was trained with the test data, null if that is not known."""

    dataset: results.DatasetReference
    models: list[EvaluatedModel]
    is_void: bool | None
    verdict: results.Sentence
    difference: ErrorRateDifference | None
    worst: Annotated[list[WorstUtterance], WithJsonSchema({"type": "array"}, mode="serialization")]
    words: Annotated[list[WordErrors] | None, WithJsonSchema({"type": "array"}, mode="serialization")] = (
        results.optional()
    )
    already_existed: bool


class ListedEvaluation(results.Row):
    """An evaluation in a list."""

    dataset: results.DatasetReference
    is_void: bool | None
    models: list[EvaluatedModel]


class Evaluations(results.Listing):
    """The evaluations of a resource, newest first."""

    evaluations: list[ListedEvaluation]


async def present_evaluation(
    call: CallContext,
    speech: Speech,
    evaluation: schemas.Evaluation,
    details: EvaluationDetails,
    parts: Parts,
    earlier: Sequence[schemas.StatefulEntity] = (),  # evaluations of the same test data
    *,
    worst: Sequence[WorstUtterance] = (),
    words: list[WordErrors] | None = None,
    already_existed: bool = False,
    findings: Sequence[results.Finding] = (),
) -> EvaluationAnswer:
    """Return an evaluation with the names of its parts, and its verdict."""
    verdict, missed = await judge(speech, evaluation, details, parts), [one.word for one in words or []]
    fields = entity_fields(speech, evaluation, call.now(speech), earlier)
    again, here = fields["check_again_after_seconds"], speech.resource.name
    return EvaluationAnswer(
        **fields,
        dataset=present_dataset_reference(evaluation.dataset, parts),
        models=_scores(evaluation, parts, verdict.intervals),
        is_void=is_void(evaluation, parts),
        verdict=verdict.sentence,
        difference=verdict.difference,
        worst=list(worst),
        words=words,
        already_existed=already_existed,
        findings=[*findings, *_warnings(evaluation, details)],
        next_steps=steps_after_evaluation(evaluation, verdict, parts, missed, here, again),
    )


def present_listed_evaluation(evaluation: schemas.Evaluation, parts: Parts) -> ListedEvaluation:
    """Return an evaluation as a list shows it."""
    dataset, models = present_dataset_reference(evaluation.dataset, parts), _scores(evaluation, parts)
    own = {"id": evaluation.id, "dataset": dataset, "models": models, "is_void": is_void(evaluation, parts)}
    return ListedEvaluation.model_validate(dict(evaluation) | own)


def _scores(
    evaluation: schemas.Evaluation, parts: Parts, intervals: Sequence[tuple[float, float] | None] = (None, None)
) -> list[EvaluatedModel]:
    """Return both models with their results, and with the intervals of their rates."""
    shown = []
    for number, model in ((1, evaluation.model1), (2, evaluation.model2)):
        name = parts[model.id].display_name if model.id in parts else None
        fields = evaluation.score(number)._asdict() | {"confidence_95": intervals[number - 1]}
        shown.append(EvaluatedModel(id=model.id, display_name=name, **fields))
    return shown


def worst_utterances(details: EvaluationDetails, transcripts: Transcripts, number: int) -> list[WorstUtterance]:
    """Return the recordings in which the first model made most errors, as the service counts them."""
    ranked = sorted(details.recordings.items(), key=lambda item: (-item[1][0].errors, item[0]))[:number]
    return [
        WorstUtterance(file=name, reference=transcripts.of(name), hypothesis=first.hypothesis, errors=first.errors)
        for name, (first, _) in ranked
        if first.errors
    ]


def present_word_errors(found: Sequence[MissedWord], is_trained_with: Callable[[str], bool | None]) -> list[WordErrors]:
    """Return the missed words, with whether the model was trained with them."""
    rows = [(WordErrors.model_validate(one), is_trained_with(one.word)) for one in found]
    return [word.model_copy(update={"in_training_data": is_trained}) for word, is_trained in rows]


def _warnings(evaluation: schemas.Evaluation, details: EvaluationDetails) -> Iterator[results.Finding]:
    """Warn if a finished evaluation says nothing about a model, or if details of recordings could not be read."""
    if evaluation.status == "Succeeded" and None in [evaluation.score(number).word_error_rate for number in (1, 2)]:
        message = "The evaluation has ended without word error rates, so it does not say which model is better."
        yield results.warn("test-data-scorable", message, "Test with audio that has transcripts (kind Acoustic).")
    read, listed = len(details.recordings), details.listed
    if listed not in (None, read):
        message = f"The details of {read} of {listed} recordings could be read; the interval, the worst utterances "
        fix = "Rates and counts are the service's and cover all recordings; the same call can be repeated."
        yield results.warn("details-readable", f"{message}and the words are about these only.", fix)
