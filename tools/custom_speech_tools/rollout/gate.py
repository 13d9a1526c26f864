"""The gate of a rollout: the test that a model has to pass before it leaves its resource.

The verdict is computed from the evaluation's own numbers every time; what stands in custom properties only explains.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from custom_speech_tools.guardrails.evaluation_plan import EvaluationPlan, evaluate
from custom_speech_tools.rollout.request import GateRequest
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.evaluation_details import EvaluationDetails, read_details
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.presenters.evaluation import Difference, compare
from custom_speech_tools.runtime.presenters.lists import newest_first
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote, sanitize

_MAX_PROPERTY = 256


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate as far as it is known.

    Attributes:
        plan: The test; None if none is asked for, or until the model is trained.
        evaluation: The test that was made; None until then.
        passed: None as long as it is not judged.
    """

    request: GateRequest | None
    plan: EvaluationPlan | None = None
    evaluation: schemas.Evaluation | None = None
    passed: bool | None = None
    reason: str = "No test was asked for, so nothing is known about its quality."

    @property
    def is_open(self) -> bool:
        """True if the model may go on."""
        return self.passed is True or self.request is None

    def explanation(self) -> str:
        """Return what is noted on the model: the verdict, its evaluation and its reason."""
        outcome = {True: "passed", False: "not-passed", None: "untested"}[self.passed]
        text = f"{outcome} {self.evaluation.id if self.evaluation else '-'} {sanitize(self.reason)}"
        return text if len(text) <= _MAX_PROPERTY else f"{text[: _MAX_PROPERTY - 1]}…"


async def read_gate(request: GateRequest, plan: EvaluationPlan) -> Gate:
    """Return the gate, judged by the newest test of the same models and data; creates nothing."""
    evaluations = (await plan.speech.evaluations_list(locale=plan.dataset.locale)).entities
    return await _judged(Gate(request, plan), _same_test(plan, newest_first(evaluations)))


async def complete_gate(call: CallContext, gate: Gate, wait_seconds: float) -> Gate:
    """Create the missing test, wait for it, and judge it."""
    plan, known = gate.plan, gate.evaluation
    if plan is None or gate.passed is not None:
        return gate
    first = known or (await evaluate(call, plan))[0]
    last = await poll_until_terminal(call, first, lambda: plan.speech.evaluations_get(first.id), wait_seconds)
    return await _judged(gate, last)


def _same_test(plan: EvaluationPlan, evaluations: Sequence[schemas.Evaluation]) -> schemas.Evaluation | None:
    wanted = (plan.model.id, plan.compare_with.id, plan.dataset.id)
    same = (one for one in evaluations if (one.model1.id, one.model2.id, one.dataset.id) == wanted)
    return next((one for one in same if one.status != "Failed"), None)


async def _judged(gate: Gate, evaluation: schemas.Evaluation | None) -> Gate:
    request, plan = gate.request, gate.plan
    if request is None or plan is None:
        return gate
    if evaluation is None:
        return replace(gate, reason="The test has not been made.")
    if not is_terminal(evaluation):
        return replace(gate, evaluation=evaluation, reason=f"The test is {sanitize(evaluation.status, 40)}.")
    is_done = evaluation.status == "Succeeded"
    details = await read_details(plan.speech, evaluation, must_be_complete=True) if is_done else EvaluationDetails()
    passed, reason = judge(request, plan, evaluation, compare(evaluation, details))
    return replace(gate, evaluation=evaluation, passed=passed, reason=reason)


def judge(
    request: GateRequest, plan: EvaluationPlan, evaluation: schemas.Evaluation, difference: Difference | None
) -> tuple[bool, str]:
    """Return whether the model may go live, and why. What cannot be judged does not pass."""
    rate, other = evaluation.score(1).word_error_rate, evaluation.score(2).word_error_rate
    if evaluation.status != "Succeeded" or rate is None:
        why = sanitize(evaluation.error.message or "") if evaluation.error else "no word error rate"
        return False, f"The test gave no result ({evaluation.status}: {why})."
    base = f"Word error rate {rate:.2%} on {quote(plan.dataset.display_name, 40)}"
    is_seen = any(finding.rule == "test-data-unseen" for finding in plan.findings)
    if is_seen and not request.allow_seen_test_data:
        return False, f"{base}, but a model was trained with these data, so the rate says nothing."
    if request.max_word_error_rate is not None and rate > request.max_word_error_rate:
        return False, f"{base}, above {request.max_word_error_rate:.2%}."
    if plan.model.id == plan.compare_with.id or other is None or difference is None:
        return False, f"{base}, with no other model to compare."
    against = f"{base}, against {other:.2%} of {quote(plan.compare_with.display_name, 40)}"
    if rate >= other:
        return False, f"{against}: not better."
    if request.require_significance and difference.is_significant is not True:
        unjudged = difference.is_significant is None
        return False, f"{against}: {sanitize(difference.verdict) if unjudged else 'lower, but not significant (95 %).'}"
    return True, f"{against}{': significant (95 %).' if difference.is_significant else '.'}"
