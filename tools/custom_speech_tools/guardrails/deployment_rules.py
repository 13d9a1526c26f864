"""The facts and the rules of deploying a model: pure functions from facts to findings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from custom_speech_tools.guardrails.references import AnyModel
from custom_speech_tools.guardrails.resource_rules import Findings, model_is_ready, parts_fit
from custom_speech_tools.runtime.next_steps import Placeholder, call_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.results import Finding, Level
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, word


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """The facts on which the rules decide; a Finding stands in place of an entity that was not found.

    Attributes:
        now: The service's time.
        endpoint: The existing endpoint that gets the model, None if a new one is asked for.
        display_name: The name of a new endpoint.
        evaluations: The finished evaluations of the resource, if another model is replaced.
        endpoints: All endpoints of the resource, if a new one is asked for: the same request may have made one.
        is_tested: Whether a rollout's gate has shown that the model is better than the endpoint's.
        asked_as: The name under which a rollout asked for the endpoint.
    """

    speech: Speech
    now: datetime
    model: AnyModel | Finding
    endpoint: schemas.Endpoint | Finding | None
    project: schemas.Project | Finding | None
    display_name: str | None
    logging: bool = False
    evaluations: Sequence[schemas.Evaluation] = ()
    endpoints: Sequence[schemas.Endpoint] = ()
    is_tested: bool = False
    asked_as: str | None = None

    @property
    def replaced(self) -> schemas.Reference | None:
        """The model that the endpoint has now, if it is another one."""
        has = self.endpoint.model if isinstance(self.endpoint, schemas.Endpoint) else None
        return has if has and isinstance(self.model, AnyModel) and has.id != self.model.id else None


def named_parts_fit(facts: DeploymentFacts) -> Findings:
    """Require that model, endpoint and project exist and have one locale, on a resource that may be changed."""
    locale = facts.model.locale if isinstance(facts.model, AnyModel) else None
    yield from parts_fit(facts.speech.resource, locale, facts.model, facts.endpoint, facts.project)


def model_can_be_deployed(facts: DeploymentFacts) -> Findings:
    """Require a trained model that still transcribes and that endpoints take."""
    model = facts.model
    if isinstance(model, AnyModel):
        yield from model_is_ready(model, facts.now, facts.speech.resource.name)
    if isinstance(model, schemas.CustomModel) and model.status == "Succeeded" and model.supports_endpoints is False:
        message = f"Model {quote(model.display_name)} cannot be deployed to an endpoint."
        fix = "Use a model on another base model."
        yield Finding(rule="model-is-ready", level="block", message=message, fix=fix)


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
    replaced, model, resource = facts.replaced, facts.model, facts.speech.resource
    if replaced is None or facts.is_tested or isinstance(model, Finding):
        return
    level: Level = "block" if resource.require_evaluation else "warn"
    rates = _rates_of(model.id, replaced.id, facts.evaluations)
    if rates is None:
        test = call_step(
            "create_evaluation",
            model=model.id,
            compare_with=replaced.id,
            dataset=Placeholder("test dataset"),
            resource=resource.name,
        )
        message = f"No finished evaluation compares the model with the endpoint's present model ({replaced.id})."
        yield Finding(rule="better-than-current", level=level, message=message, fix=f"{test} tests it.")
    elif rates[0] > rates[1]:
        message = (
            f"The model's word error rate is {rates[0]:.1%}, that of the endpoint's present model {rates[1]:.1%}, on "
            "the same test data."
        )
        fix = "Keep the present model, or test with other recordings."
        yield Finding(rule="better-than-current", level=level, message=message, fix=fix)


def _rates_of(model: str, other: str, evaluations: Sequence[schemas.Evaluation]) -> tuple[float, float] | None:
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
    if facts.logging and facts.speech.resource.api_version.name != "v3.2":
        yield Finding(
            rule="logging-has-storage",
            level="warn",
            message="Since API version 2024-11-15 an endpoint keeps recordings only where the resource was created "
            "with own storage.",
            fix="Leave out logging, or use a resource with own storage.",
        )


RULES: tuple[Callable[[DeploymentFacts], Findings], ...] = (
    named_parts_fit,
    model_can_be_deployed,
    endpoint_is_ready,
    is_better_than_current,
    logging_has_storage,
)
