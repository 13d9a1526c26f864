"""copy_model: copy a trained model to another resource, once, and connect it there."""

from typing import Annotated

from pydantic import Field, StringConstraints

from custom_speech_tools.guardrails.copy_plan import CopyPlan, CopyRequest, TargetState, plan_copy, read_target
from custom_speech_tools.guardrails.copy_start import running_copy, start_copy_once
from custom_speech_tools.guardrails.project_link import ProjectLink
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import Placeholder, call_step
from custom_speech_tools.runtime.parameters import (
    AllowDuplicate,
    Arguments,
    Identifier,
    ModelReference,
    SourceResource,
    WaitSeconds,
)
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.presenters.copy import Copy, copy_link, present_copy, read_copy
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import SpeechError, schemas


class CopyModelArguments(Arguments):
    """The arguments of copy_model."""

    model: ModelReference
    to_resource: Annotated[
        str, StringConstraints(min_length=1, max_length=256), Field(description="Name of the resource to copy to")
    ]
    project: Annotated[Identifier | None, Field(description="On to_resource: id, self URI or exact name")] = None
    allow_duplicate: AllowDuplicate = False
    wait_seconds: WaitSeconds = 0
    resource: SourceResource = None


async def copy_model(arguments: CopyModelArguments, call: CallContext) -> Copy:
    """Copy a trained custom model to another configured resource, in any region; its data stay.

    With project, the copy is connected there once it is done. Takes minutes; the same copy twice makes one.
    Then get_copy.
    """
    plan = await plan_copy(
        call,
        CopyRequest(
            arguments.model,
            arguments.resource,
            arguments.to_resource,
            arguments.project,
            arguments.allow_duplicate,
        ),
    )
    target = TargetState(None, frozenset(), None, ())
    started, existed = await running_copy(call, plan), True
    if started is None:
        target = await read_target(call, plan, allow_duplicate=arguments.allow_duplicate)
        started, existed = await start_copy_once(call, plan, target)
    operation = started.operation and await poll_until_terminal(
        call,
        started.operation,
        lambda: plan.source.operations_get_model_copy(started.operation.id if started.operation else ""),
        arguments.wait_seconds,
    )
    model = await _finish(call, plan, started.model, operation, arguments.wait_seconds)
    return await present_copy(
        call,
        plan.source,
        operation,
        plan.target,
        model,
        copied=plan.model,
        already_existed=existed and model is not None,
        findings=(*plan.findings, *target.findings),
        remaining_steps=_remaining_steps(plan, model),
    )


async def _finish(
    call: CallContext,
    plan: CopyPlan,
    model: schemas.CustomModel | None,
    operation: schemas.Operation | None,
    wait_seconds: float,
) -> schemas.CustomModel | None:
    """Return the copy where it is there, connected to its project; transient errors are left to the next steps."""
    link = copy_link(operation)
    try:
        if link:
            model = await read_copy(call, plan.target, link, wait_seconds)
        if model and plan.project:
            model = await ProjectLink(plan.target, model, plan.project).link(call, plan.findings)
    except SpeechError as error:
        if not error.is_transient:
            raise
    return model


def _remaining_steps(plan: CopyPlan, model: schemas.CustomModel | None) -> list[str]:
    """Return what remains where the copy could not be connected in time."""
    if plan.project is None or (model and ProjectLink(plan.target, model, plan.project).is_linked):
        return []
    copied = model.id if model else Placeholder("model of get_copy")
    return [call_step("connect_model", model=copied, project=plan.project.id, resource=plan.target.resource.name)]


tool = declare(copy_model, "Copy a custom model", Annotations.UPDATE, "models")
