"""copy_model: copy a trained model to another resource and connect the copy to a project."""

from typing import Annotated

from pydantic import Field, StringConstraints

from custom_speech_tools.guardrails import copy_plan
from custom_speech_tools.guardrails.copy_facts import is_connected, read_copy, running_copy
from custom_speech_tools.presenters.copy import Copy, present_copy
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import Choice, Value, call_step
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import SpeechError, schemas


class CopyModelArguments(parameters.Arguments):
    """The arguments of copy_model."""

    model: parameters.Reference
    to_resource: Annotated[
        str, StringConstraints(min_length=1, max_length=256), Field(description="Name of the resource to copy to")
    ]
    project: Annotated[
        parameters.Identifier | None, Field(description="Project on to_resource: id, self URI or exact name")
    ] = None
    allow_duplicate: parameters.AllowDuplicate = False
    wait_seconds: parameters.WaitSeconds = 0
    resource: parameters.SourceResource = None


async def copy_model(arguments: CopyModelArguments, call: CallContext) -> Copy:
    """Copy a trained custom model, without its datasets, to another configured resource in any region.

    With project, the finished copy is connected to it. Takes minutes; a repeated call creates no second copy. Then
    get_copy.
    """
    source, target = call.speech(arguments.resource), call.speech(arguments.to_resource)
    plan = await copy_plan.plan_copy(call, source, target, arguments.model, arguments.project)
    authorization, existed = copy_plan.CopyAuthorization(), True
    started: copy_plan.StartedCopy | None = await running_copy(call, source, plan.key)
    if started is None:
        authorization = await copy_plan.authorize_copy(call, plan, allow_duplicate=arguments.allow_duplicate)
        started, existed = await copy_plan.start_copy_once(call, plan, authorization)
    operation, model, before = await _follow(call, plan, started, arguments.wait_seconds)
    steps, project = [], plan.project
    if project and not (model and is_connected(model, project)):
        copied: Value = model.id if model else Choice("the `model` that get_copy returns")
        steps = [call_step("connect_model", model=copied, project=project.id, resource=target.resource.name)]
    parts = await read_related(target, [model.project, before] if model else [], [project])
    answer = present_copy(
        source,
        operation,
        target,
        model,
        parts,
        call.now(source),
        source_model=plan.model,
        already_existed=existed and model is not None,
        findings=(*plan.findings, *authorization.findings),
        remaining_steps=steps,
    )
    return answer.model_copy(update={"note": copy_plan.replacement_note(before, model, parts) if model else None})


async def _follow(
    call: CallContext, plan: copy_plan.CopyPlan, started: copy_plan.StartedCopy, wait_seconds: float
) -> tuple[schemas.CopyOperation | None, schemas.CustomModel | None, schemas.Reference | None]:
    """Wait for the copy and connect it to its project. After a transient error, the next steps complete the copy.

    Returns the operation, the copy, and the project that the copy was in before; each is None if unknown.
    """
    operation, model, before = None, None, None
    if isinstance(started, schemas.CopyOperation):
        operation = await poll_until_terminal(call, started, plan.source.operations_get_model_copy, wait_seconds)
    else:
        model = started
    try:
        if operation and operation.copy_link:
            model = await read_copy(call, plan.target, operation.copy_link, wait_seconds)
        if model and plan.project:
            before = model.project
            model = await copy_plan.connect_to_project(
                call, plan.target, model, plan.project, plan.findings, plan.model
            )
    except SpeechError as error:
        if not error.is_transient:
            raise
    return operation, model, before


tool = declare(copy_model, "Copy a custom model", Annotations.UPDATE, "models")
