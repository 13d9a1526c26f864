"""Results about model copies."""

from collections.abc import Sequence
from datetime import datetime

from custom_speech_tools.presenters.entity import present_reference
from custom_speech_tools.presenters.model import steps_after_model
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.next_steps import wait_step
from custom_speech_tools.runtime.polling import TERMINAL_STATUSES, check_again_after, expected_seconds, is_terminal
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.speech import Speech, schemas


class CopiedModel(results.Result):
    """A copy on the target resource."""

    resource: str
    id: str
    display_name: results.ServiceText
    locale: results.ServiceText
    status: results.ServiceText
    project: results.ReferenceField | None
    already_existed: bool


class Copy(results.ResourceAnswer):
    """A copy of a model; its `status` is Succeeded only once the copy can be used.

    `model` is null until the copy exists on the target.
    """

    operation: str | None
    status: results.ServiceText
    source: results.ReferenceField | None
    to_resource: str | None
    model: CopiedModel | None
    error: results.FailureField | None
    findings: results.Findings
    now: results.Moment
    check_again_after_seconds: int | None = results.optional()


def present_copy(
    source: Speech,
    operation: schemas.CopyOperation | None,
    target: Speech | None,
    model: schemas.CustomModel | None,  # the copy, None until it exists
    parts: Entities,  # the project of the copy
    now: datetime,
    *,
    source_model: schemas.CustomModel | None = None,
    already_existed: bool = False,
    findings: Sequence[results.Finding] = (),
    remaining_steps: Sequence[str] = (),  # to do once the copy exists
) -> Copy:
    """Return the known state of a copy."""
    status = operation.status if operation else "NotStarted"
    if model:
        status = model.status
    elif status == "Succeeded" and target:  # the copy has not been read yet
        status = "Running"
    expected = expected_seconds(is_emulated=source.is_emulated)
    again = check_again_after(operation.created_date_time if operation else None, now, expected)
    copied = None
    if target and model:
        own = {"id": model.id, "project": present_reference(model.project, parts), "already_existed": already_existed}
        copied = CopiedModel.model_validate(dict(model) | own | {"resource": target.resource.name})
    if target and model and is_terminal(model):
        steps = [*remaining_steps, *steps_after_model(target, model)]
    elif operation and operation.status == "Failed":
        steps = ["Nothing was created on the target. Correct what `error` names, then call copy_model again."]
    elif operation and operation.status == "Succeeded" and target is None:
        steps = ["The copy is on a resource that is not configured here; configure that resource to see the model."]
    elif operation is None and target and model:
        steps = [*steps_after_model(target, model, again), *remaining_steps]
    else:
        identifier = operation.id if operation else None
        steps = [wait_step("get_copy", again, source.resource.name, operation=identifier), *remaining_steps]
    return Copy(
        **results.resource_fields(source),
        operation=operation.id if operation else None,
        status=status,
        source=results.EntityReference.model_validate(source_model) if source_model else None,
        to_resource=target.resource.name if target else None,
        model=copied,
        error=results.present_failure(operation.error) if operation else None,
        findings=list(findings),
        now=now,
        check_again_after_seconds=None if status in TERMINAL_STATUSES else again,
        next_steps=steps,
    )
