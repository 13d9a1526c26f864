"""Testing two models with one dataset: the facts, the rules and the plan."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import anyio
from pydantic import JsonValue

from custom_speech_tools.guardrails import resource_rules
from custom_speech_tools.guardrails.references import DATASET, PROJECT, base_model_of, find, find_any_model
from custom_speech_tools.guardrails.resource_rules import is_blocked, projects_are_supported
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.lists import newest_first
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import task_group
from custom_speech_tools.speech.sanitize import quote, word

AnyModel = schemas.CustomModel | schemas.BaseModel
Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class EvaluationFacts:
    """The facts on which the rules decide; a Finding stands in place of an entity that was not found.

    Attributes:
        now: The service's time.
        model: None where it is still to be trained.
        compare_with: The model to compare with; None where the model's base model is not known.
        project: None where none was asked for.
        unseen: A dataset to test with instead, if a model was trained with the one asked for.
    """

    speech: Speech
    now: datetime
    model: AnyModel | Finding | None
    compare_with: AnyModel | Finding | None
    dataset: schemas.Dataset | Finding
    project: schemas.Project | Finding | None
    wants_project: bool
    unseen: schemas.Dataset | None = None

    @property
    def found_models(self) -> list[AnyModel]:
        """The models that were found."""
        return [one for one in (self.model, self.compare_with) if isinstance(one, AnyModel)]


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """A test that nothing blocks; `read_at` is when its facts were read (`anyio.current_time`)."""

    speech: Speech
    model: AnyModel
    compare_with: AnyModel
    dataset: schemas.Dataset
    project: schemas.Project | None
    display_name: str
    findings: tuple[Finding, ...]
    read_at: float

    @property
    def key(self) -> str:
        """The idempotency key."""
        project = self.project.id if self.project else None
        return idempotency_key(
            "evaluation", self.display_name, self.model.id, self.compare_with.id, self.dataset.id, project
        )

    def definition(self) -> dict[str, JsonValue]:
        """Return the body of Evaluations_Create; `testingKind` makes the portal show it as a test with error rates."""
        body: dict[str, JsonValue] = {
            "displayName": self.display_name,
            "locale": self.dataset.locale,
            "model1": {"self": address_of_model(self.speech, self.model)},
            "model2": {"self": address_of_model(self.speech, self.compare_with)},
            "dataset": {"self": self.speech.address_of(f"/datasets/{self.dataset.id}")},
            "customProperties": {KEY_PROPERTY: self.key, "testingKind": "Evaluation"},
        }
        if self.project:
            body["project"] = {"self": self.speech.address_of(f"/projects/{self.project.id}")}
        return body


async def evaluate(call: CallContext, plan: EvaluationPlan) -> tuple[schemas.Evaluation, bool]:
    """Create the evaluation once; return it, and whether it existed."""
    speech, writer = plan.speech, call.writer(plan.speech, Decision(plan.findings, plan.key))
    return await call.app.idempotency.create_once(
        call,
        plan.key,
        lambda: writer.evaluations_create(plan.definition()),
        lambda: speech.evaluations_list(display_name=plan.display_name, locale=plan.dataset.locale),
        read_at=plan.read_at,
    )


def address_of_model(speech: Speech, model: AnyModel) -> str:
    """Return the `self` URI of a custom or base model."""
    return speech.address_of(f"/models/{'base/' if isinstance(model, schemas.BaseModel) else ''}{model.id}")


def references_are_found(facts: EvaluationFacts) -> Findings:
    """Require that models, dataset and project exist; warn if a model would be compared with itself."""
    parts = (facts.model, facts.compare_with, facts.dataset, facts.project)
    yield from (part for part in parts if isinstance(part, Finding))
    if facts.compare_with is None and isinstance(facts.model, AnyModel):
        yield Finding(
            rule="reference-found",
            level="block",
            message=f"Model {quote(facts.model.display_name)} names no base model to compare with.",
            fix="Pass compare_with; "
            + call_step("list_base_models", locale=facts.model.locale, resource=facts.speech.resource.name)
            + " lists base models.",
        )
    if len(facts.found_models) == 2 and facts.found_models[0].id == facts.found_models[1].id:
        yield Finding(
            rule="reference-found",
            level="warn",
            message=f"Model {quote(facts.found_models[0].display_name)} is tested against itself: its error rate is "
            "measured, but nothing is compared.",
            fix="Pass another model as compare_with to compare.",
        )


def resource_is_writable(facts: EvaluationFacts) -> Findings:
    """Require that the resource may be changed."""
    yield from resource_rules.resource_is_writable(facts.speech.resource)


def project_is_supported(facts: EvaluationFacts) -> Findings:
    """Require projects in the API version where one is asked for."""
    if facts.wants_project:
        yield from projects_are_supported(facts.speech.resource)


def locales_match(facts: EvaluationFacts) -> Findings:
    """Require that both models, the dataset and the project have one locale."""
    if not isinstance(facts.model, AnyModel):
        return
    locale = facts.model.locale
    for noun, part in (("Model", facts.compare_with), ("Dataset", facts.dataset), ("Project", facts.project)):
        if isinstance(part, schemas.Entity) and part.locale.lower() != locale.lower():
            yield Finding(
                rule="locale-match",
                level="block",
                message=f"{noun} {quote(part.display_name)} has locale {word(part.locale)}, the model {word(locale)}.",
                fix=f"Use a {noun.lower()} of {word(locale)}.",
            )


def models_are_ready(facts: EvaluationFacts) -> Findings:
    """Require that both models are trained and still transcribe."""
    for model in facts.found_models:
        status = model.status if isinstance(model, schemas.CustomModel) else "Succeeded"
        if status != "Succeeded":
            waits = status in ("NotStarted", "Running")
            yield Finding(
                rule="model-is-ready",
                level="block",
                message=f"Model {quote(model.display_name)} is {word(status)}, not Succeeded.",
                fix="Wait for it; get_model shows its progress." if waits else "Use a model that was trained.",
                remedy="wait" if waits else "correct",
            )
        elif model.transcription_until and model.transcription_until <= facts.now:
            yield Finding(
                rule="model-is-ready",
                level="block",
                message=f"Model {quote(model.display_name)} stopped transcribing on "
                f"{model.transcription_until:%Y-%m-%d}.",
                fix="Use a model that still transcribes.",
            )


def test_data_are_scorable(facts: EvaluationFacts) -> Findings:
    """Require imported audio with transcripts: nothing else gives error rates."""
    dataset = facts.dataset
    if not isinstance(dataset, schemas.Dataset):
        return
    here = facts.speech.resource.name
    if dataset.kind != "Acoustic":
        yield Finding(
            rule="test-data-scorable",
            level="block",
            message=f"Dataset {quote(dataset.display_name)} is of kind {word(dataset.kind)}; only Acoustic "
            "(audio with transcripts) gives error rates.",
            fix=call_step("list_datasets", locale=dataset.locale, kinds=["Acoustic"], resource=here)
            + " lists what can be tested with.",
        )
    elif dataset.status != "Succeeded":
        waits = dataset.status in ("NotStarted", "Running")
        yield Finding(
            rule="test-data-scorable",
            level="block",
            message=f"Dataset {quote(dataset.display_name)} is {word(dataset.status)}, not Succeeded.",
            fix="Wait for it; list_datasets shows its progress." if waits else "Use another dataset.",
            remedy="wait" if waits else "correct",
        )


def test_data_are_unseen(facts: EvaluationFacts) -> Findings:
    """Warn where a model was trained with the test data: it then looks better than it is."""
    for model in facts.found_models:
        if isinstance(facts.dataset, schemas.Dataset) and model.is_trained_with(facts.dataset.id):
            yield Finding(
                rule="test-data-unseen",
                level="warn",
                message=f"The test is void: model {quote(model.display_name)} was trained with this dataset, so its "
                "error rate says nothing about other recordings.",
                fix=_test_with_unseen(facts),
            )


def _test_with_unseen(facts: EvaluationFacts) -> str:
    if facts.unseen is None or len(facts.found_models) < 2:
        return "Test with recordings that no model was trained with."
    first, second = (one.id for one in facts.found_models)
    parts = {"model": first, "compare_with": second, "dataset": facts.unseen.id}
    instead = call_step("create_evaluation", **parts, resource=facts.speech.resource.name)
    return f"{instead} tests with {quote(facts.unseen.display_name)}, which neither model was trained with."


RULES: tuple[Callable[[EvaluationFacts], Findings], ...] = (
    resource_is_writable,
    references_are_found,
    project_is_supported,
    locales_match,
    models_are_ready,
    test_data_are_scorable,
    test_data_are_unseen,
)


async def plan_evaluation(
    call: CallContext,
    *,
    model: str,
    dataset: str,
    compare_with: str | None,
    display_name: str | None,
    project: str | None,
    resource: str | None,
) -> EvaluationPlan:
    """Fetch the facts and check them.

    Raises:
        Refused: A rule blocks the test; every finding is listed.
    """
    speech, read_at = call.speech(resource), anyio.current_time()
    has_projects = speech.resource.api_version.has_projects
    async with task_group() as tasks:
        model_task = tasks.create_task(find_any_model(speech, model))
        other_task = tasks.create_task(find_any_model(speech, compare_with)) if compare_with else None
        dataset_task = tasks.create_task(find(speech, DATASET, dataset))
        project_task = tasks.create_task(find(speech, PROJECT, project)) if project and has_projects else None
    found = model_task.return_value
    other = other_task.return_value if other_task else await base_model_of(speech, found)
    facts = EvaluationFacts(
        speech,
        call.now(speech),
        found,
        other,
        dataset_task.return_value,
        project_task.return_value if project_task else None,
        project is not None,
    )
    if any(test_data_are_unseen(facts)):
        facts = replace(facts, unseen=await _unseen_dataset(speech, facts.found_models))
    return check_evaluation(facts, display_name, read_at)


async def _unseen_dataset(speech: Speech, models: Sequence[AnyModel]) -> schemas.Dataset | None:
    """Return the newest audio with transcripts that no model was trained with, None if there is none."""
    datasets = (await speech.datasets_list(locale=models[0].locale)).entities
    scorable = (one for one in newest_first(datasets) if one.kind == "Acoustic" and one.status == "Succeeded")
    return next((one for one in scorable if not any(model.is_trained_with(one.id) for model in models)), None)


def check_evaluation(facts: EvaluationFacts, display_name: str | None, read_at: float) -> EvaluationPlan:
    """Return the plan of a test that nothing blocks.

    Raises:
        Refused: A rule blocks it; every finding is listed.
    """
    found, other = facts.model, facts.compare_with
    findings = tuple(finding for rule in RULES for finding in rule(facts))
    if is_blocked(findings) or not isinstance(found, AnyModel) or not isinstance(other, AnyModel):
        raise Refused("Nothing was created.", findings, "Correct every finding of level block, then call again.")
    tested, linked = facts.dataset, facts.project
    assert isinstance(tested, schemas.Dataset)  # noqa: S101  # a finding in its place would have blocked
    assert not isinstance(linked, Finding)  # noqa: S101  # the same
    names = [one.display_name[:60] for one in (found, other, tested)]
    against = f" against {names[1]}" if found.id != other.id else ""
    name = display_name or f"{names[0]}{against} on {names[2]}"
    return EvaluationPlan(facts.speech, found, other, tested, linked, name, findings, read_at)
