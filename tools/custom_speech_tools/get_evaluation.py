"""get_evaluation: return the error rates of two models, the verdict, and the words that are missed most."""

from functools import partial
from typing import Annotated

from pydantic import Field

from custom_speech_data.scoring_result import missed_words
from custom_speech_tools.guardrails import evaluation_details
from custom_speech_tools.guardrails.entity_lookup import get_entity
from custom_speech_tools.guardrails.evaluation_verdict import read_report
from custom_speech_tools.presenters import evaluation as presenter
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import EVALUATION
from custom_speech_tools.runtime.parameters import Arguments, Limits, Reference, ResourceName, WaitSeconds
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related_and_earlier
from custom_speech_tools.runtime.results import Finding, warn
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech.tasks_and_threads import run_in_thread, task_group

STILL_VALID = "rates, counts and `hypothesis` are the service's and remain valid."


class GetEvaluationArguments(Arguments):
    """The arguments of get_evaluation."""

    evaluation: Reference
    worst: Annotated[int, Limits(0, 20), Field(description="Worst utterances to show, 0 to 20")] = 0
    words: Annotated[int, Limits(0, 50), Field(description="Most missed words to show, 0 to 50")] = 0
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None


async def get_evaluation(arguments: GetEvaluationArguments, call: CallContext) -> presenter.EvaluationAnswer:
    """Get an evaluation: word error rates of both models and their difference with its 95 % confidence interval.

    `verdict` says whether the first model is better, or why that is not known. Rates are fractions. `words` lists the
    words missed most, and whether they are in the training data.
    """
    speech = call.speech(arguments.resource)
    first = await get_entity(speech, EVALUATION, arguments.evaluation)
    last = await poll_until_terminal(call, first, speech.evaluations_get, arguments.wait_seconds)
    details, transcripts = evaluation_details.EvaluationDetails(), evaluation_details.Transcripts()
    if last.status == "Succeeded":
        async with task_group() as tasks:
            recognized = tasks.create_task(evaluation_details.read_details(speech, last))
            if arguments.worst or arguments.words:
                transcripts = await evaluation_details.read_transcripts(speech, last.dataset.id)
        details = recognized.return_value
    parts, earlier = await read_related_and_earlier(speech, last, [last.model1, last.model2, last.dataset])
    words, findings = None, list[Finding]()
    if transcripts.problem:
        message = f"What was said in the recordings is not known: {transcripts.problem}."
        findings.append(warn("details-readable", message, f"`reference` and `words` are left out; {STILL_VALID}"))
    pairs = [(transcripts.of(name), first) for name, (first, _) in details.recordings.items()]
    known = [(text, first) for text, first in pairs if text is not None]
    if arguments.words and known:
        missed, too_long = await run_in_thread(partial(missed_words, known, last.locale, arguments.words))
        if too_long:
            message = f"{too_long} recording(s) are too long to be compared word by word; `words` leaves them out."
            findings.append(warn("details-readable", message, f"Test with shorter recordings; {STILL_VALID}"))
        model, cache = parts.get(last.model1.id), call.app.training_words
        is_trained_with = await evaluation_details.read_training_words(cache, speech, model)
        words = presenter.present_word_errors(missed, is_trained_with)
    report = await read_report(speech, last, details, parts)
    worst = presenter.worst_utterances(details, transcripts, arguments.worst)
    return presenter.present_evaluation(report, call.now(speech), earlier, worst=worst, words=words, findings=findings)


tool = declare(get_evaluation, "Get an evaluation", Annotations.READ, "quality")
