"""Deploying a model to a new or an existing endpoint: the arguments, the plan, and the requests that carry it out."""

from dataclasses import dataclass
from typing import Annotated

import anyio
import pydantic
from pydantic import Field, JsonValue, StrictBool

from custom_speech_tools.guardrails.charges import hosting_is_charged, hosting_of
from custom_speech_tools.guardrails.deployment_rules import RULES, DeploymentFacts
from custom_speech_tools.guardrails.references import ENDPOINT, AnyModel, find, find_any_model, find_project, link_to
from custom_speech_tools.guardrails.resource_rules import is_blocked, run_rules
from custom_speech_tools.runtime.agreement import ConfirmationRequest, Effect
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key
from custom_speech_tools.runtime.lists import newest_first
from custom_speech_tools.runtime.parameters import (
    Arguments,
    Confirm,
    Identifier,
    ModelReference,
    OptionalProject,
    ResourceName,
    ShortText,
    WaitSeconds,
)
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import task_group
from custom_speech_tools.speech.sanitize import quote

PREVIOUS_MODEL_PROPERTY = "custom-speech-mcp-previous-model"
"""The name in `customProperties` under which an endpoint keeps the model that it had before."""

ASKED_PROPERTY = "custom-speech-mcp-endpoint"
"""The name in `customProperties` under which a rollout asked for the endpoint, by which it is found when renamed."""


class DeploymentArguments(Arguments):
    """The arguments of deploy_model."""

    model: ModelReference
    endpoint: Annotated[
        Identifier | None, Field(description="Existing endpoint that gets the model: id, self URI or exact name")
    ] = None
    display_name: Annotated[ShortText | None, Field(description="Name of a new endpoint")] = None
    project: OptionalProject = None
    logging: Annotated[StrictBool, Field(description="Keep recordings of a new endpoint")] = False
    confirm: Confirm = None
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None

    @pydantic.model_validator(mode="after")
    def _names_one_endpoint(self) -> "DeploymentArguments":
        if (self.endpoint is None) == (self.display_name is None):
            raise ValueError("needs either endpoint (existing) or display_name (new)")
        return self


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
    def project(self) -> schemas.Project | None:
        """The project of a new endpoint."""
        return self.facts.project if isinstance(self.facts.project, schemas.Project) else None

    @property
    def key(self) -> str:
        """The idempotency key of a new endpoint."""
        project, facts = self.project.id if self.project else None, self.facts
        return idempotency_key("endpoint", facts.display_name, self.model.id, project, facts.logging)

    def definition(self) -> dict[str, JsonValue]:
        """Return the body of Endpoints_Create."""
        body: dict[str, JsonValue] = {
            "displayName": self.facts.display_name,
            "locale": self.model.locale,
            "model": link_to(self.speech, self.model),
            "properties": {"loggingEnabled": self.facts.logging},
            "customProperties": {KEY_PROPERTY: self.key, **self._asked_as()},
        }
        return body | ({"project": link_to(self.speech, self.project)} if self.project else {})

    def changes(self) -> dict[str, JsonValue]:
        """Return the body of Endpoints_Update: the model, and what leads back to the one that it replaces."""
        replaced = self.facts.replaced
        previous: dict[str, JsonValue] = {PREVIOUS_MODEL_PROPERTY: replaced.uri} if replaced else {}
        return {"model": link_to(self.speech, self.model), "customProperties": previous | self._asked_as()}

    def _asked_as(self) -> dict[str, JsonValue]:
        return {ASKED_PROPERTY: self.facts.asked_as} if self.facts.asked_as else {}

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
            f"{quote(self.facts.display_name or '')} ({self.model.locale})?",
            findings=self.findings,
            not_done="Nothing was deployed.",
            declined="Put the model into an existing endpoint, or leave it.",
        )


def has_model(endpoint: schemas.Endpoint, model: AnyModel) -> bool:
    """Return whether the endpoint has the model, whatever its status."""
    return endpoint.model is not None and endpoint.model.id == model.id


async def plan_deployment(call: CallContext, arguments: DeploymentArguments) -> DeploymentPlan:
    """Fetch the facts and check them.

    Raises:
        Refused: A rule blocks the deployment; every finding is listed.
    """
    speech, read_at, asked = call.speech(arguments.resource), anyio.current_time(), arguments.endpoint
    async with task_group() as tasks:
        model = tasks.create_task(find_any_model(speech, arguments.model))
        project = tasks.create_task(find_project(speech, arguments.project))
        endpoint = tasks.create_task(find(speech, ENDPOINT, asked)) if asked else None
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
    return check_deployment(call, facts, read_at)


def check_deployment(call: CallContext, facts: DeploymentFacts, read_at: float) -> DeploymentPlan:
    """Return the plan of a deployment that nothing blocks.

    Raises:
        Refused: A rule blocks it; every finding is listed.
    """
    findings = run_rules(RULES, facts)
    if facts.display_name:
        findings = (*findings, hosting_is_charged(facts.speech, facts.display_name, call.app.confirmation))
    if is_blocked(findings) or isinstance(facts.model, Finding) or isinstance(facts.endpoint, Finding):
        raise Refused("Nothing was deployed.", findings)
    return DeploymentPlan(facts, facts.model, facts.endpoint, findings, read_at)


async def deploy(call: CallContext, plan: DeploymentPlan, how: str) -> tuple[schemas.Endpoint, bool]:
    """Carry out the deployment once; return the endpoint, and whether it had the model already.

    Args:
        how: How the user agreed, for the audit log.
    """
    speech, known = plan.speech, plan.endpoint if plan.is_deployed else plan.existing
    if known is not None:
        return known, True
    writer = call.writer(speech, Decision(plan.findings, plan.key, how))
    if plan.endpoint is not None:
        return await writer.endpoints_update(plan.endpoint.id, plan.changes()), False

    async def find_made() -> schemas.Endpoint | None:
        return find_by_key(plan.key, (await speech.endpoints_list()).entities)

    return await call.app.idempotency.run(
        call, plan.key, lambda: writer.endpoints_create(plan.definition()), find_made, read_at=plan.read_at
    )
