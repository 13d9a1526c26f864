"""The plan of a model: its facts, what the rules say of them, and what would be sent.

A tool that must obey the rules takes a `Checked` plan, which the SDK fills and no caller can invent.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

import anyio
from mcp.server.mcpserver import Resolve
from pydantic import JsonValue

from custom_speech_tools.guardrails.model_facts import ModelFacts, ModelRequest, gather
from custom_speech_tools.guardrails.model_rules import RULES, fitting_base_models
from custom_speech_tools.runtime.context import current
from custom_speech_tools.runtime.dependencies import Named, WithApp
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import MARK, digest
from custom_speech_tools.runtime.locales import canonical
from custom_speech_tools.runtime.parameters import (
    AllowDuplicate,
    BaseModelName,
    Datasets,
    Description,
    DisplayName,
    Locale,
    OptionalProject,
)
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import plain


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """A request with all that the guardrails found; `gathered` is when, in seconds of `anyio.current_time`."""

    facts: ModelFacts
    findings: tuple[Finding, ...]
    request: str
    """The digest of the request."""
    existing: schemas.CustomModel | None
    """The model of the very same request that is there already."""
    gathered: float
    asked_at: datetime
    """When the facts were asked for, by this machine's clock."""

    @property
    def is_blocked(self) -> bool:
        """Whether a finding stands against it."""
        return any(finding.level == "block" for finding in self.findings)

    @property
    def needs_yes(self) -> bool:
        """Whether a person must say yes to a charge first."""
        return any(finding.level == "confirm" for finding in self.findings)

    def mark(self, yes: str) -> str:
        """What the model will carry: the request, and where it may be a second one also the yes that buys it."""
        return f"{self.request}-{digest(yes)}" if self.facts.request.allow_duplicate else self.request

    def find_by_confirmation(self, yes: str) -> schemas.CustomModel | None:
        """The model that was trained on this very yes, by whatever server."""
        return find_by_key(self.mark(yes), self.facts.same_name)

    @property
    def base_models(self) -> list[schemas.BaseModel]:
        """The base model that was asked for, or those from which the service may choose, newest first."""
        asked = self.facts.base_model
        return [asked] if isinstance(asked, schemas.BaseModel) else fitting_base_models(self.facts)

    @property
    def is_charged(self) -> bool:
        """Whether training costs money, or may: with the choice left to the service, any of its choices counts."""
        return any(base.training_is_charged for base in self.base_models)

    def definition(self, mark: str) -> dict[str, JsonValue]:
        """The body of Models_Create."""
        request, speech = self.facts.request, self.facts.speech
        body: dict[str, JsonValue] = {
            "displayName": request.display_name,
            "locale": request.locale,
            "datasets": [{"self": speech.address_of(f"/datasets/{item.id}")} for item in self.facts.found_datasets],
            "customProperties": {MARK: mark},
        }
        if request.description:
            body["description"] = request.description
        if isinstance(self.facts.base_model, schemas.BaseModel):
            body["baseModel"] = {"self": speech.address_of(f"/models/base/{self.facts.base_model.id}")}
        if isinstance(self.facts.project, schemas.Project):
            body["project"] = {"self": speech.address_of(f"/projects/{self.facts.project.id}")}
        return body


def check(facts: ModelFacts, policy: str, gathered: float, asked_at: datetime) -> ModelPlan:
    """Run every rule over the facts."""
    request = request_digest(facts)
    twin = None if facts.request.allow_duplicate else find_by_key(request, facts.same_name)
    findings = [finding for rule in RULES for finding in rule(facts)]
    plan = ModelPlan(facts, tuple(findings), request, twin, gathered, asked_at)
    further = (*_already_exists(plan), *_training_is_charged(plan, policy))
    return replace(plan, findings=(*findings, *further))


def request_digest(facts: ModelFacts) -> str:
    """The same for the same request, however its parts are named."""
    base, project, request = facts.base_model, facts.project, facts.request
    return digest(
        facts.speech.resource.endpoint,
        request.display_name,
        request.locale,
        request.description,
        *sorted(item.id for item in facts.found_datasets),
        base.id if isinstance(base, schemas.BaseModel) else None,
        project.id if isinstance(project, schemas.Project) else None,
    )


def find_by_key(request: str, models: Iterable[schemas.CustomModel]) -> schemas.CustomModel | None:
    """The model that carries the digest of the request, alone or followed by what tells a second one from the first."""
    marked = ((model, (model.custom_properties or {}).get(MARK)) for model in models)
    return next((model for model, mark in marked if mark and f"{mark}-".startswith(f"{request}-")), None)


def _already_exists(plan: ModelPlan) -> Iterator[Finding]:
    if plan.existing:
        yield Finding(
            rule="already-exists",
            level="stop",
            message=f"A model of this very request is there: {plan.existing.id} ({plain(plan.existing.status)}).",
            fix="It is returned instead; allow_duplicate=true trains a second one.",
        )
    elif plan.facts.same_name and not plan.facts.request.allow_duplicate:
        others = ", ".join(model.id for model in plan.facts.same_name[:3])
        yield Finding(
            rule="already-exists",
            level="warn",
            message=f"The name is taken by another model of this locale, made from a different request: {others}.",
            fix="Choose another display_name to tell them apart.",
        )


def _training_is_charged(plan: ModelPlan, policy: str) -> Iterator[Finding]:
    if plan.existing or plan.is_blocked or not plan.is_charged:
        return
    base, where = plain(plan.base_models[0].display_name, 80), plan.facts.speech.resource.name
    yield Finding(
        rule="training-is-charged",
        level="confirm" if policy == "ask" else "warn",
        message=f"Training on base model '{base}' is charged to resource {where}.",
        fix="Your user must say yes first." if policy == "ask" else "This server was started with --confirm never.",
    )


async def plan_of_model(
    display_name: DisplayName,
    locale: Locale,
    datasets: Datasets,
    base_model: BaseModelName,
    project: OptionalProject,
    description: Description,
    allow_duplicate: AllowDuplicate,
    speech: Named,
    connections: WithApp,
) -> ModelPlan:
    """Gather the facts and check them."""
    asked = ModelRequest(
        display_name, canonical(locale), locale, tuple(datasets), base_model, project, description, allow_duplicate
    )
    others = tuple(other for other in connections.speech.values() if other is not speech)
    gathered, now = anyio.current_time(), connections.now()
    return check(await gather(asked, speech, others, now), connections.spending.policy, gathered, now)


Planned = Annotated[ModelPlan, Resolve(plan_of_model)]


async def checked_plan(plan: Planned) -> ModelPlan:
    """The plan, where nothing stands against it; raises Refused with every finding."""
    if plan.is_blocked:
        raise Refused("Nothing was created.", plan.findings, "Correct all of this, then call again.")
    current().findings = plan.findings
    return plan


Checked = Annotated[ModelPlan, Resolve(checked_plan)]
