"""get_evaluation: compare the error rates of two models, and show which words are missed."""

from functools import partial
from typing import Annotated

from pydantic import Field

from custom_speech_data.scoring_result import missed_words
from custom_speech_tools.guardrails.entity_lookup import EVALUATION, get_entity
from custom_speech_tools.guardrails.evaluation_texts import (
    EvaluationDetails,
    Transcripts,
    read_details,
    read_training_words,
    read_transcripts,
)
from custom_speech_tools.guardrails.evaluation_verdict import read_report
from custom_speech_tools.presenters.evaluation import (
    EvaluationAnswer,
    present_evaluation,
    present_word_errors,
    worst_utterances,
)
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.parameters import Arguments, Identifier, Limits, ResourceName, WaitSeconds
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related_and_earlier
from custom_speech_tools.runtime.results import Finding, warn
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.tasks_and_threads import run_in_thread, task_group


class GetEvaluationArguments(Arguments):
    """The arguments of get_evaluation."""

    evaluation: Annotated[Identifier, Field(description="Id, self URI or exact display name")]
    worst: Annotated[int, Limits(0, 20), Field(description="Worst utterances to show, 0 to 20")] = 0
    words: Annotated[int, Limits(0, 50), Field(description="Most missed words to show, 0 to 50")] = 0
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None


async def get_evaluation(arguments: GetEvaluationArguments, call: CallContext) -> EvaluationAnswer:
    """Get an evaluation: word error rates of both models, their difference with its 95 % confidence interval.

    `verdict` says whether the first model is better, or why that is not known. Rates are fractions. `words` shows what
    is missed most, and whether the model was trained with it.
    """
    speech = call.speech(arguments.resource)
    first = await get_entity(speech, EVALUATION, arguments.evaluation)
    last = await poll_until_terminal(call, first, speech.evaluations_get, arguments.wait_seconds)
    details, transcripts = EvaluationDetails(), Transcripts()
    if last.status == "Succeeded":
        async with task_group() as tasks:
            recognized = tasks.create_task(read_details(speech, last))
            wanted = arguments.worst or arguments.words
            said = tasks.create_task(read_transcripts(speech, last.dataset.id)) if wanted else None
        details, transcripts = recognized.return_value, said.return_value if said else transcripts
    known = [
        (text, first) for name, (first, _) in details.recordings.items() if (text := transcripts.of(name)) is not None
    ]
    parts, earlier = await read_related_and_earlier(speech, last, [last.model1, last.model2, last.dataset])
    words, findings = None, list[Finding]()
    if transcripts.problem:
        message = f"What was said in the recordings is not known: {transcripts.problem}."
        fix = "`reference` and `words` are left out; rates, counts and `hypothesis` are the service's and stand."
        findings.append(warn("details-readable", message, fix))
    if arguments.words and known:
        missed, too_long = await run_in_thread(partial(missed_words, known, last.locale, arguments.words))
        if too_long:
            message = f"{too_long} recording(s) are too long to be compared word by word; `words` leaves them out."
            fix = "Test with shorter recordings; rates and counts are the service's and stand."
            findings.append(warn("details-readable", message, fix))
        model = parts.get(last.model1.id)
        words = present_word_errors(missed, lambda _: None)
        if isinstance(model, schemas.CustomModel):
            words = present_word_errors(missed, await read_training_words(call.app.training_words, speech, model))
    report = await read_report(speech, last, details, parts)
    return present_evaluation(
        report,
        call.now(speech),
        earlier,
        worst=worst_utterances(details, transcripts, arguments.worst),
        words=words,
        findings=findings,
    )


tool = declare(get_evaluation, "Get an evaluation", Annotations.READ, "quality")
