"""The rules of deploying a model: each a pure function from facts to findings, named for what it requires."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from custom_speech_tools.guardrails import resource_rules
from custom_speech_tools.guardrails.evaluation_plan import AnyModel
from custom_speech_tools.guardrails.resource_rules import projects_are_supported
from custom_speech_tools.runtime.next_steps import Placeholder, call_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.results import Finding, Level, Remedy
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, word

Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class DeploymentRequest:
    """A deployment that is asked for: `endpoint` names an existing one, `display_name` a new one.

    Attributes:
        is_tested: Whether a rollout's gate has shown that the model is better than the endpoint's.
        asked_as: The name under which a rollout asked for the endpoint.
    """

    model: str
    endpoint: str | None
    display_name: str | None
    project: str | None
    logging: bool
    resource: str | None
    is_tested: bool = False
    asked_as: str | None = None


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """The facts on which the rules decide; a Finding stands in place of an entity that was not found.

    Attributes:
        now: The service's time.
        evaluations: The finished evaluations of the resource, if another model is replaced.
        endpoints: All endpoints of the resource, if a new one is asked for: the same request may have made one.
    """

    speech: Speech
    request: DeploymentRequest
    now: datetime
    model: AnyModel | Finding
    endpoint: schemas.Endpoint | Finding | None
    project: schemas.Project | Finding | None
    evaluations: Sequence[schemas.Evaluation]
    endpoints: Sequence[schemas.Endpoint] = ()

    @property
    def replaced(self) -> schemas.Reference | None:
        """The model that the endpoint has now, where it is another one."""
        endpoint, model = self.endpoint, self.model
        if not isinstance(endpoint, schemas.Endpoint) or not isinstance(model, AnyModel) or endpoint.model is None:
            return None
        return None if endpoint.model.id == model.id else endpoint.model


def references_are_found(facts: DeploymentFacts) -> Findings:
    """Require that model, endpoint and project exist."""
    yield from (part for part in (facts.model, facts.endpoint, facts.project) if isinstance(part, Finding))


def resource_is_writable(facts: DeploymentFacts) -> Findings:
    """Require that the resource may be changed."""
    yield from resource_rules.resource_is_writable(facts.speech.resource)


def project_is_supported(facts: DeploymentFacts) -> Findings:
    """Require projects in the API version where one is asked for."""
    if facts.request.project:
        yield from projects_are_supported(facts.speech.resource)


def locales_match(facts: DeploymentFacts) -> Findings:
    """Require that model, endpoint and project have one locale."""
    if not isinstance(facts.model, AnyModel):
        return
    for noun, part in (("Endpoint", facts.endpoint), ("Project", facts.project)):
        if isinstance(part, schemas.Entity) and part.locale.lower() != facts.model.locale.lower():
            yield Finding(
                rule="locale-match",
                level="block",
                message=f"{noun} {quote(part.display_name)} has locale {word(part.locale)}, the model "
                f"{word(facts.model.locale)}.",
                fix=f"Use a {noun.lower()} of {word(facts.model.locale)}.",
            )


def model_is_ready(facts: DeploymentFacts) -> Findings:
    """Require a trained model that still transcribes and can be deployed."""
    model = facts.model
    if not isinstance(model, AnyModel):
        return
    problem = fix = None
    remedy: Remedy = "correct"
    if isinstance(model, schemas.CustomModel) and model.status != "Succeeded":
        problem, fix = f"is {word(model.status)}, not Succeeded", "Use a model that was trained."
        if model.status in ("NotStarted", "Running"):
            fix, remedy = "Wait for it; get_model shows its progress.", "wait"
    elif isinstance(model, schemas.CustomModel) and model.supports_endpoints is False:
        problem, fix = "cannot be deployed to an endpoint", "Use a model on another base model."
    elif model.transcription_until and model.transcription_until <= facts.now:
        problem, fix = f"stopped transcribing on {model.transcription_until:%Y-%m-%d}", "Train a new one."
    if problem and fix:
        message = f"Model {quote(model.display_name)} {problem}."
        yield Finding(rule="model-is-ready", level="block", message=message, fix=fix, remedy=remedy)


def endpoint_is_ready(facts: DeploymentFacts) -> Findings:
    """Require that an existing endpoint is not being deployed: the service then refuses another model."""
    if isinstance(facts.endpoint, schemas.Endpoint) and not is_terminal(facts.endpoint):
        yield Finding(
            rule="endpoint-is-ready",
            level="block",
            message=f"Endpoint {quote(facts.endpoint.display_name)} is {word(facts.endpoint.status)}.",
            fix="Wait for it; get_endpoint shows its progress.",
            remedy="wait",
        )


def is_better_than_current(facts: DeploymentFacts) -> Findings:
    """Warn, or block where the resource requires an evaluation, unless a test shows that the model is not worse."""
    replaced, model = facts.replaced, facts.model
    if replaced is None or facts.request.is_tested or not isinstance(model, AnyModel):
        return
    level: Level = "block" if facts.speech.resource.require_evaluation else "warn"
    rates = rates_of(model.id, replaced.id, facts.evaluations)
    test = call_step(
        "create_evaluation",
        model=model.id,
        compare_with=replaced.id,
        dataset=Placeholder("test dataset"),
        resource=facts.speech.resource.name,
    )
    if rates is None:
        message = f"No finished evaluation compares the model with the endpoint's present model ({replaced.id})."
        yield Finding(rule="better-than-current", level=level, message=message, fix=f"{test} tests it.")
    elif rates[0] > rates[1]:
        message = (
            f"The model's word error rate is {rates[0]:.1%}, that of the endpoint's present model {rates[1]:.1%}, on "
            "the same test data."
        )
        fix = "Keep the present model, or test with other recordings."
        yield Finding(rule="better-than-current", level=level, message=message, fix=fix)


def rates_of(model: str, other: str, evaluations: Sequence[schemas.Evaluation]) -> tuple[float, float] | None:
    """Return the word error rates of two models in the newest evaluation that compares them, in this order."""
    for evaluation in evaluations:
        rates = {
            evaluation.model1.id: evaluation.score(1).word_error_rate,
            evaluation.model2.id: evaluation.score(2).word_error_rate,
        }
        first, second = rates.get(model), rates.get(other)
        if first is not None and second is not None:
            return first, second
    return None


def logging_has_storage(facts: DeploymentFacts) -> Findings:
    """Warn that recordings are kept only on resources with own storage (migration guide to 2024-11-15)."""
    if facts.request.logging and facts.speech.resource.api_version.name != "v3.2":
        yield Finding(
            rule="logging-has-storage",
            level="warn",
            message="Since API version 2024-11-15 an endpoint keeps recordings only where the resource was created "
            "with own storage.",
            fix="Leave out logging, or use a resource with own storage.",
        )


RULES: tuple[Callable[[DeploymentFacts], Findings], ...] = (
    resource_is_writable,
    references_are_found,
    project_is_supported,
    locales_match,
    model_is_ready,
    endpoint_is_ready,
    is_better_than_current,
    logging_has_storage,
)
