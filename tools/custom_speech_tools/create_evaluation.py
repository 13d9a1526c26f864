"""create_evaluation: test a model and another one on the same recordings, once."""

from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.evaluation_plan import evaluate, plan_evaluation
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.evaluation_details import EvaluationDetails, read_details
from custom_speech_tools.runtime.parameters import (
    Arguments,
    Identifier,
    ModelReference,
    OptionalProject,
    ResourceName,
    ShortText,
    WaitSeconds,
)
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.presenters.evaluation import Evaluation, present_evaluation
from custom_speech_tools.runtime.tool import Annotations, declare


class CreateEvaluationArguments(Arguments):
    """The arguments of create_evaluation."""

    model: ModelReference
    dataset: Annotated[Identifier, Field(description="Audio with transcripts: id, self URI or exact name")]
    compare_with: Annotated[
        Identifier | None, Field(description="Custom or base model; default: the model's base model")
    ] = None
    display_name: Annotated[ShortText | None, Field(description="Name; default: made of models and dataset")] = None
    project: OptionalProject = None
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None


async def create_evaluation(arguments: CreateEvaluationArguments, call: CallContext) -> Evaluation:
    """Test a model on audio with transcripts, beside another model: is it better than Microsoft's base model?

    Takes minutes. The same request twice makes one test. Then get_evaluation.
    """
    plan = await plan_evaluation(
        call,
        model=arguments.model,
        dataset=arguments.dataset,
        compare_with=arguments.compare_with,
        display_name=arguments.display_name,
        project=arguments.project,
        resource=arguments.resource,
    )
    speech = plan.speech
    first, existed = await evaluate(call, plan)
    last = await poll_until_terminal(call, first, lambda: speech.evaluations_get(first.id), arguments.wait_seconds)
    details = await read_details(speech, last) if last.status == "Succeeded" else EvaluationDetails()
    return await present_evaluation(call, speech, last, details, already_existed=existed, findings=plan.findings)


tool = declare(create_evaluation, "Test a model", Annotations.CREATE, "quality")
