"""Results about evaluations: the error rates of both models, the verdict and the next steps."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field, WithJsonSchema

from custom_speech_data.scoring_result import MissedWord
from custom_speech_data.significance import MIN_UTTERANCES
from custom_speech_tools.guardrails import evaluation_verdict
from custom_speech_tools.guardrails.evaluation_details import EvaluationDetails, Transcripts
from custom_speech_tools.presenters.entity import entity_fields, present_dataset_reference
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.next_steps import Choice, call_step, wait_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote, word

MAX_NAMED_WORDS = 10
MAX_NAMED_ENDPOINTS = 3


class EvaluatedModel(results.Result):
    """The result of one model; null until the evaluation has succeeded. `confidence_95` bounds its error rate."""

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
    """An evaluation; `is_void` is true if a model was trained with the test data, null if that is not known."""

    dataset: results.DatasetReference
    models: list[EvaluatedModel]
    is_void: bool | None
    verdict: results.Sentence
    difference: evaluation_verdict.ErrorRateDifference | None
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


def present_evaluation(
    report: evaluation_verdict.EvaluationReport,
    now: datetime,
    earlier: Sequence[schemas.StatefulEntity] = (),  # evaluations of the same test data, to estimate the duration
    *,
    worst: Sequence[WorstUtterance] = (),
    words: list[WordErrors] | None = None,
    already_existed: bool = False,
    findings: Sequence[results.Finding] = (),
) -> EvaluationAnswer:
    """Return an evaluation with its verdict and the names of its models and dataset."""
    evaluation, parts = report.evaluation, report.parts
    fields = entity_fields(report.speech, evaluation, now, earlier)
    return EvaluationAnswer(
        **fields,
        dataset=present_dataset_reference(evaluation.dataset, parts),
        models=_present_models(evaluation, parts, report.intervals),
        is_void=evaluation_verdict.is_void(evaluation, parts),
        verdict=" ".join([report.verdict.reason, *_remarks(report)]),
        difference=report.verdict.difference,
        worst=list(worst),
        words=words,
        already_existed=already_existed,
        findings=[*findings, *evaluation_verdict.result_is_usable(report)],
        next_steps=_next_steps(report, [one.word for one in words or ()], fields["check_again_after_seconds"]),
    )


def _remarks(report: evaluation_verdict.EvaluationReport) -> list[str]:
    """Return the sentences after the verdict, about the models and the test data."""
    remarks, evaluation, newest = [], report.evaluation, report.newest_base_model
    first, second = (report.parts.get(part.id) for part in (evaluation.model1, evaluation.model2))
    origins = [
        (model.base_model and model.base_model.id, {part.id for part in model.datasets or []})
        for model in (first, second)
        if isinstance(model, schemas.CustomModel)
    ]
    if report.verdict.outcome != "not compared" and len(origins) == 2 and origins[0] == origins[1] and all(origins[0]):
        remarks.append("Both models have the same base model and the same training data.")
    if second and newest and second.created_date_time not in (None, newest.created_date_time):
        remarks.append(f"A newer base model exists: {quote(newest.display_name, 40)}.")
    if evaluation_verdict.is_void(evaluation, report.parts) is None:
        remarks.append("Whether the models were trained with this dataset could not be read.")
    if report.speech.is_emulated:
        remarks.append("This is the emulator: it simulates recognition, so the rates are not real.")
    return remarks


def present_listed_evaluation(evaluation: schemas.Evaluation, parts: Entities) -> ListedEvaluation:
    """Return an evaluation as a list item."""
    dataset, models = present_dataset_reference(evaluation.dataset, parts), _present_models(evaluation, parts)
    void = evaluation_verdict.is_void(evaluation, parts)
    own = {"id": evaluation.id, "dataset": dataset, "models": models, "is_void": void}
    return ListedEvaluation.model_validate(dict(evaluation) | own)


def _present_models(
    evaluation: schemas.Evaluation, parts: Entities, intervals: Sequence[tuple[float, float] | None] = (None, None)
) -> list[EvaluatedModel]:
    """Return both models with their error rates and confidence intervals."""
    shown = []
    for number, model in enumerate((evaluation.model1, evaluation.model2), 1):
        name = parts[model.id].display_name if model.id in parts else None
        fields = evaluation.score(number)._asdict() | {"confidence_95": intervals[number - 1]}
        shown.append(EvaluatedModel(id=model.id, display_name=name, **fields))
    return shown


def worst_utterances(details: EvaluationDetails, transcripts: Transcripts, number: int) -> list[WorstUtterance]:
    """Return the recordings on which the first model erred most, by the service's count."""
    ranked = sorted(details.recordings.items(), key=lambda item: (-item[1][0].errors, item[0]))[:number]
    return [
        WorstUtterance(file=name, reference=transcripts.of(name), hypothesis=first.hypothesis, errors=first.errors)
        for name, (first, _) in ranked
        if first.errors
    ]


def present_word_errors(found: Sequence[MissedWord], is_trained_with: Callable[[str], bool | None]) -> list[WordErrors]:
    """Return the missed words and whether each was in the training data."""
    words = [WordErrors.model_validate(one) for one in found]
    return [one.model_copy(update={"in_training_data": is_trained_with(one.word)}) for one in words]


def _next_steps(report: evaluation_verdict.EvaluationReport, words: Sequence[str], seconds: int | None) -> list[str]:
    """Return the next steps; `words` are the most missed, and `seconds` is the estimated time until it ends."""
    evaluation, outcome, resource = report.evaluation, report.verdict.outcome, report.speech.resource.name
    if not is_terminal(evaluation):
        return [wait_step("get_evaluation", seconds, resource, evaluation=evaluation.id)]
    if evaluation.status == "Failed":
        return ["Correct what `error` names, then create_evaluation again."]
    if outcome == "void":
        listed = call_step("list_datasets", locale=evaluation.locale, kinds=["Acoustic"], resource=resource)
        return [f"{listed}, then create_evaluation with recordings that neither model was trained with"]
    if outcome == "not compared":
        is_scored = evaluation.score(1).word_error_rate is not None
        dataset = evaluation.dataset.id if is_scored else Choice("a dataset of kind Acoustic")
        parts = {"model": evaluation.model1.id, "dataset": dataset, "compare_with": Choice("another model")}
        return [f"Nothing was compared here. {call_step('create_evaluation', **parts, resource=resource)}"]
    shown = call_step("get_evaluation", evaluation=evaluation.id, worst=10, words=20, resource=resource)
    improve = f"{shown} shows what the first model misses"
    if words:
        named = ", ".join(quote(one, 40) for one in words[:MAX_NAMED_WORDS])
        improve = (
            f"For names a phrase list is the first thing to try, without training: transcribe takes {named} as "
            "`phrases`, with recordings as path, and "
            "applications pass the same list. Else write about five sentences with each of these words, and pass them "
            f'to upload_dataset as `lines` with kind="Language", locale="{word(evaluation.locale)}".'
        )
    return [improve, *_endpoint_steps(report)]


def _endpoint_steps(report: evaluation_verdict.EvaluationReport) -> list[str]:
    """Return the next steps for endpoints; only a better model should replace the compared one."""
    evaluation, outcome, resource = report.evaluation, report.verdict.outcome, report.speech.resource.name
    if outcome == "too few":
        return [f"Leave the endpoints as they are, and test with at least {MIN_UTTERANCES} recordings"]
    if outcome != "better":
        return ["Leave the endpoints as they are; this test does not show that the first model is better"]
    if report.endpoints is None:
        return [f"{call_step('list_endpoints', resource=resource)} shows whether an endpoint has the compared model"]
    model = evaluation.model1.id
    hosts = [one for one in report.endpoints if one.model and one.model.id == evaluation.model2.id]
    if hosts:
        return [
            f"{call_step('deploy_model', model=model, endpoint=one.id, resource=resource)} puts the better model into "
            f"endpoint {quote(one.display_name, 60)}, which has the compared one"
            for one in hosts[:MAX_NAMED_ENDPOINTS]
        ]
    if any(one.model and one.model.id == model for one in report.endpoints):
        return ["An endpoint has the better model already; leave it"]
    name = report.parts[model].display_name if model in report.parts else model
    new = call_step("deploy_model", model=model, display_name=name, resource=resource)
    return [f"{new} deploys the better model to a new endpoint; no endpoint has the compared one"]
