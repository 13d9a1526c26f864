"""Creation of evaluations: rules, plan, and the request that creates the evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import JsonValue

from custom_speech_tools.guardrails import entity_lookup, shared_rules
from custom_speech_tools.guardrails.evaluation_facts import EvaluationFacts
from custom_speech_tools.runtime.change_control import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key, ids_of_failed
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, word


def models_can_be_compared(facts: EvaluationFacts) -> shared_rules.Findings:
    """Require two trained, unexpired models of one locale, and warn if both are the same model."""
    model, other, resource = facts.model, facts.compare_with, facts.speech.resource.name
    locale = model.locale if isinstance(model, entity_lookup.AnyModel) else None
    yield from shared_rules.parts_fit(facts.speech.resource, locale, model, other, facts.dataset, facts.project)
    for found in facts.found_models:
        yield from shared_rules.model_is_ready(found, facts.now, resource)
    if isinstance(model, Finding | None) or isinstance(other, Finding):
        return
    if other is None:
        choose = call_step("list_base_models", locale=model.locale, resource=resource)
        message = f"Model {quote(model.display_name)} names no base model to compare with."
        yield block("reference-found", message, f"Pass compare_with; {choose} lists base models.")
    elif other.id == model.id:
        name = quote(model.display_name)
        message = f"Model {name} is tested against itself: its error rate is measured, but nothing is compared."
        yield warn("reference-found", message, "Pass another model as compare_with to compare.")


def test_data_are_scorable(facts: EvaluationFacts) -> shared_rules.Findings:
    """Require imported audio with transcripts, because error rates need both."""
    dataset, resource = facts.dataset, facts.speech.resource.name
    if isinstance(dataset, Finding):
        return
    if dataset.kind == "Acoustic":
        yield from shared_rules.dataset_is_ready(dataset, resource, "test-data-scorable")
        return
    fitting = call_step("list_datasets", locale=dataset.locale, kinds=["Acoustic"], resource=resource)
    message = f"Dataset {quote(dataset.display_name)} is of kind {word(dataset.kind)}; only Acoustic (audio with "
    message += "transcripts) gives error rates."
    yield block("test-data-scorable", message, f"{fitting} lists what can be tested with.")


def test_data_are_unseen(facts: EvaluationFacts) -> shared_rules.Findings:
    """Warn if a model was trained with the test data, which makes its error rate too low."""
    models, fix = facts.found_models, "Test with recordings that no model was trained with."
    if facts.unseen and len(models) == 2:
        parts = {"model": models[0].id, "compare_with": models[1].id, "dataset": facts.unseen.id}
        test = call_step("create_evaluation", **parts, resource=facts.speech.resource.name)
        fix = f"{test} tests with {quote(facts.unseen.display_name)}, which neither model was trained with."
    for model in models:
        if isinstance(facts.dataset, schemas.Dataset) and model.is_trained_with(facts.dataset.id):
            message = f"The test is void: model {quote(model.display_name)} was trained with this dataset, so its "
            yield warn("test-data-unseen", f"{message}error rate says nothing about other recordings.", fix)


RULES = (models_can_be_compared, test_data_are_scorable, test_data_are_unseen)


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """The plan of an evaluation that passed the rules."""

    speech: Speech
    model: entity_lookup.AnyModel
    compare_with: entity_lookup.AnyModel
    dataset: schemas.Dataset
    project: schemas.Project | None
    display_name: str
    same_name: Sequence[schemas.Evaluation] | None  # None if they were not listed
    key: str  # the idempotency key
    findings: tuple[Finding, ...]


def plan_evaluation(facts: EvaluationFacts) -> EvaluationPlan:
    """Apply the rules to the facts and return the plan; raises Refused with every finding if a rule blocks it."""
    findings = shared_rules.run_rules(RULES, facts)
    model, other, dataset, project = facts.model, facts.compare_with, facts.dataset, facts.project
    if (
        shared_rules.is_blocked(findings)
        or not (isinstance(model, entity_lookup.AnyModel) and isinstance(other, entity_lookup.AnyModel))
        or isinstance(dataset, Finding)
        or isinstance(project, Finding)
    ):
        raise Refused("Nothing was created.", findings)
    name, known = facts.name, facts.same_name
    key = idempotency_key("evaluation", name, model.id, other.id, dataset.id, project.id if project else None)
    fix = "get_evaluation returns the reason; correct the cause, or this evaluation fails as well."
    for failed in [one for one in known or () if ids_of_failed(key, [one])][-1:]:
        attempt = "test of the same models and data, evaluation"
        findings = (*findings, shared_rules.earlier_failure(attempt, failed, fix))
    return EvaluationPlan(facts.speech, model, other, dataset, project, name, known, key, findings)


async def evaluate(call: CallContext, plan: EvaluationPlan) -> tuple[schemas.Evaluation, bool]:
    """Create the evaluation unless the same request has created it. Return it and whether it existed."""
    speech, name, locale = plan.speech, plan.display_name, plan.dataset.locale
    writer = call.writer(speech, Decision(plan.findings, plan.key))
    definition: dict[str, JsonValue] = {
        "displayName": name,
        "locale": locale,
        "model1": entity_lookup.link_to(speech, plan.model),
        "model2": entity_lookup.link_to(speech, plan.compare_with),
        "dataset": entity_lookup.link_to(speech, plan.dataset),
        "project": entity_lookup.link_to(speech, plan.project),
        # The portal shows a test of this kind with its error rates.
        "customProperties": {KEY_PROPERTY: plan.key, "testingKind": "Evaluation"},
    }
    return await call.app.idempotency.create_once(
        call,
        plan.key,
        lambda: writer.evaluations_create(definition),
        partial(speech.evaluations_list, display_name=name, locale=locale),
        known=plan.same_name,
    )
