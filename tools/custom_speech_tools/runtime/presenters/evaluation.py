"""Evaluations in answers: the error rates of two models side by side, and whether their difference is significant."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

from custom_speech_data.missed_words import MissedWord
from custom_speech_data.significance import MIN_UTTERANCES, Pair, paired_bootstrap, rate_interval
from custom_speech_tools.runtime.client_waits import suggested_wait
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.evaluation_details import EvaluationDetails, Transcripts
from custom_speech_tools.runtime.next_steps import Placeholder
from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.polling import check_again_after, is_terminal
from custom_speech_tools.runtime.presenters.references import (
    load_references,
    present_dataset_reference,
    present_reference,
)
from custom_speech_tools.runtime.presenters.resource import resource_fields
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
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import run_in_thread
from custom_speech_tools.speech.sanitize import quote, word

Rate = Annotated[float, PlainSerializer(lambda rate: round(rate, 4), return_type=float)]
"""A fraction, not percent."""


MAX_NAMED_WORDS = 10


class EvaluatedModel(Result):
    """The result of one model; null until the evaluation has succeeded. `confidence_95` is about its error rate."""

    id: str
    display_name: ServiceText | None
    word_error_rate: Rate | None
    confidence_95: list[Rate] | None = optional()
    insertions: int | None
    deletions: int | None
    substitutions: int | None
    words: int | None
    sentence_error_rate: Rate | None


class Difference(Result):
    """The word error rate of the first model minus that of the second: negative where the first is better."""

    absolute: Rate
    relative: Rate | None
    confidence_95: list[Rate] | None
    is_significant: bool | None
    verdict: Sentence


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
    """An evaluation."""

    id: str
    display_name: ServiceText
    locale: ServiceText
    status: ServiceText
    dataset: DatasetReference
    models: list[EvaluatedModel]
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
    return Evaluation(
        **resource_fields(speech),
        id=evaluation.id,
        display_name=evaluation.display_name,
        locale=evaluation.locale,
        status=evaluation.status,
        dataset=present_dataset_reference(speech, evaluation.dataset),
        models=await run_in_thread(partial(present_scores, speech, evaluation, details)),
        difference=await run_in_thread(partial(compare, evaluation, details)),
        worst=list(worst),
        words=words,
        created=evaluation.created_date_time,
        last_action=evaluation.last_action_date_time,
        error=present_failure(evaluation.error),
        already_existed=already_existed,
        findings=[*findings, *_missing_rates(evaluation), *_unread_details(details)],
        now=now,
        check_again_after_seconds=again,
        next_steps=_steps(speech, evaluation, words or []),
    )


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
    better = "lower" if first < second else "higher" if first > second else "the same"
    if found is None:
        verdict = f"Not judged: the details of only {len(pairs)} utterances could be read, {MIN_UTTERANCES} are needed."
    elif found.is_significant:
        verdict = f"The word error rate of the first model is {better}, and the difference is significant (95 %)."
    else:
        verdict = "Not significant: with other recordings of the same kind the order could be the reverse."
    return Difference(
        absolute=first - second,
        relative=(first - second) / second if second else None,
        confidence_95=[found.low, found.high] if found else None,
        is_significant=found.is_significant if found else None,
        verdict=verdict,
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


def _steps(speech: Speech, evaluation: schemas.Evaluation, words: Sequence[Word]) -> list[str]:
    here = speech.resource.name
    if not is_terminal(evaluation):
        wait = suggested_wait()
        return [call_step("get_evaluation", evaluation=evaluation.id, wait_seconds=wait, resource=here)]
    if evaluation.status == "Failed":
        return ["Correct what `error` names, then create_evaluation again."]
    one, two = (evaluation.score(number).word_error_rate for number in (1, 2))
    if one is None or two is None or evaluation.model1.id == evaluation.model2.id:
        again = call_step(
            "create_evaluation",
            model=evaluation.model1.id,
            dataset=evaluation.dataset.id if one is not None else Placeholder("dataset of kind Acoustic"),
            compare_with=Placeholder("another model"),
            resource=here,
        )
        return [f"{again} compares the model with another one; nothing was compared here"]
    deploy = call_step(
        "deploy_model", model=evaluation.model1.id, display_name=Placeholder("endpoint name"), resource=here
    )
    shown = call_step("get_evaluation", evaluation=evaluation.id, worst=10, words=20, resource=here)
    return [
        _step_against_missed_words(evaluation, words) if words else f"{shown} shows what the first model misses",
        f"{deploy} if the first model is better; otherwise train with more data",
    ]


def _step_against_missed_words(evaluation: schemas.Evaluation, words: Sequence[Word]) -> str:
    """Return how to teach the missed words; a phrase list needs no training, so it is the first thing to try."""
    named = ", ".join(quote(one.word, 40) for one in words[:MAX_NAMED_WORDS])
    return (
        f"For names a phrase list is the first thing to try, without training: transcribe takes {named} as `phrases`, "
        f"with recordings as path, and applications pass the same list. Else write about five "
        f'sentences with each of these words, and pass them to upload_dataset as `lines` with kind="Language", '
        f'locale="{word(evaluation.locale)}".'
    )
