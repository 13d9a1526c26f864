"""The steps of a rollout (test, copy, connect and deploy), which are taken on all targets concurrently."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from custom_speech_tools.guardrails import copy_facts, copy_plan
from custom_speech_tools.guardrails.deployment_facts import DeploymentFacts
from custom_speech_tools.guardrails.deployment_plan import check_deployment, deploy
from custom_speech_tools.rollout.definition import DEPLOYED
from custom_speech_tools.rollout.gate import GATE_PROPERTY, complete_gate
from custom_speech_tools.rollout.plan import RolloutPlan
from custom_speech_tools.rollout.target import (
    COPIES_PROPERTY,
    Target,
    copy_can_be_deployed,
    find_rollout_endpoint,
    running_copies,
)
from custom_speech_tools.runtime.agreements import RULE_OF, Agreement
from custom_speech_tools.runtime.change_control import Decision
from custom_speech_tools.runtime.confirmation_flow import carry_out
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.speech import AzureError, SpeechError, schemas
from custom_speech_tools.speech.sanitize import reason_clause, word
from custom_speech_tools.speech.tasks_and_threads import gather

Step = Callable[[Target], Awaitable[Target]]


async def execute(call: CallContext, plan: RolloutPlan, agreement: Agreement, wait_seconds: float) -> RolloutPlan:
    """Take every step that is possible now, and return the new state. A failed target does not stop the others."""
    if (model := plan.model.trained) is None:
        return plan
    plan = replace(plan, gate=await complete_gate(call, plan.gate, wait_seconds))
    targets = {one.definition.resource: one for one in plan.targets}
    execution = Execution(call, plan, agreement, wait_seconds, model, targets)
    try:
        if plan.gate.is_open:
            await execution.start_copies()
        elif plan.gate.passed is False:
            await execution.update_properties()
    except AzureError as error:
        if not is_conflict(error):
            raise
        targets |= {name: replace(one, error=one.error or str(error)) for name, one in targets.items()}
    if plan.gate.is_open:
        await execution.take_step(execution.complete_target, execution.active_targets)
    return replace(plan, targets=tuple(targets.values()))


@dataclass(slots=True)
class Execution:
    """The execution of a rollout in one call."""

    call: CallContext
    plan: RolloutPlan
    agreement: Agreement
    wait_seconds: float
    model: schemas.CustomModel  # with its latest custom properties
    targets: dict[str, Target]  # the latest states, by resource

    @property
    def active_targets(self) -> list[Target]:
        """The targets without an error."""
        return [one for one in self.targets.values() if not one.error]

    async def take_step(self, step: Step, targets: Iterable[Target]) -> None:
        """Take a step on several targets concurrently."""
        for target in await gather(*(self._guarded(step, one) for one in targets)):
            self.targets[target.definition.resource] = target

    async def _guarded(self, step: Step, target: Target) -> Target:
        """Take a step. If it raises a SpeechError or Refused, return the target with the error."""
        try:
            return await step(target)
        except (SpeechError, Refused) as error:
            return replace(target, error=str(error), is_failed=not (error.is_transient or is_conflict(error)))

    async def update_properties(self) -> None:
        """Record the result of the gate and the running copies on the model, if they have changed.

        A model from another program gets an idempotency key, by which its copies are found.
        """
        present = self.model.custom_properties or {}
        key = present.get(KEY_PROPERTY) or idempotency_key("model", self.model.id)
        properties = {KEY_PROPERTY: key, GATE_PROPERTY: self.plan.gate.explanation()}
        every = self.targets.values()
        if any(one.authorization for one in every):
            tags = (one.tag for one in every if one.is_copying or (one.authorization and not one.error))
            properties[COPIES_PROPERTY] = running_copies(self.plan.now, tags)
        if changed := {name: value for name, value in properties.items() if present.get(name) != value}:
            writer = self.call.writer(self.plan.source, Decision(self.plan.findings))
            self.model = await writer.models_update(self.model.id, {"customProperties": {**present, **changed}})

    async def start_copies(self) -> None:
        """Record the missing copies on the model, and start them."""
        await self.take_step(self._authorize_copy, [one for one in self.active_targets if one.copy is None])
        await self.update_properties()
        await self.take_step(self._start_copy, [one for one in self.active_targets if one.authorization])
        await self.update_properties()  # without the copies that were refused

    async def _authorize_copy(self, target: Target) -> Target:
        """Find the running copy, or get the target's permission for a new copy."""
        plan = copy_plan.CopyPlan(self.plan.source, target.speech, self.model, None, self.plan.findings)
        operation = await copy_facts.last_operation(self.call, plan.source, plan.key)
        if operation and operation.status != "Failed" and (target.is_copying or not is_terminal(operation)):
            return replace(target, started_copy=operation)
        if target.is_copying and operation is None:
            return target
        return replace(target, authorization=await copy_plan.authorize_copy(self.call, plan, allow_duplicate=False))

    async def _start_copy(self, target: Target) -> Target:
        """Start the copy. If its start is uncertain, a later call finds it or starts it again."""
        plan = copy_plan.CopyPlan(self.plan.source, target.speech, self.model, None, self.plan.findings)
        authorization = target.authorization or copy_plan.CopyAuthorization()
        try:
            started, _ = await copy_plan.start_copy_once(self.call, plan, authorization)
        except (SpeechError, Refused) as error:
            if not (error.outcome_unknown if isinstance(error, SpeechError) else error.is_transient):
                raise
            return target
        return replace(target, started_copy=started)

    async def complete_target(self, target: Target) -> Target:
        """Wait for the copy, connect it and deploy it. The results of earlier steps remain if a step fails."""
        for step in (self._await_copy, self._connect, self._deploy):
            target = await self._guarded(step, target)
            if target.error or target.copy is None or target.copy.status != "Succeeded":
                break
        return target

    async def _await_copy(self, target: Target) -> Target:
        """Wait for the copy, and return the target with the copy if it exists."""
        copy, operation = target.copy, target.started_copy
        if isinstance(operation, schemas.CustomModel):
            copy, operation = operation, None
        if copy is None:
            target = replace(target, is_copying=True)
            if operation is None:
                return target
            read, count = self.plan.source.operations_get_model_copy, len(self.plan.targets)
            left = self.wait_seconds - self.call.elapsed()
            operation = await poll_until_terminal(self.call, operation, read, left, concurrent=count)
            if operation.status == "Failed":
                return _failed(target, "The copy", operation.error)
        link = copy.uri if copy else operation.copy_link if operation else None
        if link and not (copy and is_terminal(copy)):
            copy = await copy_facts.read_copy(self.call, target.speech, link, self.wait_seconds)
        target = replace(target, copy=copy)
        has_failed = copy is not None and copy.status == "Failed"
        return target.with_findings([*copy_can_be_deployed(target)]) if has_failed else target

    async def _connect(self, target: Target) -> Target:
        """Connect the copy to its project, and record its source on it."""
        if target.copy is None or target.is_connected:
            return target
        project = target.project if isinstance(target.project, schemas.Project) else None
        findings, source = self.plan.findings, self.model
        copy = await copy_plan.connect_to_project(self.call, target.speech, target.copy, project, findings, source)
        return replace(target, copy=copy)

    async def _deploy(self, target: Target) -> Target:
        """Deploy the copy, and wait until the deployment has ended."""
        named = target.definition.endpoint
        if named is None or target.copy is None:
            return target
        read, endpoint = target.speech.endpoints_get, target.endpoint
        if not isinstance(endpoint, schemas.Endpoint) or not target.is_deployed or endpoint.status == "Failed":
            target, endpoint = await self._start_deployment(target, named, target.copy)
        elif not is_terminal(endpoint):
            endpoint = await read(endpoint.id)
        last = await poll_until_terminal(self.call, endpoint, read, self.wait_seconds - self.call.elapsed())
        target = replace(target, endpoint=last)
        return _failed(target, "The deployment", last.error) if last.status == "Failed" else target

    async def _start_deployment(
        self, target: Target, named: str, copy: schemas.CustomModel
    ) -> tuple[Target, schemas.Endpoint]:
        """Deploy the copy to an existing endpoint, or to a new endpoint that the user has agreed to.

        The endpoint is read again, because another run may have created or deleted it since the plan was made.
        """
        speech, gate = target.speech, self.plan.gate
        endpoint = await find_rollout_endpoint(speech, named, copy.locale)
        project, name = (target.project, named) if endpoint is None else (None, None)
        facts = DeploymentFacts(speech, self.call.now(speech), copy, endpoint, project, name, requested_name=named)
        if gate.passed and gate.definition and gate.definition.compare_with == DEPLOYED:
            facts = replace(facts, is_evaluated=True)
        elif endpoint is not None:
            evaluations = (await speech.evaluations_list(status="Succeeded")).entities
            facts = replace(facts, evaluations=newest_first(evaluations))
        plan = check_deployment(self.call, facts)
        effect = self.plan.hosting_effect_on(target) if endpoint is None else None
        made, _ = await carry_out(self.call, self.agreement, effect, lambda how: deploy(self.call, plan, how))
        warnings = (one for one in plan.findings if one.level == "warn" and one.rule != RULE_OF["hosting"])
        return replace(target, endpoint=made, warnings=tuple(warnings)), made


def _failed(target: Target, step: str, error: schemas.EntityError | None) -> Target:
    """Return the target with the failure that the service reported."""
    code = f" with {word(error.code)}" if error and error.code else ""
    reason = reason_clause(error.message if error else None)
    return replace(target, error=f"{step} failed{code}{reason}", is_failed=True)


def is_conflict(error: Exception) -> bool:
    """Return whether another request is changing the same entity, so that the step can be repeated later."""
    return isinstance(error, AzureError) and error.status == 409
