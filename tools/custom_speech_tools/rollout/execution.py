"""The steps of a rollout: test, copy, connect and deploy, on every target at once, each as far as is possible now."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from pydantic import JsonValue

from custom_speech_tools.guardrails import copy_facts, copy_plan
from custom_speech_tools.guardrails.copy_facts import COPIED_FROM_PROPERTY
from custom_speech_tools.guardrails.copy_plan import authorize_copy
from custom_speech_tools.guardrails.deployment_facts import DeploymentFacts
from custom_speech_tools.guardrails.deployment_plan import check_deployment, deploy
from custom_speech_tools.guardrails.entity_lookup import link_to
from custom_speech_tools.rollout.definition import DEPLOYED
from custom_speech_tools.rollout.gate import GATE_PROPERTY, complete_gate
from custom_speech_tools.rollout.plan import RolloutPlan
from custom_speech_tools.rollout.target import COPIES_PROPERTY, Target, read_endpoint, running_copies_property
from custom_speech_tools.runtime.change_audit import Decision
from custom_speech_tools.runtime.confirmation_flow import carry_out
from custom_speech_tools.runtime.confirmation_policy import Agreement
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
    """Do everything that is possible now, and return what has been reached; a target that fails holds nothing back.

    Args:
        agreement: What the user agreed to, now or before; asked directly before each new endpoint.
        wait_seconds: How long the call may wait.
    """
    if (model := plan.model.trained) is None:
        return plan
    plan = replace(plan, gate=await complete_gate(call, plan.gate, wait_seconds))
    steps = Steps(call, plan, agreement, wait_seconds, model, {one.definition.resource: one for one in plan.targets})
    try:
        if plan.gate.is_open:
            await steps.start_copies()
        elif plan.gate.passed is False:
            await steps.update_properties()
    except AzureError as error:
        if not is_conflict(error):
            raise
        for one in steps.active_targets:
            steps.targets[one.definition.resource] = one.stop(str(error), is_failed=False)
    if plan.gate.is_open:
        await steps.run_step(steps.complete_target, steps.active_targets)
    return replace(plan, targets=tuple(steps.targets.values()))


@dataclass(slots=True)
class Steps:
    """One call's part of a rollout."""

    call: CallContext
    plan: RolloutPlan
    agreement: Agreement
    wait_seconds: float
    model: schemas.CustomModel  # with what has been noted on it
    targets: dict[str, Target]  # by resource, each in its latest state

    @property
    def active_targets(self) -> list[Target]:
        """The targets that nothing has stopped."""
        return [one for one in self.targets.values() if not one.error]

    async def run_step(self, step: Step, targets: Iterable[Target]) -> None:
        """Take a step on several targets at once."""
        for target in await gather(*(self._guarded(step, one) for one in targets)):
            self.targets[target.definition.resource] = target

    async def _guarded(self, step: Step, target: Target) -> Target:
        """Return the target after a step, stopped if the step failed."""
        try:
            return await step(target)
        except (SpeechError, Refused) as error:
            return target.stop(str(error), is_failed=not (error.is_transient or is_conflict(error)))

    async def update_properties(self) -> None:
        """Keep the verdict and the copies that are begun in the model's properties, unless they stand there.

        A model that was not made here gets a key, by which its copies are known.
        """
        present = self.model.custom_properties or {}
        key = present.get(KEY_PROPERTY) or idempotency_key("model", self.model.id)
        wanted = {KEY_PROPERTY: key, GATE_PROPERTY: self.plan.gate.explanation()}
        every = self.targets.values()
        if any(one.authorization for one in every):
            begun = (one.tag for one in every if one.is_copying or (one.authorization and not one.error))
            wanted[COPIES_PROPERTY] = running_copies_property(self.plan.now, begun)
        if missing := {name: value for name, value in wanted.items() if present.get(name) != value}:
            writer = self.call.writer(self.plan.source, Decision(self.plan.findings))
            self.model = await writer.models_update(self.model.id, {"customProperties": {**present, **missing}})

    async def start_copies(self) -> None:
        """Start the missing copies, after they were noted on the model."""
        await self.run_step(self._authorize_copy, [one for one in self.active_targets if one.copy is None])
        await self.update_properties()
        await self.run_step(self._start_copy, [one for one in self.active_targets if one.authorization])
        await self.update_properties()  # without those that were refused

    def _copy_plan(self, target: Target) -> copy_plan.CopyPlan:
        return copy_plan.CopyPlan(self.plan.source, target.speech, self.model, None, self.plan.findings)

    async def _authorize_copy(self, target: Target) -> Target:
        """Find the copy that is on its way, else get the target's authorization to copy."""
        plan = self._copy_plan(target)
        operation = await copy_facts.last_operation(self.call, plan.source, plan.key)
        if operation and operation.status != "Failed" and (target.is_copying or not is_terminal(operation)):
            return replace(target, started=operation)
        if target.is_copying and operation is None:
            return target
        return replace(target, authorization=await authorize_copy(self.call, plan, allow_duplicate=False))

    async def _start_copy(self, target: Target) -> Target:
        """Start the copy; if it is not certain that it was started, it arrives or is started again later."""
        authorization = target.authorization or copy_plan.CopyAuthorization()
        try:
            started, _ = await copy_plan.start_copy_once(self.call, self._copy_plan(target), authorization)
        except (SpeechError, Refused) as error:
            if not (error.outcome_unknown if isinstance(error, SpeechError) else error.is_transient):
                raise
            return target
        return replace(target, started=started)

    async def complete_target(self, target: Target) -> Target:
        """Wait for the copy, connect it and deploy it; if a step fails, what was reached before it is kept."""
        for step in (self._await_copy, self._connect, self._deploy):
            target = await self._guarded(step, target)
            if target.error or target.copy is None or target.copy.status != "Succeeded":
                break
        return target

    async def _await_copy(self, target: Target) -> Target:
        """Return the target with its copy, as soon as that is there."""
        copy, operation = target.copy, target.started
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
        return _failed(target, f"The copy {copy.id}", copy.error) if copy and copy.status == "Failed" else target

    async def _connect(self, target: Target) -> Target:
        """Connect the copy to its project, and note on it where it comes from."""
        if (copy := target.copy) is None or target.is_connected:
            return target
        key = (self.model.custom_properties or {}).get(KEY_PROPERTY, "")
        properties = {**(copy.custom_properties or {}), KEY_PROPERTY: key, COPIED_FROM_PROPERTY: self.model.id}
        changes: dict[str, JsonValue] = {"customProperties": dict(properties)}
        if isinstance(target.project, schemas.Project):
            changes["project"] = link_to(target.speech, target.project)
        writer = self.call.writer(target.speech, Decision(self.plan.findings))
        return replace(target, copy=await writer.models_update(copy.id, changes))

    async def _deploy(self, target: Target) -> Target:
        """Put the copy into the endpoint, and wait until it is live."""
        if target.definition.endpoint is None or target.copy is None:
            return target
        read, endpoint = target.speech.endpoints_get, target.endpoint
        if not isinstance(endpoint, schemas.Endpoint) or not target.is_deployed or endpoint.status == "Failed":
            target, endpoint = await self._begin_deployment(target, target.definition.endpoint, target.copy)
        elif not is_terminal(endpoint):
            endpoint = await read(endpoint.id)
        last = await poll_until_terminal(self.call, endpoint, read, self.wait_seconds - self.call.elapsed())
        target = replace(target, endpoint=last)
        return _failed(target, "The deployment", last.error) if last.status == "Failed" else target

    async def _begin_deployment(
        self, target: Target, asked: str, copy: schemas.CustomModel
    ) -> tuple[Target, schemas.Endpoint]:
        """Deploy the copy, to a new endpoint only if the user agreed to that one.

        The endpoint is read again directly before: days of training may have passed, or another run has made it.
        """
        speech, gate = target.speech, self.plan.gate
        endpoint = await read_endpoint(speech, asked, copy.locale)
        project, name = (target.project, asked) if endpoint is None else (None, None)
        facts = DeploymentFacts(speech, self.call.now(speech), copy, endpoint, project, name, requested_name=asked)
        if gate.passed and gate.definition and gate.definition.compare_with == DEPLOYED:
            facts = replace(facts, is_evaluated=True)
        elif endpoint is not None:
            evaluations = (await speech.evaluations_list(status="Succeeded")).entities
            facts = replace(facts, evaluations=newest_first(evaluations))
        plan = check_deployment(self.call, facts)
        effect = self.plan.effect_of(target) if endpoint is None else None
        made, _ = await carry_out(self.call, self.agreement, effect, lambda how: deploy(self.call, plan, how))
        warnings = tuple(one for one in plan.findings if one.level == "warn" and one.rule != "hosting-is-charged")
        return replace(target, endpoint=made, warnings=warnings), made


def _failed(target: Target, what: str, error: schemas.EntityError | None) -> Target:
    """Return the target, stopped by a failure that the service reports."""
    code = f" with {word(error.code)}" if error and error.code else ""
    return target.stop(f"{what} failed{code}{reason_clause(error.message if error else None)}", is_failed=True)


def is_conflict(error: Exception) -> bool:
    """Return whether another run works on the same entity, which is waited for like the guardrail's "not yet"."""
    return isinstance(error, AzureError) and error.status == 409
