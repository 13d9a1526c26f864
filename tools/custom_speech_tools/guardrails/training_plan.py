"""Training of models: the plan, and the request that creates the model."""

from dataclasses import dataclass

from pydantic import JsonValue

from custom_speech_tools.guardrails.charges import charge_notice, charge_sentence
from custom_speech_tools.guardrails.entity_lookup import link_to
from custom_speech_tools.guardrails.shared_rules import Findings, earlier_failure, is_blocked, list_first, run_rules
from custom_speech_tools.guardrails.training_facts import TrainingArguments, TrainingFacts, gather_training_facts
from custom_speech_tools.guardrails.training_rules import RULES
from custom_speech_tools.runtime.agreements import ConfirmationRequest, Effect, agreement_finding
from custom_speech_tools.runtime.change_control import AgreementUse, Decision
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key, ids_of_failed
from custom_speech_tools.runtime.results import Finding, warn
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote, word

MAX_QUOTED_NAMES = 5


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """The plan of a training. A finding of the level `block` forbids the training."""

    facts: TrainingFacts
    findings: tuple[Finding, ...]
    key: str  # the idempotency key, without the suffix of a deliberate duplicate
    existing: schemas.CustomModel | None  # the model that the same request has created before
    effect: Effect | None  # the charge that the user has to agree to

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user about the charge."""
        request, effect, base = self.facts.request, self.effect, self.facts.chosen_base_model
        names = [quote(dataset.display_name) for dataset in self.facts.found_datasets]
        described = f", described as {quote(request.description)}," if request.description else ""
        return ConfirmationRequest(
            effects=(effect,) if effect else (),
            question=f"{effect.description if effect else ''} Train custom speech model "
            f"{quote(request.display_name or '')} ({request.locale}){described} on base model "
            f"{quote(base.display_name if base else '')} with dataset(s) "
            f"{list_first(names, MAX_QUOTED_NAMES)}? Request {effect.digest[:12] if effect else ''}.",
            findings=self.findings,
            not_done="Nothing was created.",
            declined="Leave it, or choose a base model with training_is_charged false.",
        )


async def plan_training(call: CallContext, request: TrainingArguments, agreement: str | None = None) -> TrainingPlan:
    """Fetch the facts and return the plan. The token or answer of the call identifies a deliberate duplicate."""
    facts = await gather_training_facts(call, request)
    findings, existing, effect = [*run_rules(RULES, facts)], None, None
    if agreement or not request.allow_duplicate:
        key = training_key(facts, agreement=agreement)
        existing = find_by_key(key, facts.same_name, ids_of_failed(key, facts.same_name))
    findings += training_is_new(facts, existing)
    base = facts.chosen_base_model
    if base and base.training_is_charged and not existing and not is_blocked(findings):
        # An effect holds what the user is told and nothing more: a project, or a name for the base model that was
        # chosen anyway, must not void an agreement.
        told = (request.display_name, request.locale, request.description, request.allow_duplicate)
        digest = idempotency_key(*told, *sorted(dataset.id for dataset in facts.found_datasets))
        cost = charge_sentence(facts.speech.resource, "training", facts.audio_hours)
        description = charge_notice("This training", cost, facts.speech)
        effect = Effect("training", facts.speech.resource, digest, (base.id, cost), description)
        message = f"{description} It is on base model {quote(base.display_name)}."
        findings.append(agreement_finding("training", call.app.confirmation, message, _without_charge(facts, base)))
    return TrainingPlan(facts, tuple(findings), training_key(facts), existing, effect)


def training_key(
    facts: TrainingFacts, display_name: str | None = None, base_model: str | None = None, agreement: str | None = None
) -> str:
    """Return the idempotency key, which does not depend on how the parts and the resource are spelled.

    Args:
        display_name: Replaces the requested name.
        base_model: Id that replaces the chosen base model.
        agreement: The id of the agreement to a deliberate duplicate, so that one agreement creates one model.
    """
    base, project, request = facts.chosen_base_model, facts.project, facts.request
    key = idempotency_key(
        "model",
        display_name or request.display_name,
        request.locale,
        request.description,
        *sorted(dataset.id for dataset in facts.found_datasets),
        base_model or (base.id if base else None),
        project.id if isinstance(project, schemas.Project) else None,
    )
    return f"{key}-{idempotency_key(agreement)}" if agreement and request.allow_duplicate else key


def training_is_new(facts: TrainingFacts, existing: schemas.CustomModel | None) -> Findings:
    """Report a model that the same request has created, or warn about another model with the same name."""
    if existing:
        fix = "create_model returns it; allow_duplicate=true trains a second one."
        name = f"{quote(existing.display_name)} ({existing.id}, {word(existing.status)})"
        message = f"The same request has already created model {name}."
        yield Finding(rule="already-exists", level="stop", message=message, fix=fix)
    elif failed := find_by_key(training_key(facts), facts.same_name):
        fix = "Correct the cause first, or this training fails as well."
        yield earlier_failure("training of the same request, model", failed, fix)
    elif facts.same_name and not facts.request.allow_duplicate:
        others = ", ".join(model.id for model in facts.same_name[:3])
        name = quote(facts.request.display_name or "")
        message = f"A different request has made a model of this locale that is called {name} too: {others}."
        yield warn("already-exists", message, "Choose another display_name to tell them apart.")


def _without_charge(facts: TrainingFacts, base: schemas.BaseModel) -> str:
    """Return a sentence about a free base model, or "" if none is free or the newest one was requested by name."""
    free = facts.uncharged_base_model
    if free is None or (facts.request.base_model and base == facts.fitting_base_models[0]):
        return ""
    made, other, name = free.created_date_time, base.created_date_time, f"{quote(free.display_name)} ({free.id})"
    if made is None or other is None:
        return f"Base model {name} takes the data without a charge."
    months = abs(other - made).days // 30
    span = f"{months / 12:.1f} years" if months >= 12 else f"{months} months"
    relation = "older than the charged one, which usually recognizes better" if made <= other else "newer"
    return f"Base model {name} of {made:%Y-%m-%d} takes the data without a charge; it is {span} {relation}."


async def train(call: CallContext, plan: TrainingPlan, key: str, how: AgreementUse) -> tuple[schemas.CustomModel, bool]:
    """Create the model unless a model with this idempotency key exists. Return it and whether it existed."""
    if plan.existing:
        return plan.existing, True
    speech, request = plan.facts.speech, plan.facts.request
    writer = call.writer(speech, Decision(plan.findings, key, how))
    definition: dict[str, JsonValue] = {
        "displayName": request.display_name,
        "locale": request.locale,
        "description": request.description,
        "baseModel": link_to(speech, plan.facts.chosen_base_model),
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
