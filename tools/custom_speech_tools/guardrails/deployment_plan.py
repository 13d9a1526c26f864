"""Deploying a model to a new or an existing endpoint: the facts, the rules and the plan."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import anyio
from pydantic import JsonValue

from custom_speech_tools.guardrails import resource_rules
from custom_speech_tools.guardrails.evaluation_plan import AnyModel, address_of_model
from custom_speech_tools.guardrails.references import ENDPOINT, PROJECT, find, find_any_model
from custom_speech_tools.guardrails.resource_rules import is_blocked, projects_are_supported
from custom_speech_tools.runtime.confirmation import ConfirmationRequest
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.next_steps import Placeholder
from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.presenters.lists import newest_first
from custom_speech_tools.runtime.results import Finding, Level
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import task_group
from custom_speech_tools.speech.sanitize import quote, sanitize

Findings = Iterator[Finding]

PREVIOUS_MODEL_PROPERTY = "custom-speech-mcp-previous-model"
"""The name in `customProperties` under which an endpoint keeps the model that it had before."""


@dataclass(frozen=True, slots=True)
class DeploymentRequest:
    """A deployment that is asked for: `endpoint` names an existing one, `display_name` a new one."""

    model: str
    endpoint: str | None
    display_name: str | None
    project: str | None
    logging: bool
    resource: str | None


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """The facts on which the rules decide; a Finding stands in place of an entity that was not found.

    Attributes:
        now: The service's time.
        policy: `ask` or `never`: whether the user has to agree to a charge.
        evaluations: The finished evaluations of the resource, where another model is replaced.
    """

    speech: Speech
    request: DeploymentRequest
    now: datetime
    policy: str
    model: AnyModel | Finding
    endpoint: schemas.Endpoint | Finding | None
    project: schemas.Project | Finding | None
    evaluations: Sequence[schemas.Evaluation]

    @property
    def replaced(self) -> schemas.Reference | None:
        """The model that the endpoint has now, where it is another one."""
        endpoint, model = self.endpoint, self.model
        if not isinstance(endpoint, schemas.Endpoint) or not isinstance(model, AnyModel) or endpoint.model is None:
            return None
        return None if endpoint.model.id == model.id else endpoint.model


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """A deployment that nothing blocks; `read_at` is when its facts were read (`anyio.current_time`)."""

    facts: DeploymentFacts
    model: AnyModel
    endpoint: schemas.Endpoint | None
    findings: tuple[Finding, ...]
    read_at: float

    @property
    def speech(self) -> Speech:
        """The resource."""
        return self.facts.speech

    @property
    def is_deployed(self) -> bool:
        """True if the existing endpoint has this model already."""
        endpoint = self.endpoint
        return endpoint is not None and endpoint.model is not None and endpoint.model.id == self.model.id

    @property
    def key(self) -> str:
        """The idempotency key of a new endpoint."""
        project = self.facts.project.id if isinstance(self.facts.project, schemas.Project) else None
        request = self.facts.request
        return idempotency_key("endpoint", request.display_name, self.model.id, project, request.logging)

    def definition(self) -> dict[str, JsonValue]:
        """Return the body of Endpoints_Create."""
        request, speech = self.facts.request, self.speech
        body: dict[str, JsonValue] = {
            "displayName": request.display_name,
            "locale": self.model.locale,
            "model": {"self": address_of_model(speech, self.model)},
            "properties": {"loggingEnabled": request.logging},
            "customProperties": {KEY_PROPERTY: self.key},
        }
        if isinstance(self.facts.project, schemas.Project):
            body["project"] = {"self": speech.address_of(f"/projects/{self.facts.project.id}")}
        return body

    def changes(self) -> dict[str, JsonValue]:
        """Return the body of Endpoints_Update: the model, and what leads back to the one that it replaces."""
        replaced = self.facts.replaced
        properties: dict[str, JsonValue] = {PREVIOUS_MODEL_PROPERTY: replaced.uri} if replaced else {}
        return {"model": {"self": address_of_model(self.speech, self.model)}, "customProperties": properties}

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        request, resource = self.facts.request, self.speech.resource
        cost = f"Hosting an endpoint is charged around the clock to your Azure subscription (resource {resource.name})."
        if self.speech.is_emulated:
            cost = "Hosting an endpoint would be charged on Azure; this resource is emulated, so nothing is charged."
        name = self.endpoint.id if self.endpoint else request.display_name
        return ConfirmationRequest(
            effect="/".join(["deploy_model", resource.identity, self.key, str(name), self.model.id]),
            question=f"{cost} Deploy model {quote(self.model.display_name)} to new endpoint "
            f"{quote(request.display_name or '')} ({self.model.locale})?",
            findings=self.findings,
            not_done="Nothing was deployed.",
            declined="Put the model into an existing endpoint, or leave it.",
        )


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
                message=f"{noun} {quote(part.display_name)} has locale {sanitize(part.locale)}, the model "
                f"{sanitize(facts.model.locale)}.",
                fix=f"Use a {noun.lower()} of {sanitize(facts.model.locale)}.",
            )


def model_is_ready(facts: DeploymentFacts) -> Findings:
    """Require a trained model that still transcribes and can be deployed."""
    model = facts.model
    if not isinstance(model, AnyModel):
        return
    problem = fix = None
    if isinstance(model, schemas.CustomModel) and model.status != "Succeeded":
        problem, fix = f"is {sanitize(model.status, 40)}, not Succeeded", "Use a model that was trained."
        if model.status in ("NotStarted", "Running"):
            fix = "Wait for it; get_model shows its progress."
    elif isinstance(model, schemas.CustomModel) and model.supports_endpoints is False:
        problem, fix = "cannot be deployed to an endpoint", "Use a model on another base model."
    elif model.transcription_until and model.transcription_until <= facts.now:
        problem, fix = f"stopped transcribing on {model.transcription_until:%Y-%m-%d}", "Train a new one."
    if problem and fix:
        message = f"Model {quote(model.display_name)} {problem}."
        yield Finding(rule="model-is-ready", level="block", message=message, fix=fix)


def endpoint_is_ready(facts: DeploymentFacts) -> Findings:
    """Require that an existing endpoint is not being deployed: the service then refuses another model."""
    if isinstance(facts.endpoint, schemas.Endpoint) and not is_terminal(facts.endpoint):
        yield Finding(
            rule="endpoint-is-ready",
            level="block",
            message=f"Endpoint {quote(facts.endpoint.display_name)} is {sanitize(facts.endpoint.status, 40)}.",
            fix="Wait for it; get_endpoint shows its progress.",
        )


def is_better_than_current(facts: DeploymentFacts) -> Findings:
    """Warn, or block where the resource requires an evaluation, unless a test shows that the model is not worse."""
    replaced, model = facts.replaced, facts.model
    if replaced is None or not isinstance(model, AnyModel):
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


def hosting_is_charged(facts: DeploymentFacts) -> Findings:
    """Require the user's agreement to a new endpoint; another model in an existing one costs nothing more."""
    if facts.request.display_name is None:
        return
    agree = "Your user must agree first." if facts.policy == "ask" else "This server was started with --confirm never."
    emulated = " It is emulated, so nothing is really charged." if facts.speech.is_emulated else ""
    yield Finding(
        rule="hosting-is-charged",
        level="confirm" if facts.policy == "ask" else "warn",
        message=f"Hosting an endpoint is charged around the clock to resource {facts.speech.resource.name}, and cannot "
        f"be paused.{emulated} On a free (F0) resource it is deleted after seven days.",
        fix=f"{agree} An existing endpoint can take the model instead, and keeps its id.",
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
    hosting_is_charged,
)


async def plan_deployment(call: CallContext, request: DeploymentRequest) -> DeploymentPlan:
    """Fetch the facts and check them.

    Raises:
        Refused: A rule blocks the deployment; every finding is listed.
    """
    speech, read_at = call.speech(request.resource), anyio.current_time()
    has_projects = speech.resource.api_version.has_projects
    async with task_group() as tasks:
        model = tasks.create_task(find_any_model(speech, request.model))
        endpoint = tasks.create_task(find(speech, ENDPOINT, request.endpoint)) if request.endpoint else None
        wanted = request.project if has_projects else None
        project = tasks.create_task(find(speech, PROJECT, wanted)) if wanted else None
        evaluations = tasks.create_task(speech.evaluations_list(status="Succeeded")) if request.endpoint else None
    facts = DeploymentFacts(
        speech,
        request,
        call.now(speech),
        call.app.confirmation.mode,
        model.return_value,
        endpoint.return_value if endpoint else None,
        project.return_value if project else None,
        newest_first(evaluations.return_value.entities) if evaluations else (),
    )
    findings = tuple(finding for rule in RULES for finding in rule(facts))
    if is_blocked(findings) or isinstance(facts.model, Finding) or isinstance(facts.endpoint, Finding):
        raise Refused("Nothing was deployed.", findings, "Correct every finding of level block, then call again.")
    return DeploymentPlan(facts, facts.model, facts.endpoint, findings, read_at)
