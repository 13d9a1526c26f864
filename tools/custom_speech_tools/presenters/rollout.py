"""Rollout results: the gate, the targets and the next steps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from custom_speech_tools.guardrails.shared_rules import after_agreement
from custom_speech_tools.presenters.endpoint import restore_step, use_step
from custom_speech_tools.presenters.entity import present_reference
from custom_speech_tools.rollout.gate import Gate
from custom_speech_tools.rollout.plan import RolloutPlan, distinct
from custom_speech_tools.rollout.target import Target
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.next_steps import DEFAULT_WAIT_SECONDS, call_step
from custom_speech_tools.runtime.polling import check_again_after, expected_seconds
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.speech import schemas


class ComparedModel(results.EntityReference):
    """The model that the new model must beat."""

    word_error_rate: results.Rate | None


class GateResult(results.Result):
    """The gate. `passed` is null without a test, and until the test has ended."""

    passed: bool | None
    word_error_rate: results.Rate | None
    compared_with: ComparedModel | None
    evaluation: str | None
    reason: results.Sentence


class TargetResult(results.Result):
    """A target. `remaining` lists the remaining steps, in order."""

    resource: str
    copy_: Annotated[results.EntityReference | None, Field(serialization_alias="copy")]
    project: results.EntityReference | None
    endpoint: results.EntityReference | None
    status: str
    previous_model: results.EntityReference | None
    remaining: list[str]
    error: results.Sentence | None


class Rollout(results.ResourceAnswer):
    """The state of a rollout. `finished` is true when every target has the model."""

    model: results.EntityReference
    gate: GateResult
    targets: list[TargetResult]
    finished: bool
    findings: results.Findings
    now: results.Moment
    check_again_after_seconds: int | None = results.optional()


def present_rollout(plan: RolloutPlan, previous_models: Entities, now: datetime) -> Rollout:
    """Return the state of a rollout, given the previous models of its endpoints by id."""
    gate, expected = plan.gate, expected_seconds(is_emulated=plan.source.is_emulated)
    warnings = [warning for one in plan.targets for warning in one.warnings]
    evaluation, other = gate.evaluation, gate.plan.compare_with if gate.plan else None
    rates = [evaluation.score(number).word_error_rate if evaluation else None for number in (1, 2)]
    compared = ComparedModel(id=other.id, display_name=other.display_name, word_error_rate=rates[1]) if other else None
    targets = [_present_target(gate, one, previous_models) for one in plan.targets]
    return Rollout(
        **results.resource_fields(plan.source),
        model=results.EntityReference.model_validate(plan.model.entity),
        gate=GateResult(
            passed=gate.passed,
            word_error_rate=rates[0],
            compared_with=compared,
            evaluation=evaluation.id if evaluation else None,
            reason=gate.reason,
        ),
        targets=targets,
        finished=plan.is_complete,
        findings=list(distinct([*after_agreement(plan.findings), *warnings])),
        now=now,
        check_again_after_seconds=None if plan.is_terminal else check_again_after(now, now, expected),
        next_steps=_next_steps(plan, targets),
    )


def _present_target(gate: Gate, target: Target, previous_models: Entities) -> TargetResult:
    copy, project, endpoint = (
        results.EntityReference.model_validate(one) if isinstance(one, schemas.Entity) else None
        for one in (target.copy, target.project, target.endpoint)
    )
    if target.is_failed:
        status = "Failed"
    elif not gate.is_open or target.copy is None:
        status = "Copying" if target.is_copying else "NotStarted"
    elif target.is_connected:
        status = "Succeeded" if target.is_complete else "Deploying"
    else:
        status = "Copying"
    return TargetResult(
        resource=target.speech.resource.name,
        copy_=copy,
        project=project,
        endpoint=endpoint,
        status=status,
        previous_model=present_reference(target.previous_model, previous_models),
        remaining=target.remaining,
        error=target.error,
    )


def _next_steps(plan: RolloutPlan, targets: Sequence[TargetResult]) -> list[str]:
    if plan.gate.passed is False:
        evaluation = plan.gate.evaluation.id if plan.gate.evaluation else None
        shown = call_step("get_evaluation", evaluation=evaluation, worst=10, resource=plan.source.resource.name)
        return [f"{shown} shows the worst utterances; train with more data, or compare with another model."]
    live, back = list[str](), list[str]()
    for target, one in zip(plan.targets, targets, strict=True):
        if one.status == "Succeeded" and isinstance(target.endpoint, schemas.Endpoint):
            live.append(use_step(target.speech, target.endpoint))
            if before := one.previous_model:
                back.append(restore_step(target.speech, target.endpoint, before.id))
    if plan.is_complete:
        return [*live, *back, call_step("check_expirations")]
    again = (
        f"Call roll_out again with the same arguments and wait_seconds={DEFAULT_WAIT_SECONDS}; nothing is done twice."
    )
    if plan.is_terminal:
        failed = ", ".join(one.resource for one in targets if one.status == "Failed")
        again = f"Correct `error` of {failed}, then call roll_out again; nothing is done twice."
    return [again, *live, *back]
