"""Copying a model: the facts, the rules, the plan, and the start of a copy, which happens once.

Whoever started the same copy before, in any process of this machine, its operation is found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import anyio
from pydantic import Field, StringConstraints

from custom_speech_tools.guardrails.references import MODEL, describe, find, find_project
from custom_speech_tools.guardrails.resource_rules import (
    Findings,
    clocks_agree,
    failed_earlier,
    is_blocked,
    model_is_ready,
    parts_fit,
    resource_is_writable,
    run_rules,
)
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.parameters import (
    AllowDuplicate,
    Arguments,
    Identifier,
    ModelReference,
    SourceResource,
    WaitSeconds,
)
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.presenters.model import COPIED_FROM_PROPERTY
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.concurrency import task_group
from custom_speech_tools.speech.sanitize import quote, sanitize


class CopyArguments(Arguments):
    """The arguments of copy_model."""

    model: ModelReference
    to_resource: Annotated[
        str, StringConstraints(min_length=1, max_length=256), Field(description="Name of the resource to copy to")
    ]
    project: Annotated[Identifier | None, Field(description="On to_resource: id, self URI or exact name")] = None
    allow_duplicate: AllowDuplicate = False
    wait_seconds: WaitSeconds = 0
    resource: SourceResource = None


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """The facts on which the rules decide; a Finding stands in place of an entity that was not found.

    Attributes:
        now: The service's time.
        model: None if it is still to be trained.
    """

    source: Speech
    target: Speech
    now: datetime
    model: schemas.CustomModel | Finding | None
    project: schemas.Project | Finding | None


def named_parts_fit(facts: CopyFacts) -> Findings:
    """Require that source and target may be changed, as a copy is a POST to each, and that the project fits."""
    if facts.target.resource.name != facts.source.resource.name:
        yield from resource_is_writable(facts.source.resource)
    locale = facts.model.locale if isinstance(facts.model, schemas.CustomModel) else None
    yield from parts_fit(facts.target.resource, locale, facts.model, facts.project)


def target_is_another_resource(facts: CopyFacts) -> Findings:
    """Require another resource as the target."""
    if facts.source.resource.identity == facts.target.resource.identity:
        yield _same_resource(facts.target)


def copy_can_be_authorized(facts: CopyFacts) -> Findings:
    """Require the source's resource id, or what the older form of v3.2 needs: the target's key."""
    source, target = facts.source.resource, facts.target.resource
    if source.resource_id is None and not (source.api_version.copies_with_key and target.credential.has_key):
        message = f"Resource {source.name} has no resource_id in its configuration."
        fix = "Add its Azure resource id (/subscriptions/…/accounts/…) to its entry; copying needs it."
        yield block("copy-authorized", message, fix)


def model_can_be_copied(facts: CopyFacts) -> Findings:
    """Require a model that is trained and still transcribes; warn if the clock that says so differs."""
    if isinstance(facts.model, schemas.CustomModel):
        yield from model_is_ready(facts.model, facts.now, facts.source.resource.name)
    yield from clocks_agree(facts.source.clock.skew)


RULES = (named_parts_fit, target_is_another_resource, copy_can_be_authorized, model_can_be_copied)


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """A model that may be copied; `read_at` is when its facts were read (`anyio.current_time`)."""

    source: Speech
    target: Speech
    model: schemas.CustomModel
    project: schemas.Project | None
    findings: tuple[Finding, ...]
    read_at: float

    @property
    def key(self) -> str:
        """The idempotency key."""
        return idempotency_key("copy", self.model.id, self.target.resource.identity)


async def plan_copy(call: CallContext, arguments: CopyArguments) -> CopyPlan:
    """Fetch the facts and check them.

    Raises:
        Refused: A rule blocks the copy; every finding is listed.
    """
    source, target = call.speech(arguments.resource), call.speech(arguments.to_resource)
    read_at = anyio.current_time()
    async with task_group() as tasks:
        model_task = tasks.create_task(find(source, MODEL, arguments.model))
        project_task = tasks.create_task(find_project(target, arguments.project))
    model, project = model_task.return_value, project_task.return_value
    findings = run_rules(RULES, CopyFacts(source, target, call.now(source), model, project))
    if is_blocked(findings) or isinstance(model, Finding) or isinstance(project, Finding):
        raise Refused("Nothing was copied.", findings)
    return CopyPlan(source, target, model, project, findings, read_at)


@dataclass(frozen=True, slots=True)
class TargetState:
    """The state of the target before anything is copied.

    Attributes:
        known: Models of the name that existed before.
        earlier_copy: The same copy, made earlier.
        failed: The ids of failed models of the name: these are never the same copy.
    """

    authorization: schemas.ModelCopyAuthorization | None = None
    known: frozenset[str] = frozenset()
    earlier_copy: schemas.CustomModel | None = None
    findings: tuple[Finding, ...] = ()
    failed: tuple[str, ...] = ()


async def read_target(call: CallContext, plan: CopyPlan, *, allow_duplicate: bool) -> TargetState:
    """Authorize the copy on the target, and look there for the same copy and for models of the same name.

    Raises:
        Refused: The target has a model of the name that is not the same copy.
    """
    source_id = plan.source.resource.resource_id
    writer = call.writer(plan.target, Decision(plan.findings, plan.key))
    async with task_group() as tasks:
        copies = tasks.create_task(_list_same_name(plan))
        authorization = tasks.create_task(writer.models_authorize_copy(source_id)) if source_id else None
    others, failed = copies.return_value
    earlier, dead = find_copy(plan.model, others), find_copy(plan.model, failed)
    taken = () if earlier else tuple(name_is_free(plan.model, others, plan.target, allow_duplicate=allow_duplicate))
    if is_blocked(taken):
        raise Refused("Nothing was copied.", taken)
    if dead and not earlier:
        taken = (*taken, failed_earlier("copy of this model, model", dead, "delete_entity removes it."))
    authorized, known = authorization.return_value if authorization else None, frozenset(one.id for one in others)
    return TargetState(authorized, known, earlier, taken, tuple(one.id for one in failed))


def name_is_free(
    model: schemas.CustomModel, others: Iterable[schemas.CustomModel], target: Speech, *, allow_duplicate: bool
) -> Findings:
    """Require that no model on the target is the source, and none has its name unless a second one is wanted."""
    for other in others:
        if other.id == model.id:
            yield _same_resource(target)
            continue
        message = f"Resource {target.resource.name} already has a model {quote(other.display_name)}: "
        message += f"{describe(other)}. {_relation(model, other)}"
        fix = "If it is the copy you want, use connect_model on the target; allow_duplicate=true copies beside it."
        yield (warn if allow_duplicate else block)("already-exists", message, fix)


def _relation(model: schemas.CustomModel, other: schemas.CustomModel) -> str:
    """Return in a sentence whether another model of the name is the copy of a model."""
    if may_be_copy(model, other):
        return "It may be an earlier copy of this model by another program; nothing in it says so."
    properties = other.custom_properties or {}
    if other.datasets:
        why = "it was trained there"
    elif source := properties.get(COPIED_FROM_PROPERTY):
        why = f"it was copied from model {sanitize(source)}"
    else:
        why = "another request made it" if KEY_PROPERTY in properties else "it is older than this model"
    return f"It is not the copy: {why}."


def _same_resource(target: Speech) -> Finding:
    fix = "Name another resource as to_resource; connect_model shows a model in another project."
    return block("same-resource", f"The model is on {target.resource.name} already.", fix)


def find_copy(model: schemas.CustomModel, others: Iterable[schemas.CustomModel]) -> schemas.CustomModel | None:
    """Return the copy: a rollout has noted the model as its source, or it has kept the key of its source."""
    key = (model.custom_properties or {}).get(KEY_PROPERTY)
    carried = [(other, other.custom_properties or {}) for other in others if other.id != model.id]
    by_source = (other for other, properties in carried if properties.get(COPIED_FROM_PROPERTY) == model.id)
    by_key = (other for other, properties in carried if key and properties.get(KEY_PROPERTY) == key)
    return next(by_source, None) or next(by_key, None)


def may_be_copy(model: schemas.CustomModel, other: schemas.CustomModel) -> bool:
    """Return whether another model of the name may be its copy.

    It may be one unless it carries a key, is older, or was trained with data of its own.
    """
    created, copied = model.created_date_time, other.created_date_time
    is_older = created is not None and copied is not None and copied < created
    return not (KEY_PROPERTY in (other.custom_properties or {}) or other.datasets or is_older)


@dataclass(frozen=True, slots=True)
class StartedCopy:
    """A copy that was started: its operation, or the new model itself."""

    operation: schemas.Operation | None = None
    model: schemas.CustomModel | None = None


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


async def running_copy(call: CallContext, plan: CopyPlan) -> StartedCopy | None:
    """Return the same copy if it is still running, whichever process of this machine started it."""
    operation = await last_operation(call, plan)
    return None if operation is None or is_terminal(operation) else StartedCopy(operation=operation)


async def read_copy(call: CallContext, target: Speech, link: str, wait_seconds: float) -> schemas.CustomModel:
    """Read a finished copy, and wait until it can be used for as long as the call has been told to wait."""
    model = await target.models_get_custom_model(target.credible_id(link))
    left = wait_seconds - call.elapsed()
    return await poll_until_terminal(call, model, target.models_get_custom_model, left)


async def start_copy_once(call: CallContext, plan: CopyPlan, target: TargetState) -> tuple[StartedCopy, bool]:
    """Start the copy unless the same one is there or running; return it, and whether it existed."""
    if target.earlier_copy:
        return StartedCopy(model=target.earlier_copy), True

    async def find_started() -> StartedCopy | None:
        if running := await running_copy(call, plan):
            return running
        others, _ = await _list_same_name(plan)
        # Without a key, a model of the name that did not exist before is the copy.
        new = (model for model in others if model.id not in target.known and may_be_copy(plan.model, model))
        found = find_copy(plan.model, others) or next(new, None)
        return StartedCopy(model=found) if found else None

    async def start() -> StartedCopy:
        writer = call.writer(plan.source, Decision((*plan.findings, *target.findings), plan.key))
        if target.authorization:
            return StartedCopy(operation=await writer.models_copy(plan.model.id, target.authorization))
        key = await plan.target.resource.credential.key()  # v3.2 without a resource id takes the target's key
        return StartedCopy(model=await writer.models_copy_with_key(plan.model.id, key))

    executor = call.app.idempotency
    return await executor.run(call, plan.key, start, find_started, read_at=plan.read_at, failed=target.failed)


async def _list_same_name(plan: CopyPlan) -> tuple[list[schemas.CustomModel], list[schemas.CustomModel]]:
    """Return the models of the name on the target, and apart from them those that failed."""
    name, locale = plan.model.display_name, plan.model.locale
    listing = await plan.target.models_list_custom_models(display_name=name, locale=locale)
    found = [model for model in listing.entities if model.display_name == name]
    return [one for one in found if one.status != "Failed"], [one for one in found if one.status == "Failed"]
