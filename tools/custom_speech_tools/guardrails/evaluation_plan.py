"""Testing two models with one dataset: the arguments, the facts, the rules and the plan."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Annotated

from pydantic import Field, JsonValue

from custom_speech_tools.guardrails import entity_lookup, shared_rules
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.change_audit import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key, ids_of_failed
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, word
from custom_speech_tools.speech.task_groups import task_group


class EvaluationArguments(parameters.Arguments):
    """The arguments of create_evaluation."""

    model: parameters.ModelReference
    dataset: Annotated[parameters.Identifier, Field(description="Audio with transcripts: id, self URI or exact name")]
    compare_with: Annotated[
        parameters.Identifier | None, Field(description="Custom or base model; default: the model's base model")
    ] = None
    display_name: Annotated[
        parameters.ShortText | None, Field(description="Name; default: made of models and dataset")
    ] = None
    project: parameters.OptionalProject = None
    wait_seconds: parameters.WaitSeconds = 0
    resource: parameters.ResourceName = None


@dataclass(frozen=True, slots=True)
class EvaluationFacts:
    """The facts on which the rules decide; a Finding stands in place of an entity that was not found."""

    speech: Speech
    now: datetime  # the service's time
    model: entity_lookup.AnyModel | Finding | None  # None if it is still to be trained
    compare_with: entity_lookup.AnyModel | Finding | None  # None if the model's base model is not known
    dataset: schemas.Dataset | Finding
    project: schemas.Project | Finding | None = None  # None if none was asked for
    unseen: schemas.Dataset | None = None  # to test with instead, if a model was trained with the one asked for

    @property
    def found_models(self) -> list[entity_lookup.AnyModel]:
        """The models that were found."""
        return [one for one in (self.model, self.compare_with) if isinstance(one, entity_lookup.AnyModel)]


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """A test that nothing blocks."""

    speech: Speech
    model: entity_lookup.AnyModel
    compare_with: entity_lookup.AnyModel
    dataset: schemas.Dataset
    project: schemas.Project | None
    display_name: str
    findings: tuple[Finding, ...]

    @property
    def key(self) -> str:
        """The idempotency key."""
        project = self.project.id if self.project else None
        return idempotency_key(
            "evaluation", self.display_name, self.model.id, self.compare_with.id, self.dataset.id, project
        )


async def evaluate(call: CallContext, plan: EvaluationPlan) -> tuple[schemas.Evaluation, bool, list[Finding]]:
    """Create the evaluation once; return it, whether it existed, and the warning about an earlier one that failed."""
    speech, writer = plan.speech, call.writer(plan.speech, Decision(plan.findings, plan.key))
    list_candidates = partial(speech.evaluations_list, display_name=plan.display_name, locale=plan.dataset.locale)
    known = (await list_candidates()).entities
    definition: dict[str, JsonValue] = {
        "displayName": plan.display_name,
        "locale": plan.dataset.locale,
        "model1": entity_lookup.link_to(speech, plan.model),
        "model2": entity_lookup.link_to(speech, plan.compare_with),
        "dataset": entity_lookup.link_to(speech, plan.dataset),
        "project": entity_lookup.link_to(speech, plan.project),
        # The portal shows a test of this kind with its error rates.
        "customProperties": {KEY_PROPERTY: plan.key, "testingKind": "Evaluation"},
    }
    made = await call.app.idempotency.create_once(
        call,
        plan.key,
        lambda: writer.evaluations_create(definition),
        list_candidates,
        known=known,
    )
    failed = [one for one in known if one.id in ids_of_failed(plan.key, known)][-1:]
    fix = "get_evaluation says why; correct the cause, or this one fails as well."
    return *made, [
        shared_rules.earlier_failure("test of the same models and data, evaluation", one, fix) for one in failed
    ]


def models_can_be_compared(facts: EvaluationFacts) -> shared_rules.Findings:
    """Require parts that fit, and two models that are trained and still transcribe; warn if they are the same one."""
    model, other, here = facts.model, facts.compare_with, facts.speech.resource.name
    locale = model.locale if isinstance(model, entity_lookup.AnyModel) else None
    yield from shared_rules.parts_fit(facts.speech.resource, locale, model, other, facts.dataset, facts.project)
    for found in facts.found_models:
        yield from shared_rules.model_is_ready(found, facts.now, here)
    if isinstance(model, Finding | None) or isinstance(other, Finding):
        return
    if other is None:
        choose = call_step("list_base_models", locale=model.locale, resource=here)
        message = f"Model {quote(model.display_name)} names no base model to compare with."
        yield block("reference-found", message, f"Pass compare_with; {choose} lists base models.")
    elif other.id == model.id:
        name = quote(model.display_name)
        message = f"Model {name} is tested against itself: its error rate is measured, but nothing is compared."
        yield warn("reference-found", message, "Pass another model as compare_with to compare.")


def test_data_are_scorable(facts: EvaluationFacts) -> shared_rules.Findings:
    """Require imported audio with transcripts: nothing else gives error rates."""
    dataset, here = facts.dataset, facts.speech.resource.name
    if isinstance(dataset, Finding):
        return
    if dataset.kind == "Acoustic":
        yield from shared_rules.dataset_is_ready(dataset, here, "test-data-scorable")
        return
    fitting = call_step("list_datasets", locale=dataset.locale, kinds=["Acoustic"], resource=here)
    message = f"Dataset {quote(dataset.display_name)} is of kind {word(dataset.kind)}; only Acoustic (audio with "
    message += "transcripts) gives error rates."
    yield block("test-data-scorable", message, f"{fitting} lists what can be tested with.")


def test_data_are_unseen(facts: EvaluationFacts) -> shared_rules.Findings:
    """Warn if a model was trained with the test data: it then looks better than it is."""
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


async def plan_evaluation(call: CallContext, arguments: EvaluationArguments) -> EvaluationPlan:
    """Fetch the facts and check them; raises Refused with every finding if a rule blocks the test."""
    speech, compare_with = call.speech(arguments.resource), arguments.compare_with
    async with task_group() as tasks:
        model = tasks.create_task(entity_lookup.find_any_model(speech, arguments.model))
        named = tasks.create_task(entity_lookup.find_any_model(speech, compare_with)) if compare_with else None
        dataset = tasks.create_task(entity_lookup.find_entity(speech, entity_lookup.DATASET, arguments.dataset))
        project = tasks.create_task(entity_lookup.find_project(speech, arguments.project))
    found = model.return_value
    other = named.return_value if named else await entity_lookup.base_model_of(speech, found)
    facts = EvaluationFacts(speech, call.now(speech), found, other, dataset.return_value, project.return_value)
    if any(test_data_are_unseen(facts)):
        models = facts.found_models
        datasets = newest_first((await speech.datasets_list(locale=models[0].locale)).entities)
        scorable = [one for one in datasets if one.kind == "Acoustic" and one.status == "Succeeded"]
        unseen = (one for one in scorable if not any(model.is_trained_with(one.id) for model in models))
        facts = replace(facts, unseen=next(unseen, None))
    return check_evaluation(facts, arguments.display_name)


def check_evaluation(facts: EvaluationFacts, display_name: str | None) -> EvaluationPlan:
    """Return the plan of a test that nothing blocks; raises Refused with every finding if a rule does."""
    findings = shared_rules.run_rules(RULES, facts)
    model, other, dataset, project = facts.model, facts.compare_with, facts.dataset, facts.project
    if (
        shared_rules.is_blocked(findings)
        or not (isinstance(model, entity_lookup.AnyModel) and isinstance(other, entity_lookup.AnyModel))
        or isinstance(dataset, Finding)
        or isinstance(project, Finding)
    ):
        raise Refused("Nothing was created.", findings)
    names = [one.display_name[:60] for one in (model, other, dataset)]
    against = f" against {names[1]}" if model.id != other.id else ""
    name = display_name or f"{names[0]}{against} on {names[2]}"
    return EvaluationPlan(facts.speech, model, other, dataset, project, name, findings)
