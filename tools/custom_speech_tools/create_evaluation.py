"""create_evaluation: test a model and another one on the same recordings, once."""

from custom_speech_tools.guardrails.evaluation_plan import EvaluationArguments, evaluate, plan_evaluation
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.evaluation_details import EvaluationDetails, read_details
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.presenters.evaluation import Evaluation, present_evaluation
from custom_speech_tools.runtime.tool import Annotations, declare


async def create_evaluation(arguments: EvaluationArguments, call: CallContext) -> Evaluation:
    """Test a model on audio with transcripts, beside another model: is it better than Microsoft's base model?

    Takes minutes. The same request twice makes one test. Then get_evaluation.
    """
    plan = await plan_evaluation(call, arguments)
    speech = plan.speech
    first, existed = await evaluate(call, plan)
    last = await poll_until_terminal(call, first, lambda: speech.evaluations_get(first.id), arguments.wait_seconds)
    details = await read_details(speech, last) if last.status == "Succeeded" else EvaluationDetails()
    return await present_evaluation(call, speech, last, details, already_existed=existed, findings=plan.findings)


tool = declare(create_evaluation, "Test a model", Annotations.CREATE, "quality")
