"""The state of a rollout in answers, and its plan."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from custom_speech_tools.rollout.execution import RolloutState
from custom_speech_tools.rollout.gate import Gate
from custom_speech_tools.rollout.plan import RolloutPlan
from custom_speech_tools.rollout.target import Target
from custom_speech_tools.runtime.client_waits import suggested_wait
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.polling import check_again_after
from custom_speech_tools.runtime.presenters.evaluation import Rate
from custom_speech_tools.runtime.presenters.references import load_references, present_reference
from custom_speech_tools.runtime.resources import resource_fields
from custom_speech_tools.runtime.results import (
    Answer,
    EntityReference,
    Finding,
    Findings,
    Moment,
    ResourceAnswer,
    Result,
    Sentence,
    optional,
)
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.concurrency import gather
from custom_speech_tools.speech.sanitize import quote


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


class TargetResult(Result):
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
    targets: list[TargetResult]
    finished: bool
    findings: Findings
    now: Moment
    check_again_after_seconds: int | None = optional()


async def present_rollout(call: CallContext, state: RolloutState) -> Rollout:
    """Return the state of a rollout."""
    plan, gate = state.plan, state.gate
    targets = await gather(*(_present_target(gate, one) for one in state.targets))
    has_ended = gate.passed is False or all(one.status in ("Succeeded", "Failed") for one in targets)
    now = call.now(plan.source)
    every = [one for one in plan.findings if one.level != "confirm"]
    every += [finding for one in state.targets for finding in one.warnings]
    return Rollout(
        **resource_fields(plan.source),
        model=EntityReference(id=plan.model.id, display_name=plan.model.display_name),
        gate=_present_gate(gate),
        targets=targets,
        finished=state.is_finished,
        findings=list({(one.rule, one.message): one for one in every}.values()),
        now=now,
        check_again_after_seconds=None if has_ended else check_again_after(now, now),
        next_steps=_steps(state, targets),
    )


def _present_gate(gate: Gate) -> GateResult:
    evaluation, other = gate.evaluation, gate.plan.compare_with if gate.plan else None
    rates = [evaluation.score(number).word_error_rate if evaluation else None for number in (1, 2)]
    compared = ComparedModel(id=other.id, display_name=other.display_name, word_error_rate=rates[1]) if other else None
    return GateResult(
        passed=gate.passed,
        word_error_rate=rates[0],
        compared_with=compared,
        evaluation=evaluation.id if evaluation else None,
        reason=gate.reason,
    )


async def _present_target(gate: Gate, target: Target) -> TargetResult:
    before = target.previous_model
    previous = schemas.Reference(self=before) if before else None
    await load_references(target.speech, [previous])
    return TargetResult(
        resource=target.speech.resource.name,
        copy_=_reference(target.copy),
        project=_reference(target.project),
        endpoint=_reference(target.endpoint),
        status=status_of(gate, target),
        previous_model=present_reference(target.speech, previous),
        remaining=target.remaining,
        error=target.stopped,
    )


def _reference(entity: schemas.Entity | Finding | None) -> EntityReference | None:
    return EntityReference.model_validate(entity) if isinstance(entity, schemas.Entity) else None


def status_of(gate: Gate, target: Target) -> str:
    """Return NotStarted, Copying, Deploying, Succeeded or Failed."""
    remaining = target.remaining
    if target.is_failed:
        return "Failed"
    if not gate.is_open or "copy" in remaining:
        return "Copying" if target.is_copying else "NotStarted"
    if "connect" in remaining:
        return "Copying"
    return "Deploying" if remaining else "Succeeded"


def _steps(state: RolloutState, targets: Sequence[TargetResult]) -> list[str]:
    gate = state.gate
    if gate.passed is False:
        evaluation = gate.evaluation.id if gate.evaluation else None
        shown = call_step("get_evaluation", evaluation=evaluation, worst=10, resource=state.plan.source.resource.name)
        return [f"{shown} shows the worst utterances; train with more data, or compare with another model."]
    steps = [
        call_step("deploy_model", model=one.previous_model.id, endpoint=one.endpoint.id, resource=one.resource)
        + f" goes back to the previous model on {one.resource}"
        for one in targets
        if one.status == "Succeeded" and one.previous_model and one.endpoint
    ]
    if state.is_finished:
        return [*steps, call_step("check_expirations")]
    failed = [one.resource for one in targets if one.status == "Failed"]
    again = f"Call roll_out again with the same arguments and wait_seconds={suggested_wait()}; nothing is done twice."
    if len(failed) == len([one for one in targets if one.status != "Succeeded"]):
        again = f"Correct `error` of {', '.join(failed)}, then call roll_out again; nothing is done twice."
    return [again, *steps]


class PlannedTarget(Result):
    """A target, and what remains to be done."""

    resource: str
    project: str | None
    endpoint: str | None
    remaining: list[str]
    error: Sentence | None


class PlannedRollout(Answer):
    """What a rollout would do.

    `model` is null until it is trained; `charges` is everything that the user has to agree to; `unknown` names the
    resources that do not answer.
    """

    display_name: str
    locale: str
    model: EntityReference | None
    status: str | None
    base_model: str | None
    changes: list[Sentence]
    charges: list[Sentence]
    unknown: list[str]
    gate: Sentence
    gate_passed: bool | None
    targets: list[PlannedTarget]
    findings: list[Finding]
    now: Moment


def present_plan(plan: RolloutPlan) -> PlannedRollout:
    """Return what a rollout would do."""
    model, gate, training = plan.subject.model, plan.gate, plan.subject.training
    base = training.base_model if training else None
    trains = f"train model {quote(plan.subject.display_name)} on base model {quote(base.display_name if base else '')}"
    tests = ["test the model"] if gate.request and gate.passed is None and gate.evaluation is None else []
    steps = [f"{one.speech.resource.name}: {step}" for one in plan.targets if not one.stopped for step in one.remaining]
    charges = [one for one in plan.findings if one.rule in ("training-is-charged", "hosting-is-charged")]
    return PlannedRollout(
        display_name=plan.subject.display_name,
        locale=plan.subject.locale,
        model=EntityReference(id=model.id, display_name=model.display_name) if model else None,
        status=model.status if model else None,
        base_model=base.id if base else (model.base_model.id if model and model.base_model else None),
        changes=[] if gate.passed is False else [*([] if model else [trains]), *tests, *steps],
        charges=[one.message for one in charges],
        unknown=plan.unknown,
        gate=gate.reason,
        gate_passed=gate.passed,
        targets=[
            PlannedTarget(
                resource=one.speech.resource.name,
                project=one.asked.project,
                endpoint=one.asked.endpoint,
                remaining=one.remaining,
                error=one.stopped,
            )
            for one in plan.targets
        ],
        findings=[one for one in plan.findings if one not in charges],
        now=plan.now,
        next_steps=[],
    )
