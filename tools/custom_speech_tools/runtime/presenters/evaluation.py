"""Evaluations in answers: the error rates of two models side by side, and whether their difference is significant."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

from custom_speech_data.missed_words import MissedWord
from custom_speech_data.significance import Pair, paired_bootstrap, rate_interval
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.evaluation_details import EvaluationDetails, Transcripts
from custom_speech_tools.runtime.lists import newest_first
from custom_speech_tools.runtime.polling import check_again_after, is_terminal
from custom_speech_tools.runtime.presenters.evaluation_steps import steps_after_test
from custom_speech_tools.runtime.presenters.references import (
    load_references,
    present_dataset_reference,
    present_reference,
)
from custom_speech_tools.runtime.presenters.verdict import is_void, weigh
from custom_speech_tools.runtime.resources import resource_fields
from custom_speech_tools.runtime.results import (
    Created,
    DatasetReference,
    EntityReference,
    FailureField,
    Finding,
    Findings,
    Listing,
    Moment,
    ResourceAnswer,
    Result,
    Sentence,
    ServiceText,
    optional,
    present_failure,
)
from custom_speech_tools.speech import Speech, SpeechError, paging, schemas
from custom_speech_tools.speech.concurrency import run_in_thread
from custom_speech_tools.speech.schemas import Listed

Rate = Annotated[float, PlainSerializer(lambda rate: round(rate, 4), return_type=float)]
"""A fraction, not percent."""

Interval = Annotated[list[Rate] | None, WithJsonSchema({"type": ["array", "null"]}, mode="serialization")]
"""The ends of a confidence interval."""


class EvaluatedModel(Result):
    """The result of one model; null until the evaluation has succeeded. `confidence_95` is about its error rate."""

    id: str
    display_name: ServiceText | None
    word_error_rate: Rate | None
    confidence_95: Interval = optional()
    insertions: int | None
    deletions: int | None
    substitutions: int | None
    words: int | None
    sentence_error_rate: Rate | None


class Difference(Result):
    """The word error rate of the first model minus that of the second: negative where the first is better.

    `confidence_95` is about `absolute`. `is_significant` is null if it cannot be judged, or if the test is void.
    """

    absolute: Rate
    relative: Rate | None
    relative_95: Interval
    confidence_95: Interval
    is_significant: bool | None


class WorstUtterance(Result):
    """A recording in which the first model made many errors; `reference` is null if no transcript could be read."""

    file: ServiceText
    reference: ServiceText | None
    hypothesis: ServiceText
    errors: int


class Word(Result):
    """A word that the first model misses or inserts; `in_training_data` is null if the data could not be read."""

    word: ServiceText
    missed: int
    of: int
    inserted: int
    recognized_as: list[ServiceText]
    in_training_data: bool | None


class Evaluation(ResourceAnswer):
    """An evaluation; `is_void` if a model was trained with the test data, null if that is not known."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    status: ServiceText
    dataset: DatasetReference
    models: list[EvaluatedModel]
    is_void: bool | None
    verdict: Sentence
    difference: Difference | None
    worst: Annotated[list[WorstUtterance], WithJsonSchema({"type": "array"}, mode="serialization")]
    words: Annotated[list[Word] | None, WithJsonSchema({"type": "array"}, mode="serialization")] = optional()
    created: Moment | None
    last_action: Moment | None
    error: FailureField | None
    already_existed: bool
    findings: Findings
    now: Moment
    check_again_after_seconds: int | None = optional()


class ListedEvaluation(Result):
    """An evaluation in a list."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    status: ServiceText
    dataset: DatasetReference
    is_void: bool | None
    models: list[EvaluatedModel]
    created: Moment | None = Created
    resource: str | None = optional()


class Evaluations(Listing):
    """The evaluations of a resource, newest first."""

    evaluations: list[ListedEvaluation]


async def present_evaluation(
    call: CallContext,
    speech: Speech,
    evaluation: schemas.Evaluation,
    details: EvaluationDetails,
    *,
    worst: Sequence[WorstUtterance] = (),
    words: list[Word] | None = None,
    already_existed: bool = False,
    findings: Sequence[Finding] = (),
) -> Evaluation:
    """Return an evaluation with the names of its parts; unknown names cost one concurrent round trip."""
    await load_references(speech, [evaluation.model1, evaluation.model2, evaluation.dataset, evaluation.project])
    now = call.now(speech)
    again = None if is_terminal(evaluation) else check_again_after(evaluation.created_date_time, now)
    difference = await run_in_thread(partial(compare, evaluation, details))
    bases: list[schemas.BaseModel] | None = None
    if isinstance(speech.known.get(evaluation.model2.id), schemas.BaseModel):
        bases = await _if_readable(speech.models_list_base_models(locale=evaluation.locale))
    newest = next(iter(newest_first(bases or [])), None)
    verdict = weigh(speech, evaluation, details, difference.is_significant if difference else None, newest)
    if difference and verdict.outcome == "void":
        difference = difference.model_copy(update={"is_significant": None})
    endpoints = None
    if verdict.outcome == "better":
        endpoints = await _if_readable(speech.endpoints_list(locale=evaluation.locale))
    return Evaluation(
        **resource_fields(speech),
        id=evaluation.id,
        display_name=evaluation.display_name,
        locale=evaluation.locale,
        status=evaluation.status,
        dataset=present_dataset_reference(speech, evaluation.dataset),
        models=await run_in_thread(partial(present_scores, speech, evaluation, details)),
        is_void=is_void(speech, evaluation),
        verdict=verdict.sentence,
        difference=difference,
        worst=list(worst),
        words=words,
        created=evaluation.created_date_time,
        last_action=evaluation.last_action_date_time,
        error=present_failure(evaluation.error),
        already_existed=already_existed,
        findings=[*findings, *_missing_rates(evaluation), *_unread_details(details)],
        now=now,
        check_again_after_seconds=again,
        next_steps=steps_after_test(speech, evaluation, verdict.outcome, endpoints, [one.word for one in words or []]),
    )


async def _if_readable(listing: Awaitable[paging.Listing[Listed]]) -> list[Listed] | None:
    """Return a whole list, None if it cannot be read: the evaluation is then shown without it."""
    try:
        found = await listing
    except SpeechError:
        return None
    return found.entities if found.complete else None


def present_scores(
    speech: Speech, evaluation: schemas.Evaluation, details: EvaluationDetails | None = None
) -> list[EvaluatedModel]:
    """Return both models with their results, and with the intervals of their rates if there are details."""
    pairs = details.recordings.values() if details else ()
    shown = []
    for number, model in ((1, evaluation.model1), (2, evaluation.model2)):
        interval = rate_interval([(pair[number - 1].words, pair[number - 1].errors) for pair in pairs])
        reference = present_reference(speech, model) or EntityReference(id=model.id, display_name=None)
        fields = evaluation.score(number)._asdict() | {"confidence_95": interval}
        shown.append(EvaluatedModel(id=reference.id, display_name=reference.display_name, **fields))
    return shown


def compare(evaluation: schemas.Evaluation, details: EvaluationDetails) -> Difference | None:
    """Return how the first model compares with the second, None without error rates of two models."""
    first, second = evaluation.score(1).word_error_rate, evaluation.score(2).word_error_rate
    if first is None or second is None or evaluation.model1.id == evaluation.model2.id:
        return None
    pairs = [Pair(one.words, one.errors, two.errors) for one, two in details.recordings.values()]
    found = paired_bootstrap(pairs)
    return Difference(
        absolute=first - second,
        relative=(first - second) / second if second else None,
        relative_95=list(found.relative) if found and found.relative else None,
        confidence_95=[found.low, found.high] if found else None,
        is_significant=found.is_significant if found else None,
    )


def worst_utterances(details: EvaluationDetails, transcripts: Transcripts, number: int) -> list[WorstUtterance]:
    """Return the recordings in which the first model made most errors, as the service counts them."""
    ranked = sorted(details.recordings.items(), key=lambda item: (-item[1][0].errors, item[0]))[:number]
    return [
        WorstUtterance(file=name, reference=transcripts.of(name), hypothesis=first.hypothesis, errors=first.errors)
        for name, (first, _) in ranked
        if first.errors
    ]


def present_words(found: Sequence[MissedWord], is_trained_with: Callable[[str], bool | None]) -> list[Word]:
    """Return the missed words, with whether the model was trained with them."""
    return [
        Word(
            word=one.word,
            missed=one.missed,
            of=one.of,
            inserted=one.inserted,
            recognized_as=one.alternatives,
            in_training_data=is_trained_with(one.word),
        )
        for one in found
    ]


def _missing_rates(evaluation: schemas.Evaluation) -> list[Finding]:
    """Warn if a finished evaluation says nothing about one of its models."""
    rates = [evaluation.score(number).word_error_rate for number in (1, 2)]
    if evaluation.status != "Succeeded" or None not in rates:
        return []
    return [
        Finding(
            rule="test-data-scorable",
            level="warn",
            message="The evaluation has ended without word error rates, so it does not say which model is better.",
            fix="Test with audio that has transcripts (kind Acoustic).",
        )
    ]


def _unread_details(details: EvaluationDetails) -> list[Finding]:
    read, listed = len(details.recordings), details.listed
    if listed is None or read == listed:
        return []
    return [
        Finding(
            rule="details-readable",
            level="warn",
            message=f"The details of {read} of {listed} recordings could be read; the interval, the worst utterances "
            "and the words are about these only.",
            fix="Rates and counts are the service's and cover all recordings; the same call can be repeated.",
        )
    ]
