"""Preview a rollout file: the model that it is about, and every step that remains. Changes nothing."""

from collections.abc import Iterator, Sequence

from custom_speech_tools.guardrails.evaluation_plan import RULES as EVALUATION_RULES
from custom_speech_tools.guardrails.evaluation_plan import EvaluationFacts
from custom_speech_tools.guardrails.model_plan import ModelPlan
from custom_speech_tools.guardrails.references import DATASET, find, find_any_model
from custom_speech_tools.guardrails.rollout_facts import TargetFacts, read_targets
from custom_speech_tools.guardrails.rollout_gate import BASE, DEPLOYED
from custom_speech_tools.guardrails.rollout_model import PreviewArguments, RolloutModel, find_rollout_model, for_model
from custom_speech_tools.guardrails.rollout_plan import RolloutPlan, hosting_charges, plan_rollout
from custom_speech_tools.guardrails.rollout_rules import check_request, check_target, check_targets
from custom_speech_tools.runtime.agreement import ConfirmationPolicy
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.results import Answer, EntityReference, Finding, Moment, Result, Sentence
from custom_speech_tools.runtime.tool import Effect, declare
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote

ASK = ConfirmationPolicy("ask", b"")


class PreviewTarget(Result):
    """A target, and what remains to be done."""

    resource: str
    project: str | None
    endpoint: str | None
    remaining: list[str]
    error: Sentence | None


class Preview(Answer):
    """What a rollout would do.

    `model` is null where it is still to be trained; `gate` is the verdict, or what will be tested; `charges` is
    everything that the user has to agree to.
    """

    display_name: str
    locale: str
    model: EntityReference | None
    status: str | None
    base_model: str | None
    changes: list[Sentence]
    charges: list[Sentence]
    gate: Sentence
    gate_passed: bool | None
    targets: list[PreviewTarget]
    findings: list[Finding]
    now: Moment


async def preview_rollout(arguments: PreviewArguments, call: CallContext) -> Preview:
    """Show what a rollout would change."""
    if (arguments.resource or call.app.default) not in call.app.resources:
        raise Refused("Nothing can be rolled out.", check_targets(call, arguments), "Correct all of this.")
    source = call.speech(arguments.resource)
    subject = await find_rollout_model(call, source, arguments)
    model = subject.model
    if model is not None and model.status == "Succeeded":
        plan = await plan_rollout(call, for_model(arguments, model))
        return _of_plan(plan)
    if model is not None and model.status == "Failed":
        message = f"Training of model {quote(model.display_name)} failed."
        fix = f'Correct the cause and delete it: delete_entity(kind="model", entity="{model.id}").'
        failed = Finding(rule="model-is-ready", level="block", message=message, fix=fix)
        raise Refused("Nothing can be rolled out.", [failed], "Then start again.")
    return await _of_training(call, source, arguments, subject)


def _of_plan(plan: RolloutPlan) -> Preview:
    failed = plan.gate.verdict.passed is False
    tests = [] if plan.gate.plan is None or plan.gate.evaluation else ["test the model"]
    return Preview(
        display_name=plan.model.display_name,
        locale=plan.model.locale,
        model=EntityReference(id=plan.model.id, display_name=plan.model.display_name),
        status=plan.model.status,
        base_model=plan.model.base_model.id if plan.model.base_model else None,
        changes=[] if failed else [*tests, *_target_changes(plan.targets, plan.faults)],
        charges=[] if failed else [one.message for one in hosting_charges(plan.new_endpoints, ASK)],
        gate=plan.gate.verdict.reason,
        gate_passed=plan.gate.verdict.passed,
        targets=[_target(one, plan.faults) for one in plan.targets],
        findings=[one for one in plan.findings if one.rule != "hosting-is-charged"],
        now=plan.now,
        next_steps=[],
    )


async def _of_training(
    call: CallContext, source: Speech, arguments: PreviewArguments, subject: RolloutModel
) -> Preview:
    """Check everything that can be checked before days of training."""
    now, model, training = call.now(source), subject.model, subject.training
    locale = model.locale if model else (arguments.training.locale if arguments.training else "")
    known = [one for one in arguments.targets if one.resource in call.app.resources]
    named = [(call.speech(one.resource), one.project is not None) for one in known]
    findings = [*check_targets(call, arguments), *(training.findings if training else ())]
    findings += check_request(source, None, named, now)
    findings += await _check_test(call, source, arguments, locale, _datasets(model, training))
    targets = await read_targets(call, None, locale, known, now)
    faults = {one.asked.resource: check_target(one, None, locale) for one in targets}
    findings += [fault for found in faults.values() for fault in found]
    if any(one.level == "block" for one in findings):
        raise Refused("Nothing can be rolled out.", findings, "Correct every finding of level block.")
    trains = [] if model else [f"train model {quote(subject.name)} on base model {_base_name(training)}"]
    tests = ["test the model"] if arguments.test_dataset else []
    training_charges = [one.message for one in findings if one.rule == "training-is-charged"]
    hosting = hosting_charges([one for one in targets if one.creates_endpoint], ASK)
    return Preview(
        display_name=subject.name,
        locale=locale,
        model=EntityReference(id=model.id, display_name=model.display_name) if model else None,
        status=model.status if model else None,
        base_model=subject.base_model,
        changes=[*trains, *tests, *_target_changes(targets, faults)],
        charges=[*training_charges, *(one.message for one in hosting)],
        gate="The model is tested when it is trained." if tests else "No test is asked for.",
        gate_passed=None,
        targets=[_target(one, faults) for one in targets],
        findings=[one for one in findings if one.rule != "training-is-charged"],
        now=now,
        next_steps=[],
    )


def _datasets(model: schemas.CustomModel | None, training: ModelPlan | None) -> set[str]:
    if training:
        return {dataset.id for dataset in training.facts.found_datasets}
    return {reference.id for reference in (model.datasets if model else None) or []}


def _base_name(training: ModelPlan | None) -> str:
    return quote(training.base_model.display_name) if training and training.base_model else "of the service's choice"


async def _check_test(
    call: CallContext, source: Speech, arguments: PreviewArguments, locale: str, trained: set[str]
) -> list[Finding]:
    """Check the gate's test before there is a model: its data, and the model to compare with."""
    if arguments.test_dataset is None:
        return []
    dataset = await find(source, DATASET, arguments.test_dataset, locale)
    other = None
    if arguments.compare_with not in (None, BASE, DEPLOYED):
        other = await find_any_model(source, arguments.compare_with or "", locale)
    facts = EvaluationFacts(source, call.now(source), None, other, dataset, None, False)
    findings = [finding for rule in EVALUATION_RULES for finding in rule(facts)]
    return [*findings, *_will_fit(dataset, locale), *_will_be_seen(arguments, dataset, trained)]


def _will_fit(dataset: schemas.Dataset | Finding, locale: str) -> Iterator[Finding]:
    if isinstance(dataset, schemas.Dataset) and dataset.locale.lower() != locale.lower():
        message = f"Dataset {quote(dataset.display_name)} has locale {quote(dataset.locale)}, the model {locale}."
        yield Finding(rule="locale-match", level="block", message=message, fix=f"Use a dataset of {locale}.")


def _will_be_seen(
    arguments: PreviewArguments, dataset: schemas.Dataset | Finding, trained: set[str]
) -> Iterator[Finding]:
    if isinstance(dataset, schemas.Dataset) and dataset.id in trained and not arguments.allow_seen_test_data:
        yield Finding(
            rule="test-data-unseen",
            level="block",
            message=f"The model is trained with {quote(dataset.display_name)}, so a test with it can never pass.",
            fix="Test with recordings that it is not trained with, or set allow_seen_test_data = true.",
        )


def _target_changes(targets: Sequence[TargetFacts], faults: dict[str, list[Finding]]) -> list[str]:
    return [
        f"{one.speech.resource.name}: {step}"
        for one in targets
        if one.error is None and not faults[one.asked.resource]
        for step in one.remaining
    ]


def _target(target: TargetFacts, faults: dict[str, list[Finding]]) -> PreviewTarget:
    found = faults[target.asked.resource]
    error = str(target.error) if target.error else " ".join(f"[{one.rule}] {one.message} {one.fix}" for one in found)
    return PreviewTarget(
        resource=target.speech.resource.name,
        project=target.asked.project,
        endpoint=target.asked.endpoint,
        remaining=target.remaining,
        error=error or None,
    )


tool = declare(preview_rollout, "Preview a rollout", Effect.READ, "deployment")
