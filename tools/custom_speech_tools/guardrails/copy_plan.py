"""Copies of models and their connection to projects: rules, plan and writes.

An identical copy that a process on this machine has started is reused, not started again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from custom_speech_tools.guardrails import copy_facts, shared_rules
from custom_speech_tools.guardrails.copy_facts import COPIED_FROM_PROPERTY, CopyFacts, gather_copy_facts
from custom_speech_tools.guardrails.entity_lookup import describe, link_to
from custom_speech_tools.runtime.change_control import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, sanitize
from custom_speech_tools.speech.tasks_and_threads import task_group

StartedCopy = schemas.CopyOperation | schemas.CustomModel  # the operation, or the copy itself if it exists already


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """The plan for copying a model that passed the rules."""

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
    """The permission to copy to the target, and the models there that have the source model's name."""

    granted: schemas.ModelCopyAuthorization | None = None  # None if the target's key authorizes the copy instead
    same_name: tuple[schemas.CustomModel, ...] = ()
    findings: tuple[Finding, ...] = ()


async def plan_copy(call: CallContext, source: Speech, target: Speech, model: str, project: str | None) -> CopyPlan:
    """Return the plan of a copy, or raise Refused with every finding if a rule blocks it."""
    facts = await gather_copy_facts(call, source, target, model, project)
    findings = tuple(check_copy(facts))
    blocked = shared_rules.is_blocked(findings)
    if blocked or not isinstance(facts.model, schemas.CustomModel) or isinstance(facts.project, Finding):
        raise Refused("Nothing was copied.", findings)
    return CopyPlan(source, target, facts.model, facts.project, findings)


async def plan_connection(
    call: CallContext, speech: Speech, model: str, project: str
) -> tuple[schemas.CustomModel, schemas.Project]:
    """Return the model and the project to connect, or raise Refused with every finding if a rule blocks it."""
    facts = await gather_copy_facts(call, speech, speech, model, project)
    found, to = facts.model, facts.project
    locale = found.locale if isinstance(found, schemas.CustomModel) else None
    findings = [*shared_rules.parts_fit(speech.resource, locale, found, to)]
    if isinstance(found, schemas.CustomModel) and found.status == "Failed":  # a running model may be connected
        findings += shared_rules.model_is_ready(found, facts.now, speech.resource.name)
    if findings or not isinstance(found, schemas.CustomModel) or not isinstance(to, schemas.Project):
        raise Refused("Nothing was connected.", findings)
    return found, to


def check_copy(facts: CopyFacts) -> shared_rules.Findings:
    """Require writable resources, a usable model, a project of the same locale, and a way to authorize the copy."""
    source, target, model = facts.source.resource, facts.target.resource, facts.model
    if target.name != source.name:  # a copy sends a POST request to both resources
        yield from shared_rules.parts_fit(source, None)
    locale = model.locale if isinstance(model, schemas.CustomModel) else None
    yield from shared_rules.parts_fit(target, locale, model, facts.project)
    if source.identity == target.identity:
        yield _same_resource(target.name)
    # In v3.2, the target's key can replace the resource id of the source.
    if source.resource_id is None and not (source.api_version.copies_with_key and target.credential.has_key):
        message = f"Resource {source.name} has no resource_id in its configuration."
        fix = "Its Azure resource id (/subscriptions/…/accounts/…) has to be added to its entry; copying needs it."
        yield block("copy-authorized", message, fix, "none")
    if isinstance(model, schemas.CustomModel):
        yield from shared_rules.model_is_ready(model, facts.now, source.name)
    yield from shared_rules.clocks_agree(facts.source.clock.skew)


async def authorize_copy(call: CallContext, plan: CopyPlan, *, allow_duplicate: bool) -> CopyAuthorization:
    """Return the target's authorization, or raise Refused if the target already has the model or its name."""
    source_id, target = plan.source.resource.resource_id, plan.target
    writer = call.writer(target, Decision(plan.findings, plan.key))
    async with task_group() as tasks:
        listed = tasks.create_task(copy_facts.list_same_name(target, plan.model))
        granted = tasks.create_task(writer.models_authorize_copy(source_id)) if source_id else None
    same_name, findings = listed.return_value, list[Finding]()
    others = copy_facts.without_failed(same_name)
    if copy_facts.find_copy(plan.model, others) is None:
        findings += name_is_free(plan.model, others, target, allow_duplicate=allow_duplicate)
        if shared_rules.is_blocked(findings):
            raise Refused("Nothing was copied.", findings)
        if failed := copy_facts.find_copy(plan.model, same_name):
            delete = call_step("delete_entity", kind="model", entity=failed.id, resource=target.resource.name)
            fix = f"{delete} removes it."
            findings.append(shared_rules.earlier_failure("copy of this model, model", failed, fix))
    return CopyAuthorization(granted.return_value if granted else None, same_name, tuple(findings))


def name_is_free(
    model: schemas.CustomModel, others: Iterable[schemas.CustomModel], target: Speech, *, allow_duplicate: bool
) -> shared_rules.Findings:
    """Require that the target does not have the source model or, without `allow_duplicate`, a model with its name."""
    resource_name = target.resource.name
    for other in others:
        if other.id == model.id:
            yield _same_resource(resource_name)
            continue
        properties, fix = other.custom_properties or {}, "With allow_duplicate=true, a second model is made."
        if copy_facts.may_be_copy(model, other):
            relation = "It may be a copy of this model by another program, but nothing in it says so."
            fix = f"If it is a copy, nothing has to be copied. {fix}"
        elif other.datasets:
            relation = "It is not a copy, because it was trained there."
        elif source := properties.get(COPIED_FROM_PROPERTY):
            relation = f"It is not a copy of this model, but of model {sanitize(source)}."
        elif KEY_PROPERTY in properties:
            relation = "It is not a copy of this model, because another request created it."
        else:
            relation = "It is not a copy, because it is older than this model."
        name = f"{quote(other.display_name)}: {describe(other)}"
        message = f"Resource {resource_name} already has a model {name}. {relation}"
        yield warn("already-exists", message, fix) if allow_duplicate else block("already-exists", message, fix)


def _same_resource(target: str) -> Finding:
    fix = "Name another resource as to_resource; connect_model moves a model to another project."
    return block("same-resource", f"The model is on {target} already.", fix)


async def start_copy_once(
    call: CallContext, plan: CopyPlan, authorization: CopyAuthorization
) -> tuple[StartedCopy, bool]:
    """Start the copy unless it exists or is running. Return it, and True if it existed before."""
    if earlier := copy_facts.find_copy(plan.model, copy_facts.without_failed(authorization.same_name)):
        return earlier, True
    known = {one.id: one.status for one in authorization.same_name}

    async def find_started() -> StartedCopy | None:
        if running := await copy_facts.running_copy(call, plan.source, plan.key):
            return running
        others = copy_facts.without_failed(await copy_facts.list_same_name(plan.target, plan.model))
        # Without an idempotency key, a model of the same name that did not exist before is the copy.
        new = (model for model in others if model.id not in known and copy_facts.may_be_copy(plan.model, model))
        return copy_facts.find_copy(plan.model, others) or next(new, None)

    async def start() -> StartedCopy:
        writer = call.writer(plan.source, Decision((*plan.findings, *authorization.findings), plan.key))
        if authorization.granted:
            return await writer.models_copy(plan.model.id, authorization.granted)
        key = await plan.target.resource.credential.key()  # v3.2 without a resource id takes the target's key
        return await writer.models_copy_with_key(plan.model.id, key)

    failed = [one for one, status in known.items() if status == "Failed"]
    return await call.app.idempotency.run(call, plan.key, start, find_started, failed)


async def connect_to_project(
    call: CallContext,
    speech: Speech,
    model: schemas.CustomModel,
    project: schemas.Project | None,
    findings: tuple[Finding, ...] = (),
    source_model: schemas.CustomModel | None = None,  # recorded as the source if the model is a copy
) -> schemas.CustomModel:
    """Connect a model to a project and return it; send nothing if nothing changes."""
    properties, changes = model.custom_properties or {}, dict[str, JsonValue]()
    if project and not copy_facts.is_connected(model, project):
        changes["project"] = link_to(speech, project)
    # A copy may have inherited the source of its source. The key tells it from other models of the name.
    if source_model and properties.get(COPIED_FROM_PROPERTY) != source_model.id:
        key = (source_model.custom_properties or {}).get(KEY_PROPERTY)
        recorded = {COPIED_FROM_PROPERTY: source_model.id} | ({KEY_PROPERTY: key} if key else {})
        changes["customProperties"] = {**properties, **recorded}
    return await call.writer(speech, Decision(findings)).models_update(model.id, changes) if changes else model


def replacement_note(before: schemas.Reference | None, after: schemas.CustomModel, parts: Entities) -> str | None:
    """Return a note about the model's previous project, or None if it was in no other project."""
    if before is None or (after.project and after.project.id == before.id):
        return None
    name = f"{quote(parts[before.id].display_name)} " if before.id in parts else ""
    return f"The model was in project {name}({before.id}) until now; a model has one project."
