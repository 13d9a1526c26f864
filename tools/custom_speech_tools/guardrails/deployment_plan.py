"""Deployments of models to new or existing endpoints: rules, plan and writes."""

from dataclasses import dataclass

from pydantic import JsonValue

from custom_speech_tools.guardrails import shared_rules
from custom_speech_tools.guardrails.charges import hosting_effect, hosting_is_charged
from custom_speech_tools.guardrails.deployment_facts import (
    PREVIOUS_MODEL_PROPERTY,
    REQUESTED_NAME_PROPERTY,
    DeploymentArguments,
    DeploymentFacts,
    gather_deployment_facts,
    previous_model,
)
from custom_speech_tools.guardrails.entity_lookup import AnyModel, link_to
from custom_speech_tools.guardrails.evaluation_verdict import rates_of
from custom_speech_tools.runtime.agreements import ConfirmationRequest, Effect
from custom_speech_tools.runtime.change_control import AgreementUse, Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key, ids_of_failed
from custom_speech_tools.runtime.next_steps import DEFAULT_WAIT_SECONDS, Choice, call_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote, word


def can_be_deployed(facts: DeploymentFacts) -> shared_rules.Findings:
    """Require compatible parts, a deployable model and an idle endpoint, and warn if recordings cannot be stored."""
    model, endpoint, resource_name = facts.model, facts.endpoint, facts.speech.resource.name
    locale = model.locale if isinstance(model, AnyModel) else None
    yield from shared_rules.parts_fit(facts.speech.resource, locale, model, endpoint, facts.project)
    if isinstance(model, AnyModel):
        yield from shared_rules.model_is_ready(model, facts.now, resource_name)
    if isinstance(model, schemas.CustomModel) and model.status == "Succeeded" and model.supports_endpoints is False:
        message = f"Model {quote(model.display_name)} cannot be deployed to an endpoint."
        yield block("model-is-ready", message, "Use a model on another base model.")
    if isinstance(endpoint, schemas.Endpoint):
        yield from endpoint_is_ready(endpoint, resource_name)
    # According to the migration guide to API version 2024-11-15.
    if facts.logging and facts.speech.resource.api_version.name != "v3.2":
        message = "Since API version 2024-11-15 only endpoints of a resource with own storage keep recordings."
        yield warn("logging-has-storage", message, "Leave out logging, or use a resource with own storage.")


def endpoint_is_ready(endpoint: schemas.Endpoint, resource: str) -> shared_rules.Findings:
    """Require that the endpoint is not being deployed, because the service would refuse another model."""
    if not is_terminal(endpoint):
        wait = call_step("get_endpoint", endpoint=endpoint.id, wait_seconds=DEFAULT_WAIT_SECONDS, resource=resource)
        message = f"Endpoint {quote(endpoint.display_name)} is {word(endpoint.status)}."
        yield block("endpoint-is-ready", message, f"Wait for it: {wait}.", "wait")


def is_better_than_current(facts: DeploymentFacts) -> shared_rules.Findings:
    """Warn unless an evaluation shows that the model is no worse than the endpoint's current model.

    Block instead if the resource is configured with `require_evaluation`.
    """
    replaced, model, endpoint, resource = facts.replaced, facts.model, facts.endpoint, facts.speech.resource
    if replaced is None or isinstance(model, Finding) or not isinstance(endpoint, schemas.Endpoint):
        return
    before = previous_model(facts.speech, endpoint)
    is_restored = before is not None and before.id == model.id and not resource.require_evaluation
    if facts.is_evaluated or is_restored:
        return
    finding = block if resource.require_evaluation else warn
    rates = rates_of(model.id, replaced.id, facts.evaluations)
    if rates is None:
        data, name = Choice("a test dataset"), resource.name
        evaluate = call_step("create_evaluation", model=model.id, compare_with=replaced.id, dataset=data, resource=name)
        message = "No finished evaluation compares the model with that of endpoint "
        yield finding("better-than-current", f"{message}{quote(endpoint.display_name)}, which it replaces.", evaluate)
    elif rates[0] > rates[1]:
        message = f"On the same test data, the model's word error rate is {rates[0]:.1%}, that of the model that it "
        fix = "Keep the present model, or test with other recordings."
        if not resource.require_evaluation:  # the user reads this after the replacement
            fix = "This is information: if the exchange was intended, nothing has to be done."
        yield finding("better-than-current", f"{message}replaces {rates[1]:.1%}.", fix)


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """The plan of a deployment that passed the rules."""

    facts: DeploymentFacts
    model: AnyModel
    endpoint: schemas.Endpoint | None  # None for a new endpoint
    key: str  # the idempotency key of a new endpoint
    existing: schemas.Endpoint | None  # the endpoint that already hosts the model, None if its deployment failed
    findings: tuple[Finding, ...]

    @property
    def effect(self) -> Effect | None:
        """The charge that the user has to agree to, or None if no endpoint is created."""
        is_new = self.endpoint is None and self.existing is None
        return hosting_effect(self.facts.speech, self.key, self.model.id) if is_new else None

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        effect = self.effect
        return ConfirmationRequest(
            effects=(effect,) if effect else (),
            question=f"{effect.description if effect else ''} Deploy model {quote(self.model.display_name)} "
            f"to new endpoint {quote(self.facts.display_name or '')} ({self.model.locale})?",
            findings=self.findings,
            not_done="Nothing was deployed.",
            declined="Put the model into an existing endpoint, or leave it.",
        )


async def plan_deployment(call: CallContext, arguments: DeploymentArguments) -> DeploymentPlan:
    """Return the plan of a deployment, or raise Refused with every finding if a rule blocks it."""
    return check_deployment(call, await gather_deployment_facts(call, arguments))


def check_deployment(call: CallContext, facts: DeploymentFacts) -> DeploymentPlan:
    """Return the plan for these facts, or raise Refused with every finding if a rule blocks it."""
    findings = [*can_be_deployed(facts), *is_better_than_current(facts)]
    if facts.display_name:
        findings.append(hosting_is_charged(facts.speech, facts.display_name, call.app.confirmation))
    model, endpoint = facts.model, facts.endpoint
    if shared_rules.is_blocked(findings) or isinstance(model, Finding) or isinstance(endpoint, Finding):
        raise Refused("Nothing was deployed.", findings)
    project = facts.project.id if isinstance(facts.project, schemas.Project) else None
    key = idempotency_key("endpoint", facts.display_name, model.id, project, facts.logging)
    if endpoint is None:
        existing = find_by_key(key, facts.endpoints, ids_of_failed(key, facts.endpoints))
    else:
        current = endpoint.model if endpoint.status != "Failed" else None  # a failed deployment can be repeated
        existing = endpoint if current and current.id == model.id else None
    if existing is None and (failed := find_by_key(key, facts.endpoints)):
        delete = call_step("delete_entity", kind="endpoint", entity=failed.id, resource=facts.speech.resource.name)
        attempt, fix = "deployment of the same request, endpoint", f"{delete} removes it."
        findings.append(shared_rules.earlier_failure(attempt, failed, fix))
    return DeploymentPlan(facts, model, endpoint, key, existing, tuple(findings))


async def deploy(call: CallContext, plan: DeploymentPlan, use: AgreementUse) -> tuple[schemas.Endpoint, bool]:
    """Create or update the endpoint once. Return it, and True if it already had the model."""
    facts, speech = plan.facts, plan.facts.speech
    if plan.existing:
        return plan.existing, True
    writer, model = call.writer(speech, Decision(plan.findings, plan.key, use)), link_to(speech, plan.model)
    properties: dict[str, JsonValue] = {REQUESTED_NAME_PROPERTY: facts.requested_name} if facts.requested_name else {}
    if plan.endpoint is not None:
        if facts.replaced:
            properties[PREVIOUS_MODEL_PROPERTY] = facts.replaced.uri
        changes: dict[str, JsonValue] = {"model": model, "customProperties": properties}
        return await writer.endpoints_update(plan.endpoint.id, changes), False
    definition: dict[str, JsonValue] = {
        "displayName": facts.display_name,
        "locale": plan.model.locale,
        "model": model,
        "project": link_to(speech, facts.project),
        "properties": {"loggingEnabled": facts.logging},
        "customProperties": properties | {KEY_PROPERTY: plan.key},
    }
    return await call.app.idempotency.create_once(
        call,
        plan.key,
        lambda: writer.endpoints_create(definition),
        speech.endpoints_list,
        known=facts.endpoints,
    )
