"""The plan of a training: its facts, what the rules state about them, and the request that would be sent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import anyio
from pydantic import JsonValue

from custom_speech_tools.guardrails.model_facts import ModelFacts, TrainingArguments, gather_model_facts
from custom_speech_tools.guardrails.model_rules import RULES
from custom_speech_tools.guardrails.resource_rules import is_blocked
from custom_speech_tools.runtime.confirmation import ConfirmationRequest, is_needed
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote

MAX_QUOTED_NAMES = 5
PRICES = "https://azure.microsoft.com/pricing/details/cognitive-services/speech-services/"


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """A training with everything that the guardrails stated.

    Attributes:
        key: The idempotency key.
        existing: The model that the same request has made already.
        read_at: When the facts were read (`anyio.current_time`).
    """

    facts: ModelFacts
    findings: tuple[Finding, ...]
    key: str
    existing: schemas.CustomModel | None
    read_at: float

    @property
    def is_blocked(self) -> bool:
        """True if a rule blocks it."""
        return is_blocked(self.findings)

    @property
    def needs_confirmation(self) -> bool:
        """True if the user has to agree to a charge first."""
        return is_needed(self.findings)

    @property
    def base_model(self) -> schemas.BaseModel | None:
        """The base model to train on."""
        return self.facts.chosen_base_model

    @property
    def is_charged(self) -> bool:
        """True if training costs money."""
        return self.base_model is not None and self.base_model.training_is_charged

    @property
    def uncharged_alternative(self) -> schemas.BaseModel | None:
        """The newest open base model that takes the data and costs nothing."""
        free = (base for base in self.facts.fitting_base_models if not base.training_is_charged)
        return next(free, None) if self.is_charged else None

    @property
    def effect(self) -> str:
        """The effect that an agreement is bound to: the request, and the base model that it is charged for."""
        base = self.base_model.id if self.base_model else ""
        return "/".join(["create_model", self.key, str(self.facts.request.allow_duplicate), base])

    def key_for(self, confirmation_id: str) -> str:
        """Return the key that the model will carry.

        A deliberate duplicate also carries the agreement that it was made on, so that one agreement makes one model.
        """
        return f"{self.key}-{idempotency_key(confirmation_id)}" if self.facts.request.allow_duplicate else self.key

    def find_by_confirmation(self, confirmation_id: str) -> schemas.CustomModel | None:
        """Return the model that was made on this agreement, by any process."""
        return find_by_key(self.key_for(confirmation_id), self.facts.same_name)

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        request, speech = self.facts.request, self.facts.speech
        names = [quote(dataset.display_name) for dataset in self.facts.found_datasets]
        more = f" and {len(names) - MAX_QUOTED_NAMES} more" if len(names) > MAX_QUOTED_NAMES else ""
        cost = f"This training is charged to your Azure subscription (resource {speech.resource.name})."
        if speech.is_emulated:
            cost = "This training would be charged on Azure; this resource is emulated, so nothing is charged."
        return ConfirmationRequest(
            effect=self.effect,
            question=f"{cost} Train custom speech model {quote(request.display_name or '')} ({request.locale}) on "
            f"base model {quote(self.base_model.display_name if self.base_model else '')} with dataset(s) "
            f"{', '.join(names[:MAX_QUOTED_NAMES])}{more}? Request {idempotency_key(self.effect)[:12]}.",
            findings=self.findings,
            not_done="Nothing was created.",
            declined="Leave it, or choose a base model with training_is_charged false.",
        )

    def definition(self, key: str) -> dict[str, JsonValue]:
        """Return the body of Models_Create."""
        request, speech = self.facts.request, self.facts.speech
        body: dict[str, JsonValue] = {
            "displayName": request.display_name,
            "locale": request.locale,
            "datasets": [{"self": speech.address_of(f"/datasets/{item.id}")} for item in self.facts.found_datasets],
            "customProperties": {KEY_PROPERTY: key},
        }
        if request.description:
            body["description"] = request.description
        if self.base_model:
            body["baseModel"] = {"self": speech.address_of(f"/models/base/{self.base_model.id}")}
        if isinstance(self.facts.project, schemas.Project):
            body["project"] = {"self": speech.address_of(f"/projects/{self.facts.project.id}")}
        return body


def check_model_facts(facts: ModelFacts, policy: str, read_at: float) -> ModelPlan:
    """Run every rule over the facts."""
    key = training_key(facts)
    existing = None if facts.request.allow_duplicate else find_by_key(key, facts.same_name)
    findings = [finding for rule in RULES for finding in rule(facts)]
    plan = ModelPlan(facts, tuple(findings), key, existing, read_at)
    return replace(plan, findings=(*findings, *_already_exists(plan), *_training_is_charged(plan, policy)))


async def plan_training(call: CallContext, request: TrainingArguments) -> ModelPlan:
    """Fetch the facts and run the rules."""
    read_at = anyio.current_time()
    return check_model_facts(await gather_model_facts(call, request), call.app.confirmation.mode, read_at)


async def checked_training(call: CallContext, request: TrainingArguments) -> ModelPlan:
    """Return the plan of a training that nothing blocks.

    Raises:
        Refused: A rule blocks it; every finding is listed.
    """
    plan = await plan_training(call, request)
    if plan.is_blocked:
        raise Refused("Nothing was created.", plan.findings, next_step_when_blocked(plan.findings))
    return plan


def next_step_when_blocked(findings: tuple[Finding, ...]) -> str:
    """Return what to do about blocking findings: wait, give up, or correct."""
    blocking = [finding for finding in findings if finding.level == "block"]
    if all(finding.fix.startswith("Wait for it") for finding in blocking):
        return "Nothing needs to be corrected: call again when that is finished."
    if any("can be trained at present" in finding.fix for finding in blocking):
        return "This cannot be done as asked; tell your user."
    return "Correct every finding of level block, then call again."


def training_key(facts: ModelFacts) -> str:
    """Return the idempotency key: the same for the same request, however its parts and the resource are spelled."""
    base, project, request = facts.chosen_base_model, facts.project, facts.request
    return idempotency_key(
        "model",
        request.display_name,
        request.locale,
        request.description,
        *sorted(dataset.id for dataset in facts.found_datasets),
        base.id if base else None,
        project.id if isinstance(project, schemas.Project) else None,
    )


def _already_exists(plan: ModelPlan) -> Iterator[Finding]:
    if plan.existing:
        yield Finding(
            rule="already-exists",
            level="stop",
            message=f"The same request has already created model {plan.existing.id} ({plan.existing.status}).",
            fix="create_model returns it; allow_duplicate=true trains a second one.",
        )
    elif plan.facts.same_name and not plan.facts.request.allow_duplicate:
        others = ", ".join(model.id for model in plan.facts.same_name[:3])
        yield Finding(
            rule="already-exists",
            level="warn",
            message=f"Another model of this locale has the same name, made by a different request: {others}.",
            fix="Choose another display_name to tell them apart.",
        )


def _training_is_charged(plan: ModelPlan, policy: str) -> Iterator[Finding]:
    if plan.existing or plan.is_blocked or not plan.is_charged or plan.base_model is None:
        return
    resource, free = plan.facts.speech.resource, plan.uncharged_alternative
    instead = f"Base model {quote(free.display_name)} ({free.id}) takes the data without a charge. " if free else ""
    agree = "Your user must agree first." if policy == "ask" else "This server was started with --confirm never."
    emulated = " It is emulated, so nothing is really charged." if plan.facts.speech.is_emulated else ""
    yield Finding(
        rule="training-is-charged",
        level="confirm" if policy == "ask" else "warn",
        message=f"Training on base model {quote(plan.base_model.display_name)} is charged to resource "
        f"{resource.name}.{emulated} The API does not state the price; see {PRICES}.",
        fix=f"{instead}{agree}",
    )
