"""The gate of a rollout: the test that a model has to pass before it leaves its resource."""

from collections.abc import Sequence
from dataclasses import dataclass

from custom_speech_tools.guardrails.evaluation_plan import EvaluationPlan, evaluate
from custom_speech_tools.guardrails.rollout_facts import RolloutArguments
from custom_speech_tools.guardrails.rollout_record import Verdict, tag
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.evaluation_details import EvaluationDetails, read_details
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.presenters.evaluation import Difference, compare
from custom_speech_tools.runtime.presenters.lists import newest_first
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote, sanitize, word

BASE, DEPLOYED = "base", "deployed"
"""What `compare_with` may say instead of a model."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate as far as it is known.

    Attributes:
        plan: The test; None where none is asked for.
        evaluation: The test that was made; None until then.
    """

    request: RolloutArguments
    plan: EvaluationPlan | None
    evaluation: schemas.Evaluation | None
    verdict: Verdict

    @property
    def is_open(self) -> bool:
        """True if the model may go on."""
        return self.verdict.passed is True or self.plan is None


def conditions_of(request: RolloutArguments, plan: EvaluationPlan | None) -> str:
    """Return a tag of everything that the verdict depends on besides the evaluation."""
    if plan is None:
        return "-"
    largest = None if request.max_word_error_rate is None else str(request.max_word_error_rate)
    strict = str(request.strictness)
    return tag(plan.dataset.id, plan.compare_with.id, largest, strict)


def is_judged(verdict: Verdict | None, conditions: str, evaluations: Sequence[schemas.Evaluation]) -> bool:
    """Return whether a recorded verdict answers the same question by an evaluation that still exists."""
    known = {evaluation.id for evaluation in evaluations}
    return verdict is not None and verdict.conditions == conditions and verdict.evaluation in known


def same_test(plan: EvaluationPlan, evaluations: Sequence[schemas.Evaluation]) -> schemas.Evaluation | None:
    """Return the newest evaluation of the same two models with the same data, unless it failed."""
    return next(
        (
            one
            for one in evaluations
            if (one.model1.id, one.model2.id, one.dataset.id) == (plan.model.id, plan.compare_with.id, plan.dataset.id)
            and one.status != "Failed"
        ),
        None,
    )


async def read_gate(request: RolloutArguments, plan: EvaluationPlan | None) -> Gate:
    """Return the gate with its verdict; creates nothing."""
    if plan is None:
        return Gate(request, None, None, Verdict(None, "No test was asked for, so nothing is known about its quality."))
    conditions = conditions_of(request, plan)
    evaluations = (await plan.speech.evaluations_list(locale=plan.dataset.locale)).entities
    recorded = Verdict.read(plan.model) if isinstance(plan.model, schemas.CustomModel) else None
    if recorded and is_judged(recorded, conditions, evaluations):
        judged = next(one for one in evaluations if one.id == recorded.evaluation)
        return Gate(request, plan, judged, recorded)
    return await _judged(request, plan, same_test(plan, newest_first(evaluations)))


async def complete_gate(call: CallContext, gate: Gate, wait_seconds: float) -> Gate:
    """Create the missing test, wait for it, and judge it."""
    if gate.plan is None or gate.verdict.passed is not None:
        return gate
    plan, known = gate.plan, gate.evaluation
    first = await plan.speech.evaluations_get(known.id) if known else (await evaluate(call, plan))[0]
    last = await poll_until_terminal(call, first, lambda: plan.speech.evaluations_get(first.id), wait_seconds)
    return await _judged(gate.request, plan, last)


async def _judged(request: RolloutArguments, plan: EvaluationPlan, evaluation: schemas.Evaluation | None) -> Gate:
    conditions = conditions_of(request, plan)
    if evaluation is None or not is_terminal(evaluation):
        status = "has not been made" if evaluation is None else f"is {word(evaluation.status)}"
        verdict = Verdict(None, f"The test {status}.", conditions, evaluation.id if evaluation else None)
        return Gate(request, plan, evaluation, verdict)
    is_done = evaluation.status == "Succeeded"
    details = await read_details(plan.speech, evaluation, must_be_complete=True) if is_done else EvaluationDetails()
    difference = compare(evaluation, details)
    passed, reason = judge(request, plan, evaluation, difference)
    is_certain = passed or difference is None or difference.is_significant is not None
    return Gate(request, plan, evaluation, Verdict(passed, reason, conditions if is_certain else "-", evaluation.id))


def judge(
    request: RolloutArguments, plan: EvaluationPlan, evaluation: schemas.Evaluation, difference: Difference | None
) -> tuple[bool, str]:
    """Return whether the model may go live, and why. What cannot be judged does not pass."""
    rate, other = evaluation.score(1).word_error_rate, evaluation.score(2).word_error_rate
    if evaluation.status != "Succeeded" or rate is None:
        why = sanitize(evaluation.error.message or "") if evaluation.error else "no word error rate"
        return False, f"The test gave no result ({evaluation.status}: {why})."
    base = f"Word error rate {rate:.2%} on {quote(plan.dataset.display_name, 40)}"
    if _is_seen(plan) and not request.strictness.allow_seen_test_data:
        return False, f"{base}, but a model was trained with these data, so the rate says nothing."
    if request.max_word_error_rate is not None and rate > request.max_word_error_rate:
        return False, f"{base}, above {request.max_word_error_rate:.2%}."
    if plan.model.id == plan.compare_with.id or other is None or difference is None:
        return False, f"{base}, with no other model to compare."
    against = f"{base}, against {other:.2%} of {quote(plan.compare_with.display_name, 40)}"
    if rate >= other:
        return False, f"{against}: not better."
    if request.strictness.require_significance and difference.is_significant is not True:
        unjudged = difference.is_significant is None
        return False, f"{against}: {sanitize(difference.verdict) if unjudged else 'lower, but not significant (95 %).'}"
    return True, f"{against}{': significant (95 %).' if difference.is_significant else '.'}"


def _is_seen(plan: EvaluationPlan) -> bool:
    return any(finding.rule == "test-data-unseen" for finding in plan.findings)
