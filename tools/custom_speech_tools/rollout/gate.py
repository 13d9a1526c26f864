"""The gate of a rollout: the test that a model has to pass before it leaves its resource.

The verdict is computed from the evaluation's own numbers every time; what stands in custom properties only explains.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from custom_speech_data.significance import MIN_UTTERANCES
from custom_speech_tools.guardrails.copy_facts import find_copy
from custom_speech_tools.guardrails.entity_lookup import (
    BASE_MODEL,
    DATASET,
    AnyModel,
    base_model_of,
    find_any_model,
    find_entity,
)
from custom_speech_tools.guardrails.evaluation_details import read_details
from custom_speech_tools.guardrails.evaluation_facts import EvaluationFacts
from custom_speech_tools.guardrails.evaluation_plan import RULES as EVALUATION_RULES
from custom_speech_tools.guardrails.evaluation_plan import EvaluationPlan, check_evaluation, evaluate
from custom_speech_tools.guardrails.evaluation_verdict import compare_error_rates
from custom_speech_tools.guardrails.shared_rules import parts_fit, run_rules
from custom_speech_tools.rollout.definition import BASE, DEPLOYED, GateDefinition, RolloutModel
from custom_speech_tools.rollout.target import Target
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, sanitize, word
from custom_speech_tools.speech.tasks_and_threads import gather

GATE_PROPERTY = "custom-speech-mcp-gate"  # the verdict, for people who ask later why a model is live
_MAX_PROPERTY = 256  # characters of a custom property


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate of a rollout, and what is known about it."""

    definition: GateDefinition | None
    plan: EvaluationPlan | None = None  # of the test; None if none is asked for, or until the model is trained
    evaluation: schemas.Evaluation | None = None  # None until the test is made
    passed: bool | None = None  # None as long as it is not judged
    reason: str = "No test was asked for, so nothing is known about the model's quality."
    conditions: str = "no test"  # what the user agrees to with it: resolved ids and limits
    findings: tuple[Finding, ...] = ()

    @property
    def is_open(self) -> bool:
        """True if the model may go on."""
        return self.passed is True or self.definition is None

    def explanation(self) -> str:
        """Return what is noted on the model: the verdict, its evaluation and its reason."""
        outcome = {True: "passed", False: "not-passed", None: "untested"}[self.passed]
        return sanitize(f"{outcome} {self.evaluation.id if self.evaluation else '-'} {self.reason}", _MAX_PROPERTY)


async def complete_gate(call: CallContext, gate: Gate, wait_seconds: float) -> Gate:
    """Create the missing test, wait for it, and judge it."""
    definition, plan, known = gate.definition, gate.plan, gate.evaluation
    if definition is None or plan is None or gate.passed is not None:
        return gate
    first = await plan.speech.evaluations_get(known.id) if known else (await evaluate(call, plan))[0]
    last = await poll_until_terminal(call, first, plan.speech.evaluations_get, wait_seconds)
    return await _judged(gate, definition, plan, last)


async def _judged(gate: Gate, definition: GateDefinition, plan: EvaluationPlan, evaluation: schemas.Evaluation) -> Gate:
    passed, reason = None, f"The test is {word(evaluation.status)}."
    if is_terminal(evaluation):
        passed, reason = await _verdict(definition, plan, evaluation)
    return replace(gate, evaluation=evaluation, passed=passed, reason=reason)


async def _verdict(
    definition: GateDefinition, plan: EvaluationPlan, evaluation: schemas.Evaluation
) -> tuple[bool, str]:
    """Return whether the model may go live, and why. What cannot be judged does not pass."""
    rate, other = evaluation.score(1).word_error_rate, evaluation.score(2).word_error_rate
    if evaluation.status != "Succeeded" or rate is None:
        why = sanitize(evaluation.error.message or "") if evaluation.error else "no word error rate"
        return False, f"The test gave no result ({word(evaluation.status)}: {why})."
    base = f"Word error rate {rate:.2%} on {quote(plan.dataset.display_name, 40)}"
    is_seen = any(finding.rule == "test-data-unseen" for finding in plan.findings)
    if is_seen and not definition.allow_seen_test_data:
        return False, f"{base}, but a model was trained with these data, so the rate says nothing."
    if definition.max_word_error_rate is not None and rate > definition.max_word_error_rate:
        return False, f"{base}, above {definition.max_word_error_rate:.2%}."
    difference = compare_error_rates(evaluation, await read_details(plan.speech, evaluation, must_be_complete=True))
    if other is None or difference is None:
        return False, f"{base}, with no other model to compare."
    against = f"{base}, against {other:.2%} of {quote(plan.compare_with.display_name, 40)}"
    if rate >= other:
        return False, f"{against}: not better."
    verdicts = {
        True: "significant (95 %)",
        False: "lower, but not significant (95 %)",
        None: f"significance not judged, fewer than {MIN_UTTERANCES} utterances could be read",
    }
    passed = difference.is_significant is True or not definition.require_significance
    return passed, f"{against}: {verdicts[difference.is_significant]}."


async def plan_gate(
    call: CallContext,
    source: Speech,
    definition: GateDefinition | None,
    rollout_model: RolloutModel,
    targets: Sequence[Target],
) -> Gate:
    """Return the gate, judged by the newest test of the same models and data; creates nothing."""
    if definition is None:
        message = f"No test is asked for: model {quote(rollout_model.display_name)} goes live whatever its quality."
        return Gate(None, findings=(warn("better-than-current", message, "Name a test_dataset."),))
    model, dataset = rollout_model.trained, await find_entity(source, DATASET, definition.dataset, rollout_model.locale)
    gate = Gate(definition, reason="The model is tested when it is trained.")
    try:
        other = await _find_other(source, definition.compare_with, model, targets)
        facts = EvaluationFacts(source, call.now(source), model, other, dataset)
        named = definition.compare_with if definition.compare_with in (BASE, DEPLOYED) else getattr(other, "id", None)
        limits = (definition.max_word_error_rate, definition.require_significance, definition.allow_seen_test_data)
        gate = replace(gate, conditions=idempotency_key(getattr(dataset, "id", None), named, *limits))
        if model is None:
            untrained = _check_untrained(source, rollout_model, definition, dataset)
            return replace(gate, findings=(*run_rules(EVALUATION_RULES, facts), *untrained))
        plan = check_evaluation(facts)
    except Refused as refusal:
        return replace(gate, findings=refusal.findings)
    wanted = (plan.model.id, plan.compare_with.id, plan.dataset.id)
    made = newest_first((await source.evaluations_list(locale=plan.dataset.locale)).entities)
    same = (one for one in made if (one.model1.id, one.model2.id, one.dataset.id) == wanted and one.status != "Failed")
    gate = replace(gate, plan=plan, findings=plan.findings, reason="The test has not been made.")
    newest = next(same, None)
    return await _judged(gate, definition, plan, newest) if newest else gate


def _check_untrained(
    source: Speech, rollout_model: RolloutModel, definition: GateDefinition, dataset: schemas.Dataset | Finding
) -> Iterator[Finding]:
    """Check before days of training what the test will need."""
    if isinstance(dataset, Finding):
        return
    yield from parts_fit(source.resource, rollout_model.locale, dataset)
    training, model = rollout_model.training, rollout_model.entity
    datasets = training.facts.found_datasets if training else (model.datasets if model else None) or []
    if dataset.id in {one.id for one in datasets} and not definition.allow_seen_test_data:
        message = f"The model is trained with {quote(dataset.display_name)}, so a test with it can never pass."
        fix = "Test with recordings that it is not trained with, or set allow_seen_test_data = true."
        yield block("test-data-unseen", message, fix)


async def _find_other(
    source: Speech, compare_with: str, model: schemas.CustomModel | None, targets: Sequence[Target]
) -> AnyModel | Finding | None:
    """Return the model to compare with; None if there is none yet."""
    if compare_with not in (BASE, DEPLOYED):
        return await find_any_model(source, compare_with, model.locale if model else None)
    if model is None:
        return None
    deployed = await _deployed_model(source, model.locale, targets) if compare_with == DEPLOYED else None
    return deployed or await base_model_of(source, model)


async def _deployed_model(source: Speech, locale: str, targets: Sequence[Target]) -> AnyModel | None:
    """Return the model on the source that all endpoints have, or a copy of it; None if no endpoint has a model.

    Raises:
        Refused: The endpoints have different models, or one that is not on the source.
    """
    uris = [(one.speech, uri) for one in targets if (uri := one.previous_model)]
    deployed = await gather(*(find_any_model(speech, uri) for speech, uri in uris))
    known = (await source.models_list_custom_models(locale=locale)).entities if deployed else []
    origins: dict[str, AnyModel | None] = {}
    for (speech, uri), one in zip(uris, deployed, strict=True):
        origin: AnyModel | Finding | None = None
        if isinstance(one, schemas.BaseModel):
            origin = await find_entity(source, BASE_MODEL, one.display_name, locale)
        elif isinstance(one, schemas.CustomModel):
            origin = next((other for other in known if find_copy(other, [one])), None)
        name = f"{speech.resource.name}: {schemas.Reference(self=uri).id}"
        origins[name] = None if isinstance(origin, Finding) else origin
    distinct = {one.id: one for one in origins.values() if one}
    if len(distinct) > 1 or None in origins.values():
        found = (f"{name} ({f'from {one.id}' if one else 'not on this resource'})" for name, one in origins.items())
        message = f"The endpoints do not have one model that this resource knows: {'; '.join(found)}."
        fix = "Name the model to compare with as compare_with."
        raise Refused("Nothing was rolled out.", [block("reference-found", message, fix)], "Then call again.")
    return next(iter(distinct.values()), None)
