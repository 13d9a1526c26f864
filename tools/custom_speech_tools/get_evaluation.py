"""get_evaluation: the error rates of two models, and whether their difference is significant."""

from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.references import EVALUATION, get_entity
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.evaluation_details import read_details
from custom_speech_tools.runtime.parameters import Arguments, Identifier, Limits, ResourceName, WaitSeconds
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.presenters.evaluation import Evaluation, present_evaluation
from custom_speech_tools.runtime.tool import Effect, declare


class GetEvaluationArguments(Arguments):
    """The arguments of get_evaluation."""

    evaluation: Annotated[Identifier, Field(description="Id, self URI or exact display name")]
    worst: Annotated[int, Limits(0, 20), Field(description="Worst utterances to show, 0 to 20")] = 0
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None


async def get_evaluation(arguments: GetEvaluationArguments, call: CallContext) -> Evaluation:
    """Get an evaluation: word error rates of both models, their difference with its 95 % confidence interval.

    `verdict` says whether the first model is really better. Rates are fractions. Then deploy_model.
    """
    speech = call.speech(arguments.resource)
    first = await get_entity(speech, EVALUATION, arguments.evaluation)
    last = await poll_until_terminal(call, first, lambda: speech.evaluations_get(first.id), arguments.wait_seconds)
    details = await read_details(speech, last) if last.status == "Succeeded" else {}
    return await present_evaluation(call, speech, last, details, worst=arguments.worst)


tool = declare(get_evaluation, "Get an evaluation", Effect.READ, "quality")
