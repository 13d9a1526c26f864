"""The verdict of an evaluation: which of its two models is better, or why that is not known.

Code acts on the outcome; the reason is a sentence for people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from custom_speech_data.significance import MIN_UTTERANCES, Pair, paired_bootstrap, rate_interval
from custom_speech_tools.guardrails.evaluation_details import EvaluationDetails
from custom_speech_tools.guardrails.shared_rules import Findings
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.runtime.results import Interval, Rate, Result, warn
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.paging import if_readable
from custom_speech_tools.speech.sanitize import quote, word
from custom_speech_tools.speech.tasks_and_threads import run_in_thread

# `not compared`: there are no error rates of two different models. `equal`: both models recognized the same words.
Outcome = Literal["void", "unfinished", "not compared", "too few", "equal", "not significant", "better", "worse"]


class ErrorRateDifference(Result):
    """The word error rate of the first model minus that of the second, which is negative if the first is better.

    `confidence_95` bounds `absolute`. `is_significant` is null if it cannot be judged, or if the test is void.
    """

    absolute: Rate
    relative: Rate | None
    relative_95: Interval
    confidence_95: Interval
    is_significant: bool | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of an evaluation and its reason."""

    outcome: Outcome
    reason: str
    difference: ErrorRateDifference | None  # None without error rates of two different models


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """An evaluation, its verdict, and the entities on which its next steps depend."""

    speech: Speech
    evaluation: schemas.Evaluation
    parts: Entities
    details: EvaluationDetails
    verdict: Verdict
    intervals: Sequence[tuple[float, float] | None]  # 95 % confidence intervals of the error rates of both models
    newest_base_model: schemas.BaseModel | None  # None if it could not be read, or if the second model is a custom one
    endpoints: Sequence[schemas.Endpoint] | None  # None if they could not be read, or if the first is not better


def give_verdict(
    evaluation: schemas.Evaluation, details: EvaluationDetails, parts: Entities, *, allow_seen_data: bool = False
) -> Verdict:
    """Return the verdict of an evaluation. Call it in a thread: thousands of recordings take seconds.

    Args:
        parts: The models of the evaluation by id. Models that could not be read are missing.
        allow_seen_data: Judge the error rates even if a model was trained with the test data.
    """
    difference = compare_error_rates(evaluation, details)
    models, dataset, read = (evaluation.model1, evaluation.model2), evaluation.dataset.id, details.recordings.values()
    seen = next((model for model in models if _has_seen(parts, model, dataset)), None)
    if seen is not None and not allow_seen_data:
        void = difference and difference.model_copy(update={"is_significant": None})
        return Verdict("void", f"Void: {_name(parts, seen)} was trained with this dataset.", void)
    if evaluation.status != "Succeeded":
        return Verdict("unfinished", f"Not judged: the test is {word(evaluation.status)}.", difference)
    if difference is None:
        no_rates = "the test gave no word error rates of two models"
        is_same = evaluation.model1.id == evaluation.model2.id
        why = "Nothing was compared: the model was tested against itself."
        return Verdict("not compared", why if is_same else f"Not judged: {no_rates}.", None)
    is_complete = details.listed == len(read)
    if difference.is_significant is None:
        utterances = f"{len(read)} utterances" if is_complete else f"only {len(read)} utterances could be read"
        return Verdict("too few", f"Not judged: {utterances}, {MIN_UTTERANCES} are needed.", difference)
    if is_complete and all(first.edits == second.edits for first, second in read):
        return Verdict("equal", "No difference: both models recognized the same.", difference)
    one, two = (100 * (evaluation.score(number).word_error_rate or 0) for number in (1, 2))
    rates = f"{one:.1f} % against {two:.1f} % of {_name(parts, evaluation.model2)}"
    if not difference.is_significant:
        why = f"Not significant: {rates}; with other recordings the order could be the reverse."
        return Verdict("not significant", why, difference)
    is_better = difference.absolute < 0
    return Verdict("better" if is_better else "worse", f"{'Better' if is_better else 'Worse'}: {rates}.", difference)


def compare_error_rates(evaluation: schemas.Evaluation, details: EvaluationDetails) -> ErrorRateDifference | None:
    """Return the difference of the error rates, or None without error rates of two different models."""
    first, second = (evaluation.score(number).word_error_rate for number in (1, 2))
    if first is None or second is None or evaluation.model1.id == evaluation.model2.id:
        return None
    found = paired_bootstrap([Pair(one.words, one.errors, two.errors) for one, two in details.recordings.values()])
    return ErrorRateDifference(
        absolute=first - second,
        relative=(first - second) / second if second else None,
        relative_95=list(found.relative) if found and found.relative else None,
        confidence_95=[found.low, found.high] if found else None,
        is_significant=found.is_significant if found else None,
    )


def is_void(evaluation: schemas.Evaluation, parts: Entities) -> bool | None:
    """Return whether one of the models was trained with the test data, or None if that is not known."""
    seen = [_has_seen(parts, part, evaluation.dataset.id) for part in (evaluation.model1, evaluation.model2)]
    return True if True in seen else None if None in seen else False


def _has_seen(parts: Entities, model: schemas.Reference, dataset: str) -> bool | None:
    """Return whether a model was trained with a dataset, or None if that is not known."""
    found = parts.get(model.id)
    return found.is_trained_with(dataset) if isinstance(found, schemas.CustomModel | schemas.BaseModel) else None


def _name(parts: Entities, part: schemas.Reference) -> str:
    """Return a model's quoted name, and for a base model its date."""
    found = parts.get(part.id)
    if not isinstance(found, schemas.BaseModel):
        return quote(found.display_name if found else part.id, 60)
    date = f" of {found.created_date_time:%Y-%m-%d}" if found.created_date_time else ""
    return f"base model {quote(found.display_name, 40)}{date}"


async def read_report(
    speech: Speech, evaluation: schemas.Evaluation, details: EvaluationDetails, parts: Entities
) -> EvaluationReport:
    """Return the verdict, and read the base models and endpoints on which the next steps depend."""
    verdict = await run_in_thread(partial(give_verdict, evaluation, details, parts))
    pairs = [[(one.words, one.errors) for one in pair] for pair in details.recordings.values()]
    intervals = [await run_in_thread(partial(rate_interval, [pair[index] for pair in pairs])) for index in (0, 1)]
    bases, endpoints = None, None
    if isinstance(parts.get(evaluation.model2.id), schemas.BaseModel):
        bases = await if_readable(speech.models_list_base_models(locale=evaluation.locale))
    if verdict.outcome == "better":
        endpoints = await if_readable(speech.endpoints_list(locale=evaluation.locale))
    newest = next(iter(newest_first(bases or [])), None)
    return EvaluationReport(speech, evaluation, parts, details, verdict, intervals, newest, endpoints)


def result_is_usable(report: EvaluationReport) -> Findings:
    """Warn if a finished evaluation has no error rates, or if some of its details could not be read."""
    evaluation, details = report.evaluation, report.details
    if evaluation.status == "Succeeded" and None in [evaluation.score(number).word_error_rate for number in (1, 2)]:
        message = "The evaluation has ended without word error rates, so it does not say which model is better."
        yield warn("test-data-scorable", message, "Test with audio that has transcripts (kind Acoustic).")
    read, listed = len(details.recordings), details.listed
    if listed not in (None, read):
        message = f"The details of {read} of {listed} recordings could be read; the interval, the worst utterances "
        fix = "Rates and counts are the service's and cover all recordings; the same call can be repeated."
        yield warn("details-readable", f"{message}and the words are about these only.", fix)


def rates_of(model: str, other: str, evaluations: Sequence[schemas.Evaluation]) -> tuple[float, float] | None:
    """Return the word error rates of two models from the first evaluation that has both, or None."""
    for evaluation in evaluations:
        models = enumerate((evaluation.model1, evaluation.model2), 1)
        rates = {part.id: evaluation.score(number).word_error_rate for number, part in models}
        first, second = rates.get(model), rates.get(other)
        if first is not None and second is not None:
            return first, second
    return None
