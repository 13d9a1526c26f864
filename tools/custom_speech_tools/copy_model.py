"""copy_model: copy a trained model to another resource, once, and connect it there."""

from custom_speech_tools.guardrails.copy_plan import (
    CopyArguments,
    CopyPlan,
    StartedCopy,
    TargetState,
    plan_copy,
    read_copy,
    read_target,
    running_copy,
    start_copy_once,
)
from custom_speech_tools.guardrails.project_connection import ProjectConnection
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import Choice, call_step
from custom_speech_tools.runtime.parts import read_parts
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.presenters.copy import Copy, present_copy
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import SpeechError, schemas


async def copy_model(arguments: CopyArguments, call: CallContext) -> Copy:
    """Copy a trained custom model to another configured resource, in any region; its data stay.

    With project, the copy is connected there once it is done. Takes minutes; the same copy twice makes one.
    Then get_copy.
    """
    plan, target = await plan_copy(call, arguments), TargetState()
    started, existed = await running_copy(call, plan), True
    if started is None:
        target = await read_target(call, plan, allow_duplicate=arguments.allow_duplicate)
        started, existed = await start_copy_once(call, plan, target)
    operation, model = await _follow(call, plan, started, arguments.wait_seconds)
    steps = []
    if plan.project and not (model and ProjectConnection(plan.target, model, plan.project).is_made):
        copied = model.id if model else Choice("the `model` that get_copy returns")
        here = plan.target.resource.name
        steps = [call_step("connect_model", model=copied, project=plan.project.id, resource=here)]
    parts = await read_parts(plan.target, [model.project] if model else [], [plan.project])
    return present_copy(
        plan.source,
        operation,
        plan.target,
        model,
        parts,
        call.now(plan.source),
        copied=plan.model,
        already_existed=existed and model is not None,
        findings=(*plan.findings, *target.findings),
        remaining_steps=steps,
    )


async def _follow(
    call: CallContext, plan: CopyPlan, started: StartedCopy, wait_seconds: float
) -> tuple[schemas.Operation | None, schemas.CustomModel | None]:
    """Wait for the copy and connect it to its project; transient errors are left to the next steps."""
    operation, model = started.operation, started.model
    if operation:
        operation = await poll_until_terminal(call, operation, plan.source.operations_get_model_copy, wait_seconds)
    try:
        if operation and operation.copy_link:
            model = await read_copy(call, plan.target, operation.copy_link, wait_seconds)
        if model and plan.project:
            model = await ProjectConnection(plan.target, model, plan.project).make(call, plan.findings)
    except SpeechError as error:
        if not error.is_transient:
            raise
    return operation, model


tool = declare(copy_model, "Copy a custom model", Annotations.UPDATE, "models")
