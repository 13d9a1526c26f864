"""roll_out: test a model and bring it to many resources, as far as is possible now; the next call goes on."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.rollout_facts import RolloutArguments
from custom_speech_tools.guardrails.rollout_gate import Gate, complete_gate
from custom_speech_tools.guardrails.rollout_plan import RolloutPlan, plan_rollout, replaced_model
from custom_speech_tools.guardrails.rollout_record import AGREED_PROPERTY, GATE_PROPERTY, record_of
from custom_speech_tools.guardrails.rollout_steps import TargetProgress, advance, save_properties
from custom_speech_tools.runtime.confirmation import confirmed_plan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.parameters import Confirm, ModelReference, WaitSeconds
from custom_speech_tools.runtime.polling import DEFAULT_WAIT_SECONDS, check_again_after
from custom_speech_tools.runtime.presenters.evaluation import Rate
from custom_speech_tools.runtime.presenters.references import load_references, present_reference
from custom_speech_tools.runtime.presenters.resource import resource_fields
from custom_speech_tools.runtime.results import (
    EntityReference,
    Finding,
    Findings,
    Moment,
    ResourceAnswer,
    Result,
    Sentence,
    optional,
)
from custom_speech_tools.runtime.tool import Effect, declare
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.concurrency import gather


class RollOutArguments(RolloutArguments):
    """The arguments of roll_out."""

    model: ModelReference
    confirm: Confirm = None
    wait_seconds: WaitSeconds = 0


class ComparedModel(EntityReference):
    """The model that the new one has to beat."""

    word_error_rate: Rate | None


class GateResult(Result):
    """The gate; `passed` is null while it is not judged, and where no test was asked for."""

    passed: bool | None
    word_error_rate: Rate | None
    compared_with: ComparedModel | None
    evaluation: str | None
    reason: Sentence


class Target(Result):
    """A target; `remaining` lists what is still to be done, in order."""

    resource: str
    copy_: Annotated[EntityReference | None, Field(serialization_alias="copy")]
    project: EntityReference | None
    endpoint: EntityReference | None
    status: str
    previous_model: EntityReference | None
    remaining: list[str]
    error: Sentence | None


class Rollout(ResourceAnswer):
    """The state of a rollout; `finished` is true when every target has the model."""

    model: EntityReference
    gate: GateResult
    targets: list[Target]
    finished: bool
    findings: Findings
    now: Moment
    check_again_after_seconds: int | None = optional()


async def roll_out(arguments: RollOutArguments, call: CallContext) -> Rollout:
    """Test a trained model, then copy it to several resources, connect and deploy it there.

    Each call does what is possible now; repeat it unchanged until finished. New endpoints are charged; your user
    agrees once, to all.
    """
    plan, confirmation = await confirmed_plan(call, arguments.confirm, lambda: plan_rollout(call, arguments))
    plan = await _save_agreement(call, plan)
    gate = await complete_gate(call, plan.gate, arguments.wait_seconds)
    plan = replace(plan, gate=gate)
    if not gate.is_open:
        if gate.verdict.passed is False:
            plan = await save_properties(call, plan, {GATE_PROPERTY: str(gate.verdict)})
        return await _present(call, plan, [TargetProgress(one) for one in plan.targets])
    plan, targets = await advance(call, plan, confirmation, arguments.wait_seconds)
    return await _present(call, plan, targets)


async def _save_agreement(call: CallContext, plan: RolloutPlan) -> RolloutPlan:
    """Keep the user's agreement to new endpoints, so that they are asked once for all calls."""
    if not plan.asks or not plan.new_endpoints:
        return plan
    return await save_properties(call, plan, {AGREED_PROPERTY: record_of(plan.now, plan.agreed)})


async def _present(call: CallContext, plan: RolloutPlan, progress: list[TargetProgress]) -> Rollout:
    targets = await gather(*(_present_target(plan, one) for one in progress))
    finished = plan.gate.is_open and all(target.status == "Succeeded" for target in targets)
    failed = plan.gate.verdict.passed is False or all(one.status in ("Succeeded", "Failed") for one in targets)
    now = call.now(plan.source)
    every = [one for one in plan.findings if one.level != "confirm"]
    every += [finding for one in progress for finding in one.findings]
    return Rollout(
        **resource_fields(plan.source),
        model=EntityReference(id=plan.model.id, display_name=plan.model.display_name),
        gate=_present_gate(plan.gate),
        targets=targets,
        finished=finished,
        findings=list({(one.rule, one.message): one for one in every}.values()),
        now=now,
        check_again_after_seconds=None if failed else check_again_after(now, now),
        next_steps=_steps(plan, targets, finished=finished),
    )


def _present_gate(gate: Gate) -> GateResult:
    evaluation, plan = gate.evaluation, gate.plan
    other = plan.compare_with if plan else None
    rates = [evaluation.score(number).word_error_rate if evaluation else None for number in (1, 2)]
    compared = ComparedModel(id=other.id, display_name=other.display_name, word_error_rate=rates[1]) if other else None
    return GateResult(
        passed=gate.verdict.passed,
        word_error_rate=rates[0],
        compared_with=compared,
        evaluation=evaluation.id if evaluation else None,
        reason=gate.verdict.reason,
    )


async def _present_target(plan: RolloutPlan, progress: TargetProgress) -> Target:
    facts = progress.facts
    before = replaced_model(facts)
    previous = schemas.Reference(self=before) if before else None
    await load_references(facts.speech, [previous])
    return Target(
        resource=facts.speech.resource.name,
        copy_=_reference(facts.copy),
        project=_reference(facts.project),
        endpoint=_reference(facts.endpoint),
        status=_status(plan, progress),
        previous_model=present_reference(facts.speech, previous),
        remaining=facts.remaining,
        error=progress.error,
    )


def _reference(entity: schemas.Entity | Finding | None) -> EntityReference | None:
    return EntityReference.model_validate(entity) if isinstance(entity, schemas.Entity) else None


def _status(plan: RolloutPlan, progress: TargetProgress) -> str:
    """Return NotStarted, Copying, Deploying, Succeeded or Failed."""
    if progress.is_failed:
        return "Failed"
    if not plan.gate.is_open or "copy" in progress.facts.remaining:
        return "Copying" if progress.facts.is_copying else "NotStarted"
    if "connect" in progress.facts.remaining:
        return "Copying"
    return "Deploying" if progress.facts.remaining else "Succeeded"


def _steps(plan: RolloutPlan, targets: list[Target], *, finished: bool) -> list[str]:
    gate, here = plan.gate, plan.source.resource.name
    if gate.verdict.passed is False:
        evaluation = gate.evaluation.id if gate.evaluation else None
        shown = call_step("get_evaluation", evaluation=evaluation, worst=10, resource=here)
        return [f"{shown} shows the worst utterances; train with more data, or compare with another model."]
    steps = [
        call_step("deploy_model", model=one.previous_model.id, endpoint=one.endpoint.id, resource=one.resource)
        + f" goes back to the previous model on {one.resource}"
        for one in targets
        if one.status == "Succeeded" and one.previous_model and one.endpoint
    ]
    if finished:
        return [*steps, call_step("check_expirations")]
    failed = [one.resource for one in targets if one.status == "Failed"]
    again = (
        f"Call roll_out again with the same arguments and wait_seconds={DEFAULT_WAIT_SECONDS}; nothing is done twice."
    )
    if len(failed) == len([one for one in targets if one.status != "Succeeded"]):
        again = f"Correct `error` of {', '.join(failed)}, then call roll_out again; nothing is done twice."
    return [again, *steps]


tool = declare(roll_out, "Roll out a model", Effect.UPDATE, "deployment")
