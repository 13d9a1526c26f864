"""The gate of a rollout: the test that a model must pass before it is copied to other resources.

Every call judges the evaluation's error rates again. Custom properties only explain the result.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from custom_speech_tools.guardrails.copy_facts import find_copy
from custom_speech_tools.guardrails.entity_lookup import AnyModel, base_model_of, find_any_model, find_entity
from custom_speech_tools.guardrails.evaluation_details import EvaluationDetails, read_details
from custom_speech_tools.guardrails.evaluation_facts import EvaluationFacts
from custom_speech_tools.guardrails.evaluation_plan import RULES as EVALUATION_RULES
from custom_speech_tools.guardrails.evaluation_plan import EvaluationPlan, evaluate, plan_evaluation
from custom_speech_tools.guardrails.evaluation_verdict import give_verdict, is_void
from custom_speech_tools.guardrails.shared_rules import parts_fit, run_rules
from custom_speech_tools.rollout.definition import BASE, DEPLOYED, GateDefinition, RolloutModel
from custom_speech_tools.rollout.target import Target
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import BASE_MODEL, DATASET
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, reason_clause, sanitize, word
from custom_speech_tools.speech.tasks_and_threads import gather, run_in_thread

GATE_PROPERTY = "custom-speech-mcp-gate"  # tells people who ask later why a model was deployed
_MAX_PROPERTY = 256  # characters of a custom property


@dataclass(frozen=True, slots=True)
class Gate:
    """The state of the gate."""

    definition: GateDefinition | None  # None without a test
    plan: EvaluationPlan | None = None  # None without a test, or until the model is trained
    evaluation: schemas.Evaluation | None = None  # None until the test is created
    passed: bool | None = None  # None until the test has ended
    reason: str = "No test was asked for, so nothing is known about the model's quality."
    conditions: str = "no test"  # digest of resolved ids and limits, to which agreements are bound
    findings: tuple[Finding, ...] = ()

    @property
    def is_open(self) -> bool:
        """True if the model may be copied."""
        return self.passed is True or self.definition is None

    def explanation(self) -> str:
        """Return the value of GATE_PROPERTY: the result, the id of the evaluation and the reason."""
        result = {True: "passed", False: "not-passed", None: "untested"}[self.passed]
        return sanitize(f"{result} {self.evaluation.id if self.evaluation else '-'} {self.reason}", _MAX_PROPERTY)


async def complete_gate(call: CallContext, gate: Gate, wait_seconds: float) -> Gate:
    """Create the test if it is missing, wait for it, and return the judged gate."""
    plan, known = gate.plan, gate.evaluation
    if plan is None or gate.passed is not None:
        return gate
    first = await plan.speech.evaluations_get(known.id) if known else (await evaluate(call, plan))[0]
    return await _judge(gate, await poll_until_terminal(call, first, plan.speech.evaluations_get, wait_seconds))


async def _judge(gate: Gate, evaluation: schemas.Evaluation) -> Gate:
    """Return the gate with an evaluation. It passes only if the verdict and the limit allow it."""
    definition, plan, gate = gate.definition, gate.plan, replace(gate, evaluation=evaluation)
    if definition is None or plan is None or not is_terminal(evaluation):
        return replace(gate, reason=f"The test is {word(evaluation.status)}.")
    rate, limit = evaluation.score(1).word_error_rate, definition.max_word_error_rate
    if evaluation.status == "Failed" or rate is None:
        why = reason_clause(evaluation.error.message if evaluation.error else "no word error rate")
        return replace(gate, passed=False, reason=f"The test gave no result ({word(evaluation.status)}){why}")
    parts: dict[str, schemas.Entity] = {one.id: one for one in (plan.model, plan.compare_with)}
    allows_seen = definition.allow_seen_test_data
    is_rejected = (limit is not None and rate > limit) or (not allows_seen and is_void(evaluation, parts))
    details = EvaluationDetails()  # are not needed to reject a model
    if not is_rejected:
        details = await read_details(plan.speech, evaluation, must_be_complete=True)
    verdict = await run_in_thread(partial(give_verdict, evaluation, details, parts, allow_seen_data=allows_seen))
    accepted = {"better"} if definition.require_significance else {"better", "not significant", "too few"}
    is_lower = verdict.difference is not None and verdict.difference.absolute < 0
    passed, reason = verdict.outcome in accepted and is_lower, verdict.reason
    if verdict.outcome != "void" and limit is not None and rate > limit:
        passed, reason = False, f"It is above {limit:.2%}."
    reason = f"Word error rate {rate:.2%} on {quote(plan.dataset.display_name, 40)}. {reason}"
    return replace(gate, passed=passed, reason=reason)


async def plan_gate(
    call: CallContext,
    source: Speech,
    definition: GateDefinition | None,
    model: RolloutModel,
    targets: Sequence[Target],
) -> Gate:
    """Return the gate, judged by the newest evaluation of the same models and data; create nothing."""
    if definition is None:
        message = f"No test is asked for: model {quote(model.display_name)} goes live whatever its quality."
        return Gate(None, findings=(warn("better-than-current", message, "Name a test_dataset."),))
    trained, dataset = model.trained, await find_entity(source, DATASET, definition.dataset, model.locale)
    gate = Gate(definition, reason="The model is tested when it is trained.")
    try:
        other: AnyModel | Finding | None = None
        named: str | None = definition.compare_with
        if named not in (BASE, DEPLOYED):
            other = await find_any_model(source, definition.compare_with, model.locale)
            named = getattr(other, "id", None)
        elif trained is not None:
            deployed = await _deployed_model(source, model.locale, targets) if named == DEPLOYED else None
            other = deployed or await base_model_of(source, trained)
        facts = EvaluationFacts(source, call.now(source), trained, other, dataset)
        limits = (definition.max_word_error_rate, definition.require_significance, definition.allow_seen_test_data)
        gate = replace(gate, conditions=idempotency_key(getattr(dataset, "id", None), named, *limits))
        if trained is None:
            findings = (*run_rules(EVALUATION_RULES, facts), *_check_test_data(source, model, definition, dataset))
            return replace(gate, findings=findings)
        plan = plan_evaluation(facts)
    except Refused as refusal:
        return replace(gate, findings=refusal.findings)
    tested = (plan.model.id, plan.compare_with.id, plan.dataset.id)
    evaluations = newest_first((await source.evaluations_list(locale=plan.dataset.locale)).entities)
    same = (one for one in evaluations if (one.model1.id, one.model2.id, one.dataset.id) == tested)
    newest = next((one for one in same if one.status != "Failed"), None)
    gate = replace(gate, plan=plan, findings=plan.findings, reason="The test has not been made.")
    return await _judge(gate, newest) if newest else gate


def _check_test_data(
    source: Speech, model: RolloutModel, definition: GateDefinition, dataset: schemas.Dataset | Finding
) -> Iterator[Finding]:
    """Require test data of the model's locale that is not training data; otherwise the training would be wasted."""
    if isinstance(dataset, Finding):
        return
    yield from parts_fit(source.resource, model.locale, dataset)
    training, entity = model.training, model.entity
    datasets = training.facts.found_datasets if training else (entity.datasets if entity else None) or []
    if dataset.id in {one.id for one in datasets} and not definition.allow_seen_test_data:
        message = f"The model is trained with {quote(dataset.display_name)}, so a test with it can never pass."
        fix = "Test with recordings that it is not trained with, or set allow_seen_test_data = true."
        yield block("test-data-unseen", message, fix)


async def _deployed_model(source: Speech, locale: str, targets: Sequence[Target]) -> AnyModel | None:
    """Return the source model whose copies all endpoints host, or None if no endpoint has a model.

    Raise Refused if the endpoints have different models, or a model that is not on the source.
    """
    previous = [(one.speech, model) for one in targets if (model := one.previous_model)]
    deployed = await gather(*(find_any_model(speech, model.uri) for speech, model in previous))
    known = (await source.models_list_custom_models(locale=locale)).entities if deployed else []
    # A recorded model whose URI is not one of its resource is an unknown model, not the absence of a model.
    origins: dict[str, AnyModel | None] = {
        one.speech.resource.name: None for one in targets if one.has_unknown_previous
    }
    for (speech, model), found in zip(previous, deployed, strict=True):
        origin: AnyModel | Finding | None = None
        if isinstance(found, schemas.BaseModel):
            origin = await find_entity(source, BASE_MODEL, found.display_name, locale)
        elif isinstance(found, schemas.CustomModel):
            origin = next((other for other in known if find_copy(other, [found])), None)
        origins[f"{speech.resource.name}: {model.id}"] = None if isinstance(origin, Finding) else origin
    distinct = {one.id: one for one in origins.values() if one}
    if len(distinct) > 1 or None in origins.values():
        listed = (f"{name} ({f'from {one.id}' if one else 'not on this resource'})" for name, one in origins.items())
        message = f"The endpoints do not have one model that this resource knows: {'; '.join(listed)}."
        fix = "Name the model to compare with as compare_with."
        raise Refused("Nothing was rolled out.", [block("reference-found", message, fix)], "Then call again.")
    return next(iter(distinct.values()), None)
