"""create_evaluation: compare two models on the same recordings, once per request."""

from custom_speech_tools.guardrails.evaluation_details import EvaluationDetails, read_details
from custom_speech_tools.guardrails.evaluation_facts import EvaluationArguments, gather_evaluation_facts
from custom_speech_tools.guardrails.evaluation_plan import evaluate, plan_evaluation
from custom_speech_tools.guardrails.evaluation_verdict import read_report
from custom_speech_tools.presenters.evaluation import EvaluationAnswer, present_evaluation
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related
from custom_speech_tools.runtime.tool import Annotations, declare


async def create_evaluation(arguments: EvaluationArguments, call: CallContext) -> EvaluationAnswer:
    """Compare a model with another model, by default its base model, on audio with transcripts.

    Takes minutes. A repeated request creates no second evaluation. Next: get_evaluation.
    """
    plan = plan_evaluation(await gather_evaluation_facts(call, arguments))
    speech = plan.speech
    first, existed = await evaluate(call, plan)
    last = await poll_until_terminal(call, first, speech.evaluations_get, arguments.wait_seconds)
    details = await read_details(speech, last) if last.status == "Succeeded" else EvaluationDetails()
    known = [plan.model, plan.compare_with, plan.dataset]
    parts = await read_related(speech, [last.model1, last.model2, last.dataset], known)
    report = await read_report(speech, last, details, parts)
    return present_evaluation(report, call.now(speech), already_existed=existed, findings=plan.findings)


tool = declare(create_evaluation, "Test a model", Annotations.CREATE, "quality")
