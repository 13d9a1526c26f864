"""Deploying a model to a new or an existing endpoint: the plan, and the requests that carry it out."""

from dataclasses import dataclass

import anyio
from pydantic import JsonValue

from custom_speech_tools.guardrails.charges import hosting_cost
from custom_speech_tools.guardrails.deployment_rules import RULES, DeploymentFacts, DeploymentRequest
from custom_speech_tools.guardrails.evaluation_plan import AnyModel, address_of_model
from custom_speech_tools.guardrails.references import ENDPOINT, PROJECT, find, find_any_model
from custom_speech_tools.guardrails.resource_rules import is_blocked
from custom_speech_tools.runtime.agreement import ConfirmationPolicy, ConfirmationRequest, Effect, agreement_finding
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key
from custom_speech_tools.runtime.lists import newest_first
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import task_group
from custom_speech_tools.speech.sanitize import quote

PREVIOUS_MODEL_PROPERTY = "custom-speech-mcp-previous-model"
"""The name in `customProperties` under which an endpoint keeps the model that it had before."""


ASKED_PROPERTY = "custom-speech-mcp-endpoint"
"""The name in `customProperties` under which a rollout asked for the endpoint, by which it is found when renamed."""


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
        """True if the existing endpoint has this model already; a failed deployment can be repeated."""
        return self.endpoint is not None and has_model(self.endpoint, self.model) and self.endpoint.status != "Failed"

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
            "customProperties": {KEY_PROPERTY: self.key, **self._asked()},
        }
        if isinstance(self.facts.project, schemas.Project):
            body["project"] = {"self": speech.address_of(f"/projects/{self.facts.project.id}")}
        return body

    def changes(self) -> dict[str, JsonValue]:
        """Return the body of Endpoints_Update: the model, and what leads back to the one that it replaces."""
        replaced = self.facts.replaced
        properties: dict[str, JsonValue] = {PREVIOUS_MODEL_PROPERTY: replaced.uri} if replaced else {}
        properties |= self._asked()
        return {"model": {"self": address_of_model(self.speech, self.model)}, "customProperties": properties}

    def _asked(self) -> dict[str, JsonValue]:
        asked = self.facts.request.asked_as
        return {ASKED_PROPERTY: asked} if asked else {}

    @property
    def existing(self) -> schemas.Endpoint | None:
        """The endpoint that the same request has made already, whatever it is called by now."""
        return find_by_key(self.key, self.facts.endpoints) if self.endpoint is None else None

    @property
    def effect(self) -> Effect | None:
        """The charge that the user has to agree to, None if no endpoint is created."""
        is_new = self.endpoint is None and self.existing is None
        return hosting_of(self.speech, self.key, self.model.id) if is_new else None

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        effect = self.effect
        return ConfirmationRequest(
            effects=(effect,) if effect else (),
            question=f"{effect.words if effect else ''} Deploy model {quote(self.model.display_name)} to new endpoint "
            f"{quote(self.facts.request.display_name or '')} ({self.model.locale})?",
            findings=self.findings,
            not_done="Nothing was deployed.",
            declined="Put the model into an existing endpoint, or leave it.",
        )


def hosting_of(speech: Speech, request: str, model: str) -> Effect:
    """Return the charge of a new endpoint.

    Args:
        request: The digest of the exact request.
        model: The id of the model that is hosted.
    """
    words = (
        f"Hosting an endpoint is charged around the clock to your Azure subscription (resource {speech.resource.name})."
    )
    if speech.is_emulated:
        words = "Hosting an endpoint would be charged on Azure; this resource is emulated, so nothing is charged."
    cost = hosting_cost(speech.resource)
    return Effect("hosting", speech.resource.identity, request, (model, cost), f"{words} {cost}")


def hosting_is_charged(speech: Speech, name: str, policy: ConfirmationPolicy) -> Finding:
    """Return the finding about a new endpoint; another model in an existing one costs nothing more."""
    emulated = " It is emulated, so nothing is really charged." if speech.is_emulated else ""
    message = (
        f"Endpoint {quote(name)} is new; hosting it is charged around the clock to resource {speech.resource.name}, "
        f"and cannot be paused.{emulated} {hosting_cost(speech.resource)} "
        "On a free (F0) resource it is deleted after seven days."
    )
    return agreement_finding(
        "hosting", policy, message, "An existing endpoint can take the model instead, and keeps its id."
    )


def has_model(endpoint: schemas.Endpoint, model: AnyModel) -> bool:
    """Return whether the endpoint has the model, whatever its status."""
    return endpoint.model is not None and endpoint.model.id == model.id


async def deploy(call: CallContext, plan: DeploymentPlan, how: str) -> tuple[schemas.Endpoint, bool]:
    """Carry out the deployment once; return the endpoint, and whether it had the model already.

    Args:
        how: How the user agreed, for the audit log.
    """
    speech, existing = plan.speech, plan.existing
    writer = call.writer(speech, Decision(plan.findings, plan.key, how))
    if existing is not None:
        return existing, True
    if plan.endpoint is None:

        async def find() -> schemas.Endpoint | None:
            return find_by_key(plan.key, (await speech.endpoints_list()).entities)

        return await call.app.idempotency.run(
            call, plan.key, lambda: writer.endpoints_create(plan.definition()), find, read_at=plan.read_at
        )
    if plan.is_deployed:
        return plan.endpoint, True
    return await writer.endpoints_update(plan.endpoint.id, plan.changes()), False


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
        endpoints = None if request.endpoint else tasks.create_task(speech.endpoints_list())
        evaluations = tasks.create_task(speech.evaluations_list(status="Succeeded")) if request.endpoint else None
    facts = DeploymentFacts(
        speech,
        request,
        call.now(speech),
        model.return_value,
        endpoint.return_value if endpoint else None,
        project.return_value if project else None,
        newest_first(evaluations.return_value.entities) if evaluations else (),
        endpoints.return_value.entities if endpoints else (),
    )
    return check_deployment(call, facts, read_at)


def check_deployment(call: CallContext, facts: DeploymentFacts, read_at: float) -> DeploymentPlan:
    """Return the plan of a deployment that nothing blocks.

    Raises:
        Refused: A rule blocks it; every finding is listed.
    """
    name = facts.request.display_name
    findings = tuple(finding for rule in RULES for finding in rule(facts))
    if name:
        findings = (*findings, hosting_is_charged(facts.speech, name, call.app.confirmation))
    if is_blocked(findings) or isinstance(facts.model, Finding) or isinstance(facts.endpoint, Finding):
        raise Refused("Nothing was deployed.", findings, "Correct every finding of level block, then call again.")
    return DeploymentPlan(facts, facts.model, facts.endpoint, findings, read_at)
