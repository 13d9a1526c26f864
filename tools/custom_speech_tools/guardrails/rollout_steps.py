"""Carrying out a rollout: copy, connect and deploy on every target at once, each as far as is possible now."""

from collections.abc import Awaitable
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from custom_speech_tools.guardrails.copy_plan import CopyPlan, TargetState, read_target
from custom_speech_tools.guardrails.copy_start import StartedCopy, last_operation, start_copy_once
from custom_speech_tools.guardrails.deployment_plan import deploy, plan_deployment
from custom_speech_tools.guardrails.deployment_rules import DeploymentRequest
from custom_speech_tools.guardrails.rollout_facts import TargetFacts
from custom_speech_tools.guardrails.rollout_gate import DEPLOYED
from custom_speech_tools.guardrails.rollout_plan import RolloutPlan
from custom_speech_tools.guardrails.rollout_record import (
    AGREED_PROPERTY,
    AGREEMENT_LIFETIME,
    COPIES_PROPERTY,
    COPY_LIFETIME,
    GATE_PROPERTY,
    PENDING_PROPERTY,
    Record,
    missing_properties,
    record_of,
)
from custom_speech_tools.runtime.agreement import Agreement
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.presenters.copy import copy_link, read_copy
from custom_speech_tools.runtime.presenters.model import COPIED_FROM_PROPERTY
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import SpeechError, schemas
from custom_speech_tools.speech.concurrency import gather
from custom_speech_tools.speech.sanitize import sanitize


@dataclass(frozen=True, slots=True)
class TargetProgress:
    """A target as far as it is.

    Attributes:
        error: Why it does not go on.
        is_failed: Whether waiting will not help.
        findings: What the deployment's rules stated.
    """

    facts: TargetFacts
    error: str | None = None
    is_failed: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Rollout:
    """One call's part of a rollout.

    Attributes:
        wait_seconds: How long the call may wait.
        started: The copies that this call has started or found running, by resource.
    """

    call: CallContext
    plan: RolloutPlan
    confirmation: Agreement
    wait_seconds: float
    started: dict[str, StartedCopy] = field(default_factory=dict)

    @property
    def is_tested(self) -> bool:
        """True if the gate has compared the model with what the endpoints have."""
        return self.plan.gate.verdict.passed is True and self.plan.request.compare_with == DEPLOYED

    def copy_plan(self, target: TargetFacts) -> CopyPlan:
        """Return the plan of the copy to a target."""
        plan = self.plan
        return CopyPlan(plan.source, target.speech, plan.model, None, plan.findings, plan.read_at)

    def confirmation_of(self, target: TargetFacts) -> Agreement:
        """Return how the user agreed to the target's new endpoint: in this call, or in an earlier one."""
        agreed = Record.read(self.plan.model, AGREED_PROPERTY).recent(self.plan.now, AGREEMENT_LIFETIME)
        is_earlier = self.confirmation.how == "not charged" and target.agreement_tag in agreed
        return (
            replace(self.confirmation, how="by the user, earlier in this rollout") if is_earlier else self.confirmation
        )

    @property
    def left(self) -> float:
        """How many seconds the call may still wait."""
        return self.wait_seconds - self.call.elapsed()


async def save_properties(call: CallContext, plan: RolloutPlan, wanted: dict[str, str]) -> RolloutPlan:
    """Keep something in the model's properties; sends nothing where it stands there.

    A model that was not made here gets a key, by which its copies are known.
    """
    present = plan.model.custom_properties or {}
    key = present.get(KEY_PROPERTY) or idempotency_key("model", plan.model.id)
    if not (missing := missing_properties(plan.model, {KEY_PROPERTY: key, **wanted})):
        return plan
    writer = call.writer(plan.source, Decision(plan.findings))
    changed = await writer.models_update(plan.model.id, {"customProperties": {**present, **missing}})
    return replace(plan, model=changed)


async def advance(
    call: CallContext, plan: RolloutPlan, confirmation: Agreement, wait_seconds: float
) -> tuple[RolloutPlan, list[TargetProgress]]:
    """Do everything that is possible now on all targets; one that fails holds nothing back."""
    rollout = Rollout(call, plan, confirmation, wait_seconds)
    stopped = {one.asked.resource: found for one in plan.targets if (found := _stopped(plan, one))}
    going = [one for one in plan.targets if one.asked.resource not in stopped]
    plan, not_started = await _start_copies(rollout, going)
    stopped |= not_started
    rollout = replace(rollout, plan=plan)
    following = [one for one in going if one.asked.resource not in not_started]
    followed = await gather(*(_guarded(one, _follow(rollout, one)) for one in following))
    done = {one.facts.asked.resource: one for one in followed} | stopped
    return plan, [done[one.asked.resource] for one in plan.targets]


def _stopped(plan: RolloutPlan, target: TargetFacts) -> TargetProgress | None:
    if target.error:
        return TargetProgress(target, str(target.error), not target.error.is_transient)
    if faults := plan.faults[target.asked.resource]:
        text = " ".join(f"[{one.rule}] {one.message} {one.fix}" for one in faults)
        return TargetProgress(target, text, not all(one.remedy == "wait" for one in faults))
    return None


async def _guarded(target: TargetFacts, step: Awaitable[TargetProgress]) -> TargetProgress:
    try:
        return await step
    except SpeechError as error:
        return TargetProgress(target, str(error), not error.is_transient)
    except Refused as refusal:
        return TargetProgress(target, str(refusal), is_failed=not refusal.is_transient)


async def _start_copies(rollout: Rollout, going: list[TargetFacts]) -> tuple[RolloutPlan, dict[str, TargetProgress]]:
    """Start the missing copies, after they were noted on the model; return what could not be started."""
    call, plan = rollout.call, rollout.plan
    missing = [one for one in going if one.copy is None]
    prepared = await gather(*(_prepared(rollout, one) for one in missing))
    failed = {one.facts.asked.resource: one for one in prepared if isinstance(one, TargetProgress)}
    to_start = [(one, ready) for one, ready in zip(missing, prepared, strict=True) if isinstance(ready, TargetState)]
    wanted = {GATE_PROPERTY: str(plan.gate.verdict)}
    if not to_start:
        return await save_properties(call, plan, wanted), failed
    pending = {one.tag for one, _ in to_start}
    plan = await save_properties(call, plan, wanted | {PENDING_PROPERTY: record_of(plan.now, pending)})
    noted = replace(rollout, plan=plan)  # its model has a key by now, by which a copy is found
    results = await gather(*(_started(noted, one, ready) for one, ready in to_start))
    refused = {one.facts.asked.resource: one for one in results if one is not None}
    running = Record.read(plan.model, COPIES_PROPERTY).recent(plan.now, COPY_LIFETIME) & {one.tag for one in missing}
    started = {one.tag for one, _ in to_start if one.asked.resource in rollout.started}
    unknown = pending - started - {one.facts.tag for one in refused.values()}
    known = {COPIES_PROPERTY: running | started, PENDING_PROPERTY: unknown}
    plan = await save_properties(call, plan, {name: record_of(plan.now, tags) for name, tags in known.items()})
    return plan, failed | refused


async def _prepared(rollout: Rollout, target: TargetFacts) -> TargetState | TargetProgress | None:
    """Return the target's permission to copy, None where the copy is on its way, or why there is none."""
    copy_plan = rollout.copy_plan(target)
    try:
        operation = await last_operation(rollout.call, copy_plan)
        if operation and operation.status != "Failed" and (target.is_copying or not is_terminal(operation)):
            rollout.started[target.asked.resource] = StartedCopy(operation=operation)
            return None
        if target.is_copying and operation is None:
            return None
        return await read_target(rollout.call, copy_plan, allow_duplicate=False)
    except SpeechError as error:
        return TargetProgress(target, str(error), not error.is_transient)
    except Refused as refusal:
        return TargetProgress(target, str(refusal), is_failed=not refusal.is_transient)


async def _started(rollout: Rollout, target: TargetFacts, ready: TargetState) -> TargetProgress | None:
    """Start the copy; return why it certainly was not started."""
    try:
        started, _ = await start_copy_once(rollout.call, rollout.copy_plan(target), ready)
    except SpeechError as error:
        return None if error.outcome_unknown else TargetProgress(target, str(error), not error.is_transient)
    except Refused as refusal:
        # What an earlier request with an unknown outcome has made will arrive.
        return None if refusal.is_transient else TargetProgress(target, str(refusal), is_failed=True)
    rollout.started[target.asked.resource] = started
    return None


async def _follow(rollout: Rollout, target: TargetFacts) -> TargetProgress:
    """Wait for the copy, connect it and deploy it."""
    copied = await _arrived(rollout, target) if target.copy is None else TargetProgress(target)
    target = copied.facts
    if target.copy is None or copied.error:
        return copied
    if not is_terminal(target.copy):
        speech, identifier = target.speech, target.copy.id
        first = await speech.models_get_custom_model(identifier)
        copy = await poll_until_terminal(
            rollout.call, first, lambda: speech.models_get_custom_model(identifier), rollout.left
        )
        target = replace(target, copy=copy)
        if copy.status != "Succeeded":
            why = f": {sanitize(copy.error.message or '')}" if copy.error else ""
            error = f"The copy {copy.id} failed{why}." if copy.status == "Failed" else None
            return TargetProgress(target, error, is_failed=error is not None)
    if not target.is_connected:
        target = await _connect(rollout, target)
    return await _deploy(rollout, target) if target.asked.endpoint else TargetProgress(target)


async def _arrived(rollout: Rollout, target: TargetFacts) -> TargetProgress:
    """Return the target with its copy, as soon as that is there."""
    call, plan = rollout.call, rollout.plan
    started = rollout.started.get(target.asked.resource, StartedCopy())
    if started.model:
        return TargetProgress(replace(target, copy=started.model))
    if started.operation is None:
        return TargetProgress(replace(target, is_copying=True))
    identifier = started.operation.id
    operation = await poll_until_terminal(
        call,
        started.operation,
        lambda: plan.source.operations_get_model_copy(identifier),
        rollout.left,
        at_once=len(plan.targets),
    )
    if operation.status == "Failed":
        said = operation.error.message if operation.error else None
        why = f"{operation.error.code if operation.error else ''}: {said}" if said else "the service does not say why"
        return TargetProgress(target, f"The copy failed ({sanitize(why)}).", is_failed=True)
    link = copy_link(operation)
    if link is None:
        return TargetProgress(replace(target, is_copying=True))
    return TargetProgress(replace(target, copy=await read_copy(call, target.speech, link, rollout.wait_seconds)))


async def _connect(rollout: Rollout, target: TargetFacts) -> TargetFacts:
    """Connect the copy to its project, and note on it where it comes from."""
    copy, model = target.copy, rollout.plan.model
    if copy is None:
        return target
    key = (model.custom_properties or {}).get(KEY_PROPERTY, "")
    properties: dict[str, JsonValue] = {
        **(copy.custom_properties or {}),
        KEY_PROPERTY: key,
        COPIED_FROM_PROPERTY: model.id,
    }
    changes: dict[str, JsonValue] = {"customProperties": properties}
    if isinstance(target.project, schemas.Project):
        changes["project"] = {"self": target.speech.address_of(f"/projects/{target.project.id}")}
    writer = rollout.call.writer(target.speech, Decision(rollout.plan.findings))
    return replace(target, copy=await writer.models_update(copy.id, changes))


async def _deploy(rollout: Rollout, target: TargetFacts) -> TargetProgress:
    """Put the copy into the endpoint, or follow that where it has begun."""
    call, speech, endpoint, copy = rollout.call, target.speech, target.endpoint, target.copy
    if copy is None or isinstance(endpoint, Finding):
        return TargetProgress(target)
    findings: tuple[Finding, ...] = ()
    if endpoint is None or not target.is_deployed or endpoint.status == "Failed":
        request = DeploymentRequest(
            model=copy.id,
            endpoint=endpoint.id if endpoint else None,
            display_name=None if endpoint else target.asked.endpoint,
            project=target.project.id if endpoint is None and isinstance(target.project, schemas.Project) else None,
            logging=False,
            resource=target.asked.resource,
            is_tested=rollout.is_tested,
        )
        plan = await plan_deployment(call, request)
        endpoint, _ = await deploy(call, plan, rollout.confirmation_of(target).how)
        findings = tuple(one for one in plan.findings if one.level == "warn" and one.rule != "hosting-is-charged")
    elif not is_terminal(endpoint):
        endpoint = await speech.endpoints_get(endpoint.id)
    identifier = endpoint.id
    last = await poll_until_terminal(call, endpoint, lambda: speech.endpoints_get(identifier), rollout.left)
    target = replace(target, endpoint=last)
    if last.status != "Failed":
        return TargetProgress(target, findings=findings)
    why = last.error.message if last.error else "the service does not say why"
    return TargetProgress(target, f"The deployment failed ({sanitize(why or '')}).", True, findings)
