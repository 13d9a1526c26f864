"""Copying a model: the facts, the rules, the plan, the start of a copy, which happens once, and its connection.

Whoever started the same copy before, in any process of this machine, its operation is found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from custom_speech_tools.guardrails import shared_rules
from custom_speech_tools.guardrails.copy_facts import COPIED_FROM_PROPERTY, find_copy, is_connected, may_be_copy
from custom_speech_tools.guardrails.entity_lookup import describe, link_to
from custom_speech_tools.runtime.change_audit import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import AzureError, Speech, schemas
from custom_speech_tools.speech.sanitize import quote, sanitize
from custom_speech_tools.speech.task_groups import task_group


def check_copy(
    from_speech: Speech,
    to_speech: Speech,
    model: schemas.CustomModel | Finding | None,  # None if it is still to be trained
    project: schemas.Project | Finding | None,
    now: datetime,  # the service's time
) -> shared_rules.Findings:
    """Require parts that fit, another resource as the target, its authorization, and a model that can be used."""
    source, target = from_speech.resource, to_speech.resource
    if target.name != source.name:  # a copy is a POST to each of the two
        yield from shared_rules.parts_fit(source, None)
    locale = model.locale if isinstance(model, schemas.CustomModel) else None
    yield from shared_rules.parts_fit(target, locale, model, project)
    if source.identity == target.identity:
        yield _same_resource(target.name)
    # The older form of v3.2 takes the target's key in place of the source's id.
    if source.resource_id is None and not (source.api_version.copies_with_key and target.credential.has_key):
        message = f"Resource {source.name} has no resource_id in its configuration."
        fix = "Its Azure resource id (/subscriptions/…/accounts/…) has to be added to its entry; copying needs it."
        yield block("copy-authorized", message, fix, "none")
    if isinstance(model, schemas.CustomModel):
        yield from shared_rules.model_is_ready(model, now, source.name)
    yield from shared_rules.clocks_agree(from_speech.clock.skew)


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """A model that may be copied."""

    source: Speech
    target: Speech
    model: schemas.CustomModel
    project: schemas.Project | None
    findings: tuple[Finding, ...]

    @property
    def key(self) -> str:
        """The idempotency key."""
        return idempotency_key("copy", self.model.id, self.target.resource.identity)


@dataclass(frozen=True, slots=True)
class CopyAuthorization:
    """The state of the target before anything is copied."""

    authorization: schemas.ModelCopyAuthorization | None = None
    same_name: tuple[schemas.CustomModel, ...] = ()
    findings: tuple[Finding, ...] = ()


async def authorize_copy(call: CallContext, plan: CopyPlan, *, allow_duplicate: bool) -> CopyAuthorization:
    """Authorize the copy on the target, and read its models of the name; raises Refused if one is not the same copy."""
    source_id = plan.source.resource.resource_id
    writer = call.writer(plan.target, Decision(plan.findings, plan.key))
    async with task_group() as tasks:
        copies = tasks.create_task(_list_same_name(plan))
        authorization = tasks.create_task(writer.models_authorize_copy(source_id)) if source_id else None
    same_name = copies.return_value
    others, failed = _usable(same_name), [one for one in same_name if one.status == "Failed"]
    earlier, dead = find_copy(plan.model, others), find_copy(plan.model, failed)
    taken = () if earlier else tuple(name_is_free(plan.model, others, plan.target, allow_duplicate=allow_duplicate))
    if shared_rules.is_blocked(taken):
        raise Refused("Nothing was copied.", taken)
    if dead and not earlier:
        delete = call_step("delete_entity", kind="model", entity=dead.id, resource=plan.target.resource.name)
        taken = (*taken, shared_rules.earlier_failure("copy of this model, model", dead, f"{delete} removes it."))
    return CopyAuthorization(authorization.return_value if authorization else None, same_name, taken)


def name_is_free(
    model: schemas.CustomModel, others: Iterable[schemas.CustomModel], target: Speech, *, allow_duplicate: bool
) -> shared_rules.Findings:
    """Require that no model on the target is the source, and none has its name unless a second one is wanted."""
    here = target.resource.name
    for other in others:
        if other.id == model.id:
            yield _same_resource(here)
            continue
        properties, fix = other.custom_properties or {}, "allow_duplicate=true copies beside it."
        if may_be_copy(model, other):
            relation = "It may be an earlier copy of this model by another program; nothing in it says so."
            fix = f"If it is, nothing has to be copied; {fix}"
        elif other.datasets:
            relation = "It is not the copy: it was trained there."
        elif source := properties.get(COPIED_FROM_PROPERTY):
            relation = f"It is not the copy: it was copied from model {sanitize(source)}."
        elif KEY_PROPERTY in properties:
            relation = "It is not the copy: another request made it."
        else:
            relation = "It is not the copy: it is older than this model."
        message = f"Resource {here} already has a model {quote(other.display_name)}: {describe(other)}. {relation}"
        yield warn("already-exists", message, fix) if allow_duplicate else block("already-exists", message, fix)


def _same_resource(target: str) -> Finding:
    fix = "Name another resource as to_resource; connect_model shows a model in another project."
    return block("same-resource", f"The model is on {target} already.", fix)


StartedCopy = schemas.Operation | schemas.CustomModel  # the operation, or the new model itself


async def last_operation(call: CallContext, plan: CopyPlan) -> schemas.Operation | None:
    """Return the operation of the same copy that was last started from this machine."""
    made = call.app.idempotency.last_result(plan.key)
    known = made.id if isinstance(made, schemas.Operation) else call.app.audit.last_id(plan.key)
    if known is None:
        return None
    try:
        return await plan.source.operations_get_model_copy(known)
    except AzureError as error:
        if error.status != 404:
            raise
        return None


async def running_copy(call: CallContext, plan: CopyPlan) -> schemas.Operation | None:
    """Return the same copy if it is still running, whichever process of this machine started it."""
    operation = await last_operation(call, plan)
    return None if operation is None or is_terminal(operation) else operation


async def read_copy(call: CallContext, target: Speech, link: str, wait_seconds: float) -> schemas.CustomModel:
    """Read a finished copy, and wait until it can be used for as long as the call has been told to wait."""
    model = await target.models_get_custom_model(target.credible_id(link))
    left = wait_seconds - call.elapsed()
    return await poll_until_terminal(call, model, target.models_get_custom_model, left)


async def start_copy_once(call: CallContext, plan: CopyPlan, target: CopyAuthorization) -> tuple[StartedCopy, bool]:
    """Start the copy unless the same one is there or running; return it, and whether it existed."""
    if earlier := find_copy(plan.model, _usable(target.same_name)):
        return earlier, True
    known = {one.id: one.status for one in target.same_name}

    async def find_started() -> StartedCopy | None:
        if running := await running_copy(call, plan):
            return running
        others = _usable(await _list_same_name(plan))
        # Without a key, a model of the name that did not exist before is the copy.
        new = (model for model in others if model.id not in known and may_be_copy(plan.model, model))
        return find_copy(plan.model, others) or next(new, None)

    async def start() -> StartedCopy:
        writer = call.writer(plan.source, Decision((*plan.findings, *target.findings), plan.key))
        if target.authorization:
            return await writer.models_copy(plan.model.id, target.authorization)
        key = await plan.target.resource.credential.key()  # v3.2 without a resource id takes the target's key
        return await writer.models_copy_with_key(plan.model.id, key)

    failed = [one for one, status in known.items() if status == "Failed"]
    return await call.app.idempotency.run(call, plan.key, start, find_started, failed)


async def _list_same_name(plan: CopyPlan) -> tuple[schemas.CustomModel, ...]:
    """Return the models of the name on the target."""
    name, locale = plan.model.display_name, plan.model.locale
    listing = await plan.target.models_list_custom_models(display_name=name, locale=locale)
    return tuple(model for model in listing.entities if model.display_name == name)


def _usable(models: Iterable[schemas.CustomModel]) -> list[schemas.CustomModel]:
    """Return the models that have not failed: a failed one is never the same copy."""
    return [model for model in models if model.status != "Failed"]


async def connect_to_project(
    call: CallContext,
    speech: Speech,
    model: schemas.CustomModel,
    project: schemas.Project,
    findings: tuple[Finding, ...] = (),
    copied: schemas.CustomModel | None = None,  # the model that it is a copy of, which is noted on it
) -> schemas.CustomModel:
    """Connect a model to a project of its resource and locale, and return it; send nothing if it is connected."""
    if is_connected(model, project):
        return model
    changes: dict[str, JsonValue] = {"project": link_to(speech, project)}
    if copied:
        changes["customProperties"] = {**(model.custom_properties or {}), COPIED_FROM_PROPERTY: copied.id}
    return await call.writer(speech, Decision(findings)).models_update(model.id, changes)


def replacement_note(before: schemas.Reference | None, after: schemas.CustomModel, parts: Entities) -> str | None:
    """Return what a model was connected to before, None if that was nothing or is still so."""
    if before is None or (after.project and after.project.id == before.id):
        return None
    name = f"{quote(parts[before.id].display_name)} " if before.id in parts else ""
    return f"The model was in project {name}({before.id}) until now; a model has one project."
