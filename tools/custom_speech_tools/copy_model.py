"""copy_model: copy a trained model to another resource, once, and connect it there."""

from dataclasses import dataclass, replace

from mcp.server.mcpserver import Context

from custom_speech_tools.call.arguments import ModelName, SourceResource, TargetProject, TargetResource, WaitSeconds
from custom_speech_tools.call.connections import Connected
from custom_speech_tools.call.copies import link_of, shown, watched
from custom_speech_tools.call.declaration import writes
from custom_speech_tools.call.next_steps import call
from custom_speech_tools.call.refusal import Refused
from custom_speech_tools.call.results import Copy, Finding
from custom_speech_tools.guardrails.connecting import Connection
from custom_speech_tools.guardrails.copy_plan import Copying, CopyPlan, earlier_copy, name_is_free
from custom_speech_tools.speech import AnswerLost, AzureError, wire
from custom_speech_tools.speech.side_by_side import together


async def copy_model(
    model: ModelName,
    to_resource: TargetResource,
    plan: Copying,
    connections: Connected,
    ctx: Context,
    project: TargetProject = None,
    wait_seconds: WaitSeconds = 0,
    resource: SourceResource = None,
) -> Copy:
    """Copy a trained custom model to another configured resource, in any region; data stays. With project, the copy
    is connected there once done. Takes minutes; the same copy twice makes one. Then get_copy."""
    started, earlier = await connections.once.do(plan.request, plan.gathered, lambda: _start(plan))
    operation = started.operation and await watched(plan.source, started.operation, wait_seconds, connections.pace, ctx)
    there = started.model or await _arrived(plan, operation)
    if there and plan.project:
        there = await Connection(plan.target, there, plan.project).made()
    existed = earlier or started.already_existed
    return shown(
        plan.source, operation, plan.target, there, already_existed=existed, findings=started.findings, then=_then(plan)
    )


@dataclass(frozen=True, slots=True)
class _Started:
    """A copy that was started: an operation to look at, or the new model itself."""

    operation: wire.Operation | None = None
    model: wire.CustomModel | None = None
    already_existed: bool = False
    findings: tuple[Finding, ...] = ()


async def _start(plan: CopyPlan) -> _Started:
    source_id = plan.source.resource.resource_id
    async with together() as group:
        there = group.start(_copies(plan))
        authorization = group.start(plan.target.models_authorize_copy(source_id)) if source_id else None
    if earlier := earlier_copy(plan.model, there.result):
        return _Started(model=earlier, already_existed=True)
    taken = tuple(name_is_free(plan.model, there.result))
    if any(finding.level == "block" for finding in taken):
        raise Refused("Nothing was copied.", taken, "Then call again.")
    try:
        return replace(await _copy(plan, authorization.result if authorization else None), findings=taken)
    except (AnswerLost, AzureError) as error:
        if isinstance(error, AzureError) and error.status < 500:
            raise
        return await _look_for(plan, there.result, error)


async def _copy(plan: CopyPlan, authorization: wire.ModelCopyAuthorization | None) -> _Started:
    """By the target's authorization; where no resource id is known, by the target's key as the article has it."""
    if authorization:
        return _Started(operation=await plan.source.models_copy(plan.model.id, authorization))
    key = await plan.target.resource.credential.key()
    return _Started(model=await plan.source.models_copy_with_key(plan.model.id, key))


async def _arrived(plan: CopyPlan, operation: wire.Operation | None) -> wire.CustomModel | None:
    link = link_of(operation)
    return await plan.target.models_get_custom_model(plan.target.credible_id(link)) if link else None


def _then(plan: CopyPlan) -> list[str]:
    """What remains when the time ran out before the copy could be connected."""
    if plan.project is None:
        return []
    there = plan.target.resource.name
    return [call("connect_model", model="<model of get_copy>", project=plan.project.id, resource=there)]


async def _copies(plan: CopyPlan) -> list[wire.CustomModel]:
    name, locale = plan.model.display_name, plan.model.locale
    listing = await plan.target.models_list_custom_models(display_name=name, locale=locale)
    return [model for model in listing.entities if model.display_name == name]


async def _look_for(plan: CopyPlan, before: list[wire.CustomModel], error: Exception) -> _Started:
    """The copy whose answer was lost: a model of the name that was not there before."""
    known = {model.id for model in before}
    for model in await _copies(plan):
        if model.id not in known:
            return _Started(model=model)
    raise error


tool = writes(copy_model, "Copy a custom model", idempotent=True)
