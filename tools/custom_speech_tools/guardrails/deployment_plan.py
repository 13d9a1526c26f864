"""Deploying a model to a new or an existing endpoint: the facts, the rules, the plan, and its requests."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

import pydantic
from pydantic import Field, JsonValue, StrictBool

from custom_speech_tools.guardrails import shared_rules
from custom_speech_tools.guardrails.charges import hosting_effect, hosting_is_charged
from custom_speech_tools.guardrails.entity_lookup import (
    ENDPOINT,
    AnyModel,
    find_any_model,
    find_entity,
    find_project,
    link_to,
)
from custom_speech_tools.guardrails.evaluation_verdict import rates_of
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.change_audit import AgreementUse, Decision
from custom_speech_tools.runtime.confirmation_policy import ConfirmationRequest, Effect
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key, ids_of_failed
from custom_speech_tools.runtime.next_steps import DEFAULT_WAIT_SECONDS, Choice, call_step
from custom_speech_tools.runtime.polling import is_terminal
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, word
from custom_speech_tools.speech.service_urls import entity_of
from custom_speech_tools.speech.task_groups import task_group

# The names in `customProperties` under which an endpoint keeps the model that it had before, and the name that a
# rollout asked for, by which the endpoint is found when renamed.
PREVIOUS_MODEL_PROPERTY = "custom-speech-mcp-previous-model"
REQUESTED_NAME_PROPERTY = "custom-speech-mcp-endpoint"


class DeploymentArguments(parameters.Arguments):
    """The arguments of deploy_model."""

    model: parameters.ModelReference
    endpoint: Annotated[
        parameters.Identifier | None,
        Field(description="Existing endpoint that gets the model: id, self URI or exact name"),
    ] = None
    display_name: Annotated[parameters.ShortText | None, Field(description="Name of a new endpoint")] = None
    project: parameters.OptionalProject = None
    logging: Annotated[StrictBool, Field(description="Keep recordings of a new endpoint")] = False
    confirm: parameters.Confirm = None
    wait_seconds: parameters.WaitSeconds = 0
    resource: parameters.ResourceName = None

    @pydantic.model_validator(mode="after")
    def _names_one_endpoint(self) -> "DeploymentArguments":
        if (self.endpoint is None) == (self.display_name is None):
            raise ValueError("needs either endpoint (existing) or display_name (new)")
        return self


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """The facts on which the rules decide; a Finding stands in place of an entity that was not found."""

    speech: Speech
    now: datetime  # the service's time
    model: AnyModel | Finding
    endpoint: schemas.Endpoint | Finding | None  # the existing one that gets the model, None if a new one is asked for
    project: schemas.Project | Finding | None
    display_name: str | None  # of a new endpoint
    logging: bool = False
    evaluations: Sequence[schemas.Evaluation] = ()  # the finished ones of the resource, if another model is replaced
    endpoints: Sequence[schemas.Endpoint] = ()  # all, if a new one is asked for: the same request may have made one
    is_evaluated: bool = False  # a rollout's gate has shown that the model is better than the endpoint's
    requested_name: str | None = None  # the name under which a rollout asked for the endpoint

    @property
    def replaced(self) -> schemas.Reference | None:
        """The model that the endpoint has now, if it is another one."""
        has = self.endpoint.model if isinstance(self.endpoint, schemas.Endpoint) else None
        return has if has and isinstance(self.model, AnyModel) and has.id != self.model.id else None


def previous_model(speech: Speech, endpoint: schemas.Endpoint) -> schemas.Reference | None:
    """Return the model that an endpoint had before, as it notes, if that is an entity of its resource."""
    uri = (endpoint.custom_properties or {}).get(PREVIOUS_MODEL_PROPERTY, "")
    is_model = entity_of(uri) is not None and speech.resource.is_own_link(uri)
    return schemas.Reference(self=uri) if is_model else None


def can_be_deployed(facts: DeploymentFacts) -> shared_rules.Findings:
    """Require parts that fit, a model that endpoints take, and an endpoint that is ready; warn about recordings."""
    model, endpoint, here = facts.model, facts.endpoint, facts.speech.resource.name
    locale = model.locale if isinstance(model, AnyModel) else None
    yield from shared_rules.parts_fit(facts.speech.resource, locale, model, endpoint, facts.project)
    if isinstance(model, AnyModel):
        yield from shared_rules.model_is_ready(model, facts.now, here)
    if isinstance(model, schemas.CustomModel) and model.status == "Succeeded" and model.supports_endpoints is False:
        message = f"Model {quote(model.display_name)} cannot be deployed to an endpoint."
        yield block("model-is-ready", message, "Use a model on another base model.")
    if isinstance(endpoint, schemas.Endpoint) and not is_terminal(endpoint):  # the service refuses another model then
        wait = call_step("get_endpoint", endpoint=endpoint.id, wait_seconds=DEFAULT_WAIT_SECONDS, resource=here)
        message = f"Endpoint {quote(endpoint.display_name)} is {word(endpoint.status)}."
        yield block("endpoint-is-ready", message, f"Wait for it: {wait}.", "wait")
    # The migration guide to 2024-11-15 says so.
    if facts.logging and facts.speech.resource.api_version.name != "v3.2":
        message = "Since API version 2024-11-15 only endpoints of a resource with own storage keep recordings."
        yield warn("logging-has-storage", message, "Leave out logging, or use a resource with own storage.")


def is_better_than_current(facts: DeploymentFacts) -> shared_rules.Findings:
    """Warn, or block if the resource requires an evaluation, unless a test shows that the model is not worse."""
    replaced, model, endpoint, resource = facts.replaced, facts.model, facts.endpoint, facts.speech.resource
    if (
        replaced is None
        or facts.is_evaluated
        or isinstance(model, Finding)
        or not isinstance(endpoint, schemas.Endpoint)
    ):
        return
    before = previous_model(facts.speech, endpoint)
    if before and before.id == model.id and not resource.require_evaluation:  # it goes back
        return
    finding = block if resource.require_evaluation else warn
    rates = rates_of(model.id, replaced.id, facts.evaluations)
    if rates is None:
        data, here = Choice("a test dataset"), resource.name
        test = call_step("create_evaluation", model=model.id, compare_with=replaced.id, dataset=data, resource=here)
        message = "No finished evaluation compares the model with that of endpoint "
        yield finding("better-than-current", f"{message}{quote(endpoint.display_name)}, which it replaces.", test)
    elif rates[0] > rates[1]:
        message = f"On the same test data, the model's word error rate is {rates[0]:.1%}, that of the model that it "
        fix = "Keep the present model, or test with other recordings."
        if not resource.require_evaluation:  # it is read when the model has been replaced
            fix = "This is information: if the exchange was intended, nothing has to be done."
        yield finding("better-than-current", f"{message}replaces {rates[1]:.1%}.", fix)


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """A deployment that nothing blocks."""

    facts: DeploymentFacts
    model: AnyModel
    endpoint: schemas.Endpoint | None
    findings: tuple[Finding, ...]

    @property
    def key(self) -> str:
        """The idempotency key of a new endpoint."""
        facts, project = self.facts, getattr(self.facts.project, "id", None)
        return idempotency_key("endpoint", facts.display_name, self.model.id, project, facts.logging)

    @property
    def existing(self) -> schemas.Endpoint | None:
        """The endpoint that has the model already, even if it was renamed; a failed deployment can be repeated."""
        if self.endpoint is None:
            return find_by_key(self.key, self.facts.endpoints, ids_of_failed(self.key, self.facts.endpoints))
        has = self.endpoint.model if self.endpoint.status != "Failed" else None
        return self.endpoint if has and has.id == self.model.id else None

    @property
    def effect(self) -> Effect | None:
        """The charge that the user has to agree to, None if no endpoint is created."""
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
    """Fetch the facts and check them; raises Refused with every finding if a rule blocks the deployment."""
    speech, asked = call.speech(arguments.resource), arguments.endpoint
    async with task_group() as tasks:
        model = tasks.create_task(find_any_model(speech, arguments.model))
        project = tasks.create_task(find_project(speech, arguments.project))
        endpoint = tasks.create_task(find_entity(speech, ENDPOINT, asked)) if asked else None
        evaluations = tasks.create_task(speech.evaluations_list(status="Succeeded")) if asked else None
        endpoints = None if asked else tasks.create_task(speech.endpoints_list())
    facts = DeploymentFacts(
        speech,
        call.now(speech),
        model.return_value,
        endpoint.return_value if endpoint else None,
        project.return_value,
        arguments.display_name,
        arguments.logging,
        newest_first(evaluations.return_value.entities) if evaluations else (),
        endpoints.return_value.entities if endpoints else (),
    )
    return check_deployment(call, facts)


def check_deployment(call: CallContext, facts: DeploymentFacts) -> DeploymentPlan:
    """Return the plan of a deployment that nothing blocks; raises Refused with every finding if a rule does."""
    findings = (*can_be_deployed(facts), *is_better_than_current(facts))
    if facts.display_name:
        findings = (*findings, hosting_is_charged(facts.speech, facts.display_name, call.app.confirmation))
    if shared_rules.is_blocked(findings) or isinstance(facts.model, Finding) or isinstance(facts.endpoint, Finding):
        raise Refused("Nothing was deployed.", findings)
    plan = DeploymentPlan(facts, facts.model, facts.endpoint, findings)
    if plan.existing is None and (failed := find_by_key(plan.key, facts.endpoints)):
        delete = call_step("delete_entity", kind="endpoint", entity=failed.id, resource=facts.speech.resource.name)
        findings += (
            shared_rules.earlier_failure("deployment of the same request, endpoint", failed, f"{delete} removes it."),
        )
    return replace(plan, findings=findings)


async def deploy(call: CallContext, plan: DeploymentPlan, how: AgreementUse) -> tuple[schemas.Endpoint, bool]:
    """Carry out the deployment, agreed to as `how` says, once; return the endpoint, and whether it had the model."""
    facts, speech = plan.facts, plan.facts.speech
    if plan.existing:
        return plan.existing, True
    writer, model = call.writer(speech, Decision(plan.findings, plan.key, how)), link_to(speech, plan.model)
    asked: dict[str, JsonValue] = {REQUESTED_NAME_PROPERTY: facts.requested_name} if facts.requested_name else {}
    if plan.endpoint is not None:
        before: dict[str, JsonValue] = {PREVIOUS_MODEL_PROPERTY: facts.replaced.uri} if facts.replaced else {}
        changes: dict[str, JsonValue] = {"model": model, "customProperties": before | asked}
        return await writer.endpoints_update(plan.endpoint.id, changes), False
    definition: dict[str, JsonValue] = {
        "displayName": facts.display_name,
        "locale": plan.model.locale,
        "model": model,
        "project": link_to(speech, facts.project),
        "properties": {"loggingEnabled": facts.logging},
        "customProperties": {KEY_PROPERTY: plan.key, **asked},
    }
    return await call.app.idempotency.create_once(
        call,
        plan.key,
        lambda: writer.endpoints_create(definition),
        speech.endpoints_list,
        known=facts.endpoints,
    )
