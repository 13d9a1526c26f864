"""The plan of a training: its facts, what the rules state about them, and the request that would be sent."""

from dataclasses import dataclass, replace

from pydantic import JsonValue

from custom_speech_tools.guardrails.charges import charged, training_cost
from custom_speech_tools.guardrails.entity_lookup import link_to
from custom_speech_tools.guardrails.shared_rules import Findings, earlier_failure, is_blocked, run_rules
from custom_speech_tools.guardrails.training_facts import TrainingArguments, TrainingFacts, gather_training_facts
from custom_speech_tools.guardrails.training_rules import RULES
from custom_speech_tools.runtime.change_audit import AgreementUse, Decision
from custom_speech_tools.runtime.confirmation_policy import ConfirmationRequest, Effect, agreement_finding
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key, ids_of_failed
from custom_speech_tools.runtime.results import Finding, warn
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote, word

MAX_QUOTED_NAMES = 5


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """A training with everything that the guardrails stated."""

    facts: TrainingFacts
    findings: tuple[Finding, ...]
    key: str  # the idempotency key
    existing: schemas.CustomModel | None  # the model that the same request has made already

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
    def effect(self) -> Effect | None:
        """The charge that the user has to agree to, None if there is none.

        It holds what the user is told and nothing more: a project, or a name for what was chosen anyway, changes
        nothing about it.
        """
        if self.existing or is_blocked(self.findings) or not self.is_charged or self.base_model is None:
            return None
        speech, request = self.facts.speech, self.facts.request
        told = (request.display_name, request.locale, request.description, request.allow_duplicate)
        digest = idempotency_key(*told, *sorted(dataset.id for dataset in self.facts.found_datasets))
        cost = training_cost(speech.resource, self.facts.audio_hours)
        words = charged(speech, "This training", cost)
        return Effect("training", speech.resource, digest, (self.base_model.id, cost), words)

    def key_for(self, agreement: str | None) -> str:
        """Return the key that the model will carry.

        A deliberate duplicate also carries the agreement that it was made on, so that one agreement makes one model.
        """
        return f"{self.key}-{idempotency_key(agreement)}" if self.facts.request.allow_duplicate else self.key

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        request, effect = self.facts.request, self.effect
        names = [quote(dataset.display_name) for dataset in self.facts.found_datasets]
        more = f" and {len(names) - MAX_QUOTED_NAMES} more" if len(names) > MAX_QUOTED_NAMES else ""
        described = f", described as {quote(request.description)}," if request.description else ""
        return ConfirmationRequest(
            effects=(effect,) if effect else (),
            question=f"{effect.description if effect else ''} Train custom speech model "
            f"{quote(request.display_name or '')} ({request.locale}){described} on base model "
            f"{quote(self.base_model.display_name if self.base_model else '')} with dataset(s) "
            f"{', '.join(names[:MAX_QUOTED_NAMES])}{more}? Request {effect.digest[:12] if effect else ''}.",
            findings=self.findings,
            not_done="Nothing was created.",
            declined="Leave it, or choose a base model with training_is_charged false.",
        )


async def plan_training(call: CallContext, request: TrainingArguments, agreement: str | None = None) -> TrainingPlan:
    """Fetch the facts and run the rules; the plan may be blocked.

    Args:
        agreement: The token or answer that came with the call: a deliberate duplicate made on it exists already.
    """
    facts = await gather_training_facts(call, request)
    plan = TrainingPlan(facts, run_rules(RULES, facts), training_key(facts), None)
    if agreement or not request.allow_duplicate:
        carried = plan.key_for(agreement)
        failed = ids_of_failed(carried, facts.same_name)
        plan = replace(plan, existing=find_by_key(carried, facts.same_name, failed))
    findings = [*plan.findings, *_already_exists(plan)]
    if plan.effect and plan.base_model:
        message = f"{plan.effect.description} It is on base model {quote(plan.base_model.display_name)}."
        without = _without_charge(plan, plan.base_model)
        findings.append(agreement_finding("training", call.app.confirmation, message, without))
    return replace(plan, findings=tuple(findings))


async def train(call: CallContext, plan: TrainingPlan, key: str, how: AgreementUse) -> tuple[schemas.CustomModel, bool]:
    """Create the model, with this key and agreed to as `how` says, once; return it, and whether it existed."""
    if plan.existing:
        return plan.existing, True
    speech, request = plan.facts.speech, plan.facts.request
    writer = call.writer(speech, Decision(plan.findings, key, how))
    definition: dict[str, JsonValue] = {
        "displayName": request.display_name,
        "locale": request.locale,
        "description": request.description,
        "baseModel": link_to(speech, plan.base_model),
        "datasets": [link_to(speech, dataset) for dataset in plan.facts.found_datasets],
        "project": link_to(speech, plan.facts.project),
        "customProperties": {KEY_PROPERTY: key},
    }
    return await call.app.idempotency.create_once(
        call,
        key,
        lambda: writer.models_create(definition),
        lambda: speech.models_list_custom_models(display_name=request.display_name, locale=request.locale),
        known=plan.facts.same_name,
    )


def training_key(facts: TrainingFacts, display_name: str | None = None, base_model: str | None = None) -> str:
    """Return the idempotency key: the same for the same request, however its parts and the resource are spelled.

    Args:
        display_name: Instead of the name that was asked for.
        base_model: The id of the base model, instead of the chosen one.
    """
    base, project, request = facts.chosen_base_model, facts.project, facts.request
    return idempotency_key(
        "model",
        display_name or request.display_name,
        request.locale,
        request.description,
        *sorted(dataset.id for dataset in facts.found_datasets),
        base_model or (base.id if base else None),
        project.id if isinstance(project, schemas.Project) else None,
    )


def _already_exists(plan: TrainingPlan) -> Findings:
    if plan.existing:
        made, fix = plan.existing, "create_model returns it; allow_duplicate=true trains a second one."
        name = f"{quote(made.display_name)} ({made.id}, {word(made.status)})"
        message = f"The same request has already created model {name}."
        yield Finding(rule="already-exists", level="stop", message=message, fix=fix)
    elif failed := find_by_key(plan.key, plan.facts.same_name):
        fix = "Correct the cause first, or this training fails as well."
        yield earlier_failure("training of the same request, model", failed, fix)
    elif plan.facts.same_name and not plan.facts.request.allow_duplicate:
        others = ", ".join(model.id for model in plan.facts.same_name[:3])
        name = quote(plan.facts.request.display_name or "")
        message = f"A different request has made a model of this locale that is called {name} too: {others}."
        yield warn("already-exists", message, "Choose another display_name to tell them apart.")


def _without_charge(plan: TrainingPlan, base: schemas.BaseModel) -> str:
    """Return in a sentence which base model costs nothing, unless the newest one was asked for explicitly."""
    free, facts = plan.uncharged_alternative, plan.facts
    if free is None or (facts.request.base_model and base == facts.fitting_base_models[0]):
        return ""
    made, other, name = free.created_date_time, base.created_date_time, f"{quote(free.display_name)} ({free.id})"
    if made is None or other is None:
        return f"Base model {name} takes the data without a charge."
    months = abs(other - made).days // 30
    span = f"{months / 12:.1f} years" if months >= 12 else f"{months} months"
    relation = "older than the charged one, which usually recognizes better" if made <= other else "newer"
    return f"Base model {name} of {made:%Y-%m-%d} takes the data without a charge; it is {span} {relation}."
