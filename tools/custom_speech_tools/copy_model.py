"""copy_model: copy a trained model to another resource, once, and connect it there."""

from dataclasses import dataclass

from custom_speech_tools.guardrails.copy_plan import Copying, CopyPlan, earlier_copy, may_be_copy, name_is_free
from custom_speech_tools.guardrails.project_link import Connection
from custom_speech_tools.runtime.copy_operations import link_of, shown, watched
from custom_speech_tools.runtime.dependencies import WithApp
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import IdempotentExecutor
from custom_speech_tools.runtime.next_steps import call
from custom_speech_tools.runtime.parameters import ModelName, SourceResource, TargetProject, TargetResource, WaitSeconds
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.results import Copy, Finding
from custom_speech_tools.runtime.tool import writes
from custom_speech_tools.speech import SpeechError, schemas
from custom_speech_tools.speech.concurrency import together


async def copy_model(
    model: ModelName,
    to_resource: TargetResource,
    plan: Copying,
    connections: WithApp,
    project: TargetProject = None,
    wait_seconds: WaitSeconds = 0,
    resource: SourceResource = None,
) -> Copy:
    """Copy a trained custom model to another configured resource, in any region; data stays. With project, the copy
    is connected there once done. Takes minutes; the same copy twice makes one. Then get_copy."""
    ready = await _prepared(plan)
    started, existed = await _started(plan, ready, connections.once)
    operation = started.operation and await watched(plan.source, started.operation, wait_seconds, connections.pace)
    there = await _connected(plan, started.model, operation)
    findings, then = (*plan.findings, *ready.findings), _then(plan, there)
    return shown(plan.source, operation, plan.target, there, already_existed=existed, findings=findings, then=then)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What the target says before anything is copied."""

    authorization: schemas.ModelCopyAuthorization | None
    known: frozenset[str]
    """The models of the name that were there before."""
    earlier: schemas.CustomModel | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Started:
    """A copy that was started: an operation to look at, or the new model itself."""

    operation: schemas.Operation | None = None
    model: schemas.CustomModel | None = None


async def _prepared(plan: CopyPlan) -> _Prepared:
    source_id = plan.source.resource.resource_id
    async with together() as group:
        copies = group.start(_copies(plan))
        authorization = group.start(plan.target.models_authorize_copy(source_id)) if source_id else None
    there = copies.result
    earlier = earlier_copy(plan.model, there)
    taken = () if earlier else tuple(name_is_free(plan.model, there, plan.target.resource.name))
    if any(finding.level == "block" for finding in taken):
        raise Refused("Nothing was copied.", taken, "Then call again.")
    known = frozenset(model.id for model in there)
    return _Prepared(authorization.result if authorization else None, known, earlier, taken)


async def _started(plan: CopyPlan, ready: _Prepared, once: IdempotentExecutor) -> tuple[_Started, bool]:
    """The copy, and whether it was there already."""
    if ready.earlier:
        return _Started(model=ready.earlier), True
    started, earlier = await once.do(
        plan.request, plan.gathered, lambda: _start(plan, ready), lambda known: _look_for(plan, ready, known)
    )
    return started, earlier


async def _start(plan: CopyPlan, ready: _Prepared) -> _Started:
    """By the target's authorization; where no resource id is known, by the target's key as the article has it."""
    if ready.authorization:
        return _Started(operation=await plan.source.models_copy(plan.model.id, ready.authorization))
    key = await plan.target.resource.credential.key()
    return _Started(model=await plan.source.models_copy_with_key(plan.model.id, key))


async def _look_for(plan: CopyPlan, ready: _Prepared, known: _Started | None) -> _Started | None:
    """The same copy, asked for before: still on its way, or there.

    It carries the mark of its source; without one it is a model of the name that was not there before.
    """
    if known and known.operation:
        operation = await plan.source.operations_get_model_copy(known.operation.id)
        if not is_terminal(operation):
            return _Started(operation=operation)
    there = await _copies(plan)
    new = (model for model in there if model.id not in ready.known and may_be_copy(plan.model, model))
    found = earlier_copy(plan.model, there) or next(new, None)
    return _Started(model=found) if found else None


async def _copies(plan: CopyPlan) -> list[schemas.CustomModel]:
    name, locale = plan.model.display_name, plan.model.locale
    listing = await plan.target.models_list_custom_models(display_name=name, locale=locale)
    return [model for model in listing.entities if model.display_name == name]


async def _connected(
    plan: CopyPlan, made: schemas.CustomModel | None, operation: schemas.Operation | None
) -> schemas.CustomModel | None:
    """The copy as far as it is there. It is made already: an error that passes is left to the next steps."""
    there, link = made, link_of(operation)
    try:
        if link:
            there = await plan.target.models_get_custom_model(plan.target.credible_id(link))
        if there and plan.project:
            there = await Connection(plan.target, there, plan.project).made()
    except SpeechError as error:
        if not error.is_transient:
            raise
    return there


def _then(plan: CopyPlan, there: schemas.CustomModel | None) -> list[str]:
    """What remains when the copy could not be connected in time."""
    if plan.project is None or (there and Connection(plan.target, there, plan.project).stands):
        return []
    model, where = there.id if there else "<model of get_copy>", plan.target.resource.name
    return [call("connect_model", model=model, project=plan.project.id, resource=where)]


tool = writes(copy_model, "Copy a custom model", idempotent=True)
