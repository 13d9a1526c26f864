"""The verdict of a test: it weighs seen test data, too few utterances and equal results; and what follows from it.

Decisions read the outcome, people the sentence.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from custom_speech_data.significance import MIN_UTTERANCES, Pair, paired_bootstrap, rate_interval
from custom_speech_tools.guardrails.evaluation_texts import EvaluationDetails
from custom_speech_tools.runtime.client_time_limits import wait_step
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.next_steps import Choice, call_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.related_entities import Parts
from custom_speech_tools.runtime.results import Interval, Rate, Result
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.paging import Listed, Listing
from custom_speech_tools.speech.sanitize import quote, word
from custom_speech_tools.speech.task_groups import run_in_thread

MAX_NAMED_WORDS = 10
MAX_NAMED_ENDPOINTS = 3

# `not compared`: there are no error rates of two different models. `equal`: both recognized the same words.
Outcome = Literal["void", "unfinished", "not compared", "too few", "equal", "not significant", "better", "worse"]


class ErrorRateDifference(Result):
    """The word error rate of the first model minus that of the second: negative if the first is better.

    `confidence_95` is about `absolute`. `is_significant` is null if it cannot be judged, or if the test is void.
    """

    absolute: Rate
    relative: Rate | None
    relative_95: Interval
    confidence_95: Interval
    is_significant: bool | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a test."""

    outcome: Outcome
    sentence: str
    difference: ErrorRateDifference | None
    intervals: Sequence[tuple[float, float] | None]  # of the error rates of both models
    endpoints: Sequence[schemas.Endpoint] | None  # of the locale if the first model is better; None if not readable


def compare_error_rates(evaluation: schemas.Evaluation, details: EvaluationDetails) -> ErrorRateDifference | None:
    """Return how the first model compares with the second, None without error rates of two models."""
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


async def judge(speech: Speech, evaluation: schemas.Evaluation, details: EvaluationDetails, parts: Parts) -> Verdict:
    """Return the verdict of a test; what cannot be read beside it is left out of the sentence."""
    pairs = [[(one.words, one.errors) for one in pair] for pair in details.recordings.values()]
    difference = await run_in_thread(partial(compare_error_rates, evaluation, details))
    intervals = [await run_in_thread(partial(rate_interval, [pair[place] for pair in pairs])) for place in (0, 1)]
    outcome, reason = _weigh(evaluation, details, parts, difference)
    if difference and outcome == "void":
        difference = difference.model_copy(update={"is_significant": None})
    first, second = (parts.get(part.id) for part in (evaluation.model1, evaluation.model2))
    remarks = [reason]
    if outcome != "not compared" and _are_trained_alike(first, second):
        remarks.append("Both models have the same base model and the same training data.")
    if isinstance(second, schemas.BaseModel):
        bases = await _if_readable(speech.models_list_base_models(locale=evaluation.locale))
        newest = next(iter(newest_first(bases or [])), None)
        if newest and second.created_date_time not in (None, newest.created_date_time):
            remarks.append(f"A newer base model exists: {quote(newest.display_name, 40)}.")
    if is_void(evaluation, parts) is None:
        remarks.append("Whether the models were trained with this dataset could not be read.")
    if speech.is_emulated:
        remarks.append("This is the emulator: it simulates recognition, so the rates are not real.")
    is_better = outcome == "better"
    endpoints = await _if_readable(speech.endpoints_list(locale=evaluation.locale)) if is_better else None
    return Verdict(outcome, " ".join(remarks), difference, intervals, endpoints)


async def _if_readable(listing: Awaitable[Listing[Listed]]) -> list[Listed] | None:
    """Return a whole list, None if it cannot be read."""
    try:
        found = await listing
    except SpeechError:
        return None
    return found.entities if found.complete else None


def is_void(evaluation: schemas.Evaluation, parts: Parts) -> bool | None:
    """Return whether a model of a test was trained with the test data, None if that is not known."""
    seen = [_has_seen(parts, part, evaluation.dataset.id) for part in (evaluation.model1, evaluation.model2)]
    return True if True in seen else None if None in seen else False


def _has_seen(parts: Parts, model: schemas.Reference, dataset: str) -> bool | None:
    found = parts.get(model.id)
    return found.is_trained_with(dataset) if isinstance(found, schemas.CustomModel | schemas.BaseModel) else None


def _weigh(
    evaluation: schemas.Evaluation, details: EvaluationDetails, parts: Parts, difference: ErrorRateDifference | None
) -> tuple[Outcome, str]:
    seen = (one for one in (evaluation.model1, evaluation.model2) if _has_seen(parts, one, evaluation.dataset.id))
    if (part := next(seen, None)) is not None:
        return "void", f"Void: {_name(parts, part)} was trained with this dataset."
    if evaluation.status != "Succeeded":
        return "unfinished", f"Not judged: the test is {word(evaluation.status)}."
    if difference is None:
        is_alone = evaluation.model1.id == evaluation.model2.id
        why = "Nothing was compared: the model was tested against itself."
        return "not compared", why if is_alone else "Not judged: the test gave no word error rates of two models."
    read = details.recordings.values()
    is_complete = details.listed == len(read)
    if difference.is_significant is None:
        utterances = f"{len(read)} utterances" if is_complete else f"only {len(read)} utterances could be read"
        return "too few", f"Not judged: {utterances}, {MIN_UTTERANCES} are needed."
    if is_complete and all(first.edits == second.edits for first, second in read):
        return "equal", "No difference: both models recognized the same."
    one, two = (100 * (evaluation.score(number).word_error_rate or 0) for number in (1, 2))
    rates = f"{one:.1f} % against {two:.1f} % of {_name(parts, evaluation.model2)}"
    if not difference.is_significant:
        return "not significant", f"Not significant: {rates}; with other recordings the order could be the reverse."
    return ("better", f"Better: {rates}.") if difference.absolute < 0 else ("worse", f"Worse: {rates}.")


def _are_trained_alike(first: object, second: object) -> bool:
    if not isinstance(first, schemas.CustomModel) or not isinstance(second, schemas.CustomModel):
        return False
    bases = [one.base_model.id if one.base_model else None for one in (first, second)]
    data = [{part.id for part in one.datasets or []} for one in (first, second)]
    return bases[0] == bases[1] is not None and data[0] == data[1] != set()


def _name(parts: Parts, part: schemas.Reference) -> str:
    found = parts.get(part.id)
    if not isinstance(found, schemas.BaseModel):
        return quote(found.display_name if found else part.id, 60)
    date = f" of {found.created_date_time:%Y-%m-%d}" if found.created_date_time else ""
    return f"base model {quote(found.display_name, 40)}{date}"


def steps_after_evaluation(
    evaluation: schemas.Evaluation, verdict: Verdict, parts: Parts, words: Sequence[str], here: str, again: int | None
) -> list[str]:
    """Return what follows from a test of the resource `here`, which may show words that the first model misses."""
    if not is_terminal(evaluation):
        return [wait_step("get_evaluation", again, here, evaluation=evaluation.id)]
    if evaluation.status == "Failed":
        return ["Correct what `error` names, then create_evaluation again."]
    if verdict.outcome == "void":
        listed = call_step("list_datasets", locale=evaluation.locale, kinds=["Acoustic"], resource=here)
        return [f"{listed}, then create_evaluation with recordings that neither model was trained with"]
    if verdict.outcome == "not compared":
        is_scored = evaluation.score(1).word_error_rate is not None
        compare = call_step(
            "create_evaluation",
            model=evaluation.model1.id,
            dataset=evaluation.dataset.id if is_scored else Choice("a dataset of kind Acoustic"),
            compare_with=Choice("another model"),
            resource=here,
        )
        return [f"Nothing was compared here. {compare}"]
    shown = call_step("get_evaluation", evaluation=evaluation.id, worst=10, words=20, resource=here)
    teach = f"{shown} shows what the first model misses"
    if words:
        named = ", ".join(quote(one, 40) for one in words[:MAX_NAMED_WORDS])
        teach = (
            f"For names a phrase list is the first thing to try, without training: transcribe takes {named} as "
            "`phrases`, with recordings as path, and "
            "applications pass the same list. Else write about five sentences with each of these words, and pass them "
            f'to upload_dataset as `lines` with kind="Language", locale="{word(evaluation.locale)}".'
        )
    return [teach, *_steps_of_endpoints(evaluation, verdict, parts, here)]


def _steps_of_endpoints(evaluation: schemas.Evaluation, verdict: Verdict, parts: Parts, here: str) -> list[str]:
    """Return what follows for the endpoints: only a better model replaces the compared one."""
    if verdict.outcome == "too few":
        return [f"Leave the endpoints as they are, and test with at least {MIN_UTTERANCES} recordings"]
    if verdict.outcome != "better":
        return ["Leave the endpoints as they are; this test does not show that the first model is better"]
    if verdict.endpoints is None:
        return [f"{call_step('list_endpoints', resource=here)} shows whether an endpoint has the compared model"]
    model = evaluation.model1.id
    hosts = [one for one in verdict.endpoints if one.model and one.model.id == evaluation.model2.id]
    if hosts:
        return [
            f"{call_step('deploy_model', model=model, endpoint=one.id, resource=here)} puts the better model into "
            f"endpoint {quote(one.display_name, 60)}, which has the compared one"
            for one in hosts[:MAX_NAMED_ENDPOINTS]
        ]
    if any(one.model and one.model.id == model for one in verdict.endpoints):
        return ["An endpoint has the better model already; leave it"]
    name = parts[model].display_name if model in parts else model
    new = call_step("deploy_model", model=model, display_name=name, resource=here)
    return [f"{new} deploys the better model to a new endpoint; no endpoint has the compared one"]


def rates_of(model: str, other: str, evaluations: Sequence[schemas.Evaluation]) -> tuple[float, float] | None:
    """Return the word error rates of two models in the newest evaluation that compares them, in this order."""
    for evaluation in evaluations:
        tested = enumerate((evaluation.model1, evaluation.model2), 1)
        rates = {part.id: evaluation.score(number).word_error_rate for number, part in tested}
        first, second = rates.get(model), rates.get(other)
        if first is not None and second is not None:
            return first, second
    return None
