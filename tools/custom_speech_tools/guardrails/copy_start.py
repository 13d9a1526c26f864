"""Starting a copy once: whoever started it before, in whatever process of this machine, its operation is found."""

from dataclasses import dataclass, replace

from custom_speech_tools.guardrails.copy_plan import CopyPlan, TargetState, find_copy, list_same_name
from custom_speech_tools.guardrails.copy_rules import may_be_copy
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.speech import AzureError, schemas


@dataclass(frozen=True, slots=True)
class StartedCopy:
    """A copy that was started: its operation, or the new model itself."""

    operation: schemas.Operation | None = None
    model: schemas.CustomModel | None = None


async def running_copy(call: CallContext, plan: CopyPlan) -> StartedCopy | None:
    """Return the same copy where it is still running, whichever process of this machine started it."""
    operation = await last_operation(call, plan)
    return None if operation is None or is_terminal(operation) else StartedCopy(operation=operation)


async def last_operation(call: CallContext, plan: CopyPlan) -> schemas.Operation | None:
    """Return the operation of the same copy that was last started from this machine."""
    made = call.app.idempotency.last_made(plan.key)
    known = made.operation.id if made and made.operation else call.app.audit.last_id(plan.key)
    if known is None:
        return None
    try:
        return await plan.source.operations_get_model_copy(known)
    except AzureError as error:
        if error.status != 404:
            raise
        return None


async def start_copy_once(call: CallContext, plan: CopyPlan, target: TargetState) -> tuple[StartedCopy, bool]:
    """Start the copy unless the same one is there or running; return it, and whether it existed."""
    if target.earlier_copy:
        return StartedCopy(model=target.earlier_copy), True

    async def find() -> StartedCopy | None:
        return await running_copy(call, plan) or await _find_new_copy(plan, target)

    return await call.app.idempotency.run(
        call, plan.key, lambda: _start(call, plan, target), find, read_at=plan.read_at
    )


async def _start(call: CallContext, plan: CopyPlan, target: TargetState) -> StartedCopy:
    """Start the copy by the target's authorization; without a resource id by the target's key (v3.2)."""
    writer = call.writer(plan.source, replace(plan.decision, findings=(*plan.findings, *target.findings)))
    if target.authorization:
        return StartedCopy(operation=await writer.models_copy(plan.model.id, target.authorization))
    key = await plan.target.resource.credential.key()
    return StartedCopy(model=await writer.models_copy_with_key(plan.model.id, key))


async def _find_new_copy(plan: CopyPlan, target: TargetState) -> StartedCopy | None:
    """Find a copy by its key; without one, a model of the name that did not exist before."""
    others = await list_same_name(plan)
    new = (model for model in others if model.id not in target.known and may_be_copy(plan.model, model))
    found = find_copy(plan.model, others) or next(new, None)
    return StartedCopy(model=found) if found else None
