"""The steps of a rollout: test, copy, connect and deploy, on every target at once, each as far as is possible now."""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field, replace

import anyio
from pydantic import JsonValue

from custom_speech_tools.guardrails.copy_plan import (
    CopyPlan,
    StartedCopy,
    TargetState,
    last_operation,
    read_copy,
    start_copy_once,
)
from custom_speech_tools.guardrails.copy_plan import read_target as authorize
from custom_speech_tools.guardrails.deployment_plan import DeploymentFacts, check_deployment, deploy
from custom_speech_tools.rollout.gate import GATE_PROPERTY, complete_gate
from custom_speech_tools.rollout.plan import RolloutPlan
from custom_speech_tools.rollout.target import COPIES_PROPERTY, Target, copies_note, read_endpoint
from custom_speech_tools.runtime.agreement import Agreement
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.confirmation import carry_out
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.lists import newest_first
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.presenters.model import COPIED_FROM_PROPERTY
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import AzureError, SpeechError, schemas
from custom_speech_tools.speech.concurrency import gather
from custom_speech_tools.speech.sanitize import reason_clause, word


async def execute(call: CallContext, plan: RolloutPlan, agreement: Agreement, wait_seconds: float) -> RolloutPlan:
    """Do everything that is possible now, and return the plan as far as it is; a target that fails holds nothing back.

    Args:
        agreement: What the user agreed to, now or before; asked directly before each new endpoint.
        wait_seconds: How long the call may wait.
    """
    plan = replace(plan, gate=await complete_gate(call, plan.gate, wait_seconds))
    steps = Steps(call, plan, agreement, wait_seconds, plan.model)
    try:
        if not plan.gate.is_open:
            if plan.gate.passed is False:
                await steps.note()
            return plan
        targets = await steps.start_copies([one for one in plan.targets if not one.stopped])
    except AzureError as error:
        if not is_conflict(error):
            raise
        waiting = (one if one.stopped else one.stop(str(error), is_failed=False) for one in plan.targets)
        return replace(plan, targets=tuple(waiting))
    going = await gather(*(steps.guarded(one, steps.follow(one)) for one in targets if not one.stopped))
    return replace(plan, targets=tuple(_merged(plan.targets, targets, going)))


@dataclass(slots=True)
class Steps:
    """One call's part of a rollout.

    Attributes:
        model: The model with what has been noted on it.
        started: The copies that this call has started or found running, by resource.
    """

    call: CallContext
    plan: RolloutPlan
    agreement: Agreement
    wait_seconds: float
    model: schemas.CustomModel
    started: dict[str, StartedCopy] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """The seconds that the call may still wait."""
        return self.wait_seconds - self.call.elapsed()

    async def note(self, copies: Iterable[str] | None = None) -> None:
        """Keep the verdict and the copies that are begun in the model's properties, unless they stand there.

        A model that was not made here gets a key, by which its copies are known.
        """
        present = self.model.custom_properties or {}
        key = present.get(KEY_PROPERTY) or idempotency_key("model", self.model.id)
        wanted = {KEY_PROPERTY: key, GATE_PROPERTY: self.plan.gate.explanation()}
        if copies is not None:
            wanted[COPIES_PROPERTY] = copies_note(self.plan.now, copies)
        missing = {name: value for name, value in wanted.items() if present.get(name) != value}
        if missing:
            writer = self.call.writer(self.plan.source, Decision(self.plan.findings))
            changes: dict[str, JsonValue] = {"customProperties": {**present, **missing}}
            self.model = await writer.models_update(self.model.id, changes)

    async def guarded(self, target: Target, step: Awaitable[Target]) -> Target:
        """Return the target after a step, stopped if the step failed."""
        try:
            return await step
        except (SpeechError, Refused) as error:
            return target.stop(str(error), is_failed=not (error.is_transient or is_conflict(error)))

    async def start_copies(self, targets: list[Target]) -> list[Target]:
        """Start the missing copies, after they were noted on the model; return all targets."""
        authorized: dict[str, TargetState] = {}
        missing = [one for one in targets if one.copy is None]
        prepared = await gather(*(self.guarded(one, self._prepare(one, authorized)) for one in missing))
        to_start = [one for one in prepared if one.tag in authorized]
        if not to_start:
            await self.note()
            return _merged(targets, prepared)
        begun = {one.tag for one in prepared if one.is_copying} | authorized.keys()
        await self.note(begun)
        results = await gather(*(self.guarded(one, self._start(one, authorized[one.tag])) for one in to_start))
        if refused := {one.tag for one in results if one.stopped}:
            await self.note(begun - refused)
        return _merged(targets, prepared, results)

    def _copy_plan(self, target: Target) -> CopyPlan:
        return CopyPlan(self.plan.source, target.speech, self.model, None, self.plan.findings, self.plan.read_at)

    async def _prepare(self, target: Target, authorized: dict[str, TargetState]) -> Target:
        """Find the copy that is on its way, else get the target's permission to copy."""
        plan = self._copy_plan(target)
        operation = await last_operation(self.call, plan)
        if operation and operation.status != "Failed" and (target.is_copying or not is_terminal(operation)):
            self.started[target.tag] = operation
        elif operation or not target.is_copying:
            authorized[target.tag] = await authorize(self.call, plan, allow_duplicate=False)
        return target

    async def _start(self, target: Target, ready: TargetState) -> Target:
        """Start the copy; one whose start is not certain will arrive, or be started again later."""
        try:
            self.started[target.tag], _ = await start_copy_once(self.call, self._copy_plan(target), ready)
        except (SpeechError, Refused) as error:
            is_uncertain = error.outcome_unknown if isinstance(error, SpeechError) else error.is_transient
            if not is_uncertain:
                raise
        return target

    async def follow(self, target: Target) -> Target:
        """Wait for the copy, connect it and deploy it."""
        if target.copy is None:
            target = await self._arrive(target)
        if target.copy is None or target.stopped:
            return target
        if not is_terminal(target.copy):
            copy = await read_copy(self.call, target.speech, target.copy.uri, self.wait_seconds)
            target = replace(target, copy=copy)
            if copy.status == "Failed":
                why = reason_clause(copy.error.message if copy.error else None)
                return target.stop(f"The copy {copy.id} failed{why}", is_failed=True)
            if copy.status != "Succeeded":
                return target
        if not target.is_connected:
            target = await self._connect(target)
        return await self.guarded(target, self._deploy(target)) if target.asked.endpoint else target

    async def _arrive(self, target: Target) -> Target:
        """Return the target with its copy, as soon as that is there."""
        started = self.started.get(target.tag)
        if isinstance(started, schemas.CustomModel):
            return replace(target, copy=started)
        target = replace(target, is_copying=True)
        if started is None:
            return target
        operation = await poll_until_terminal(
            self.call,
            started,
            self.plan.source.operations_get_model_copy,
            self.left,
            at_once=len(self.plan.targets),
        )
        if operation.status == "Failed":
            error = operation.error
            code = f" with {word(error.code)}" if error and error.code else ""
            why = reason_clause(error.message if error else None)
            return target.stop(f"The copy failed{code}{why}", is_failed=True)
        link = operation.copy_link
        copy = await read_copy(self.call, target.speech, link, self.wait_seconds) if link else None
        return replace(target, copy=copy)

    async def _connect(self, target: Target) -> Target:
        """Connect the copy to its project, and note on it where it comes from."""
        if (copy := target.copy) is None:
            return target
        key = (self.model.custom_properties or {}).get(KEY_PROPERTY, "")
        properties = {**(copy.custom_properties or {}), KEY_PROPERTY: key, COPIED_FROM_PROPERTY: self.model.id}
        changes: dict[str, JsonValue] = {"customProperties": dict(properties)}
        if isinstance(target.project, schemas.Project):
            changes["project"] = {"self": target.speech.resource.url(f"/projects/{target.project.id}")}
        writer = self.call.writer(target.speech, Decision(self.plan.findings))
        return replace(target, copy=await writer.models_update(copy.id, changes))

    async def _deploy(self, target: Target) -> Target:
        """Put the copy into the endpoint, or follow that if it has begun."""
        speech, endpoint = target.speech, target.endpoint
        if isinstance(endpoint, Finding) or target.copy is None:
            return target
        if endpoint is None or not target.is_deployed or endpoint.status == "Failed":
            target, endpoint = await self._begin_deployment(target, target.copy)
        elif not is_terminal(endpoint):
            endpoint = await speech.endpoints_get(endpoint.id)
        last = await poll_until_terminal(self.call, endpoint, speech.endpoints_get, self.left)
        target = replace(target, endpoint=last)
        if last.status != "Failed":
            return target
        why = reason_clause(last.error.message if last.error else None)
        return target.stop(f"The deployment failed{why}", is_failed=True)

    async def _begin_deployment(self, target: Target, copy: schemas.CustomModel) -> tuple[Target, schemas.Endpoint]:
        """Deploy the copy, to a new endpoint only if the user agreed to that one.

        The endpoint is read again directly before: days of training may have passed, or another run has made it.
        """
        speech, asked, read_at = target.speech, target.asked.endpoint or "", anyio.current_time()
        endpoint = await read_endpoint(speech, asked, copy.locale)
        is_new, is_tested = endpoint is None, self.plan.gate.beats_deployed
        evaluations = () if is_new or is_tested else (await speech.evaluations_list(status="Succeeded")).entities
        facts = DeploymentFacts(
            speech,
            self.call.now(speech),
            copy,
            endpoint,
            target.project if is_new else None,
            asked if is_new else None,
            evaluations=newest_first(evaluations),
            is_tested=is_tested,
            asked_as=asked,
        )
        plan = check_deployment(self.call, facts, read_at)
        effect = self.plan.effect_of(target) if is_new else None
        made, _ = await carry_out(self.call, self.agreement, effect, lambda how: deploy(self.call, plan, how))
        warnings = tuple(one for one in plan.findings if one.level == "warn" and one.rule != "hosting-is-charged")
        return replace(target, endpoint=made, warnings=warnings), made


def is_conflict(error: Exception) -> bool:
    """Return whether another run works on the same entity, which is waited for like the guardrail's "not yet"."""
    return isinstance(error, AzureError) and error.status == 409


def _merged(targets: Iterable[Target], *changed: Iterable[Target]) -> list[Target]:
    """Return the targets in their order, each as it was last changed."""
    latest = {one.asked.resource: one for one in (*targets, *(one for group in changed for one in group))}
    return [latest[one.asked.resource] for one in targets]
