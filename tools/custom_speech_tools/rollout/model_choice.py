"""The model of a rollout: an existing model, the model of an unfinished rollout, or a model to be trained."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta

from custom_speech_tools.guardrails.entity_lookup import find_entity
from custom_speech_tools.guardrails.shared_rules import model_is_ready
from custom_speech_tools.guardrails.training_facts import TrainingArguments
from custom_speech_tools.guardrails.training_plan import TrainingPlan, plan_training, training_key
from custom_speech_tools.rollout.definition import RolloutDefinition, RolloutModel, check_resources
from custom_speech_tools.rollout.plan import RolloutPlan, plan_rollout
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import MODEL
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import find_by_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote

DATE = "{date}"  # in a display name: the day on which the rollout started (UTC)
MAX_AGE = timedelta(days=14)  # of an unfinished rollout; after that a new rollout starts


async def plan_model_and_rollout(
    call: CallContext, definition: RolloutDefinition, model: str | None, training: TrainingArguments | None
) -> RolloutPlan:
    """Return the plan of a rollout, with the training of its model if needed; raises Refused like `plan_rollout`.

    Args:
        model: A reference to an existing model, or None to train a model.
        training: The training request. Its display name may contain `{date}`.
    """
    source, findings = check_resources(call, definition)
    now, resource = call.now(source), source.resource.name
    if training is None:
        named = await find_entity(source, MODEL, model or "")
        if isinstance(named, Finding):
            raise Refused("Nothing was rolled out.", [*findings, named])
        require_not_failed(named, now, resource)
        return await plan_rollout(call, definition, RolloutModel.existing(named))
    today, template = now.date(), training.display_name or ""
    name = template.replace(DATE, today.isoformat())
    plan = await plan_training(call, training.model_copy(update={"display_name": name}))
    models = newest_first((await source.models_list_custom_models(locale=training.locale)).entities)
    day, found = next(_trained_before(plan, template, models), (None, None))
    if found is not None and (day is None or today - day <= MAX_AGE):
        existing = RolloutModel.existing(found, _key_on(plan, template, day, found))
        if day in (None, today):
            require_not_failed(found, now, resource)
            return await plan_rollout(call, definition, existing)
        if unfinished := await _plan_unfinished(call, definition, existing):
            return unfinished
    if others := [one for one in plan.facts.same_name if one.display_name == name]:
        message = f"Model {quote(name)} ({others[0].id}) exists and was made from another definition."
        deletion = call_step("delete_entity", kind="model", entity=others[0].id, resource=resource)
        fix = f"Choose another display_name, name it as model, or delete it: {deletion}."
        raise Refused("Nothing was rolled out.", [block("already-exists", message, fix)], "Then start again.")
    return await plan_rollout(call, definition, RolloutModel(plan.key, name, training.locale, None, plan))


def require_not_failed(model: schemas.CustomModel, now: datetime, resource: str) -> None:
    """Raise Refused if the training of a model has failed."""
    if model.status == "Failed":
        deletion = call_step("delete_entity", kind="model", entity=model.id, resource=resource)
        fix = f"Correct the cause and delete it: {deletion}."
        findings = [one.model_copy(update={"fix": fix}) for one in model_is_ready(model, now, resource)]
        raise Refused("Nothing was rolled out.", findings, "Then start again.")


def _trained_before(
    plan: TrainingPlan, template: str, models: list[schemas.CustomModel]
) -> Iterator[tuple[date | None, schemas.CustomModel]]:
    """Yield the models that the same training has created, whatever their names, with its starting day.

    The name contains the day. Training of a renamed model began on the day of its creation or, around midnight, on
    the day before.
    """
    pattern = re.compile(re.escape(template).replace(re.escape(DATE), r"(\d{4}-\d{2}-\d{2})"))
    for model in models:
        days: list[date | None] = [None]
        if DATE in template:
            match, created = pattern.fullmatch(model.display_name), model.created_date_time
            days = [created.date(), created.date() - timedelta(days=1)] if created else []
            with suppress(ValueError):
                days = [date.fromisoformat(match[1])] if match else days
        yield from ((day, model) for day in days if find_by_key(_key_on(plan, template, day, model), [model]))


def _key_on(plan: TrainingPlan, template: str, day: date | None, model: schemas.CustomModel) -> str:
    """Return the idempotency key of the same training, started on that day with the model's base model."""
    base_model = None if plan.facts.request.base_model else model.base_model
    name = template.replace(DATE, day.isoformat() if day else "")
    return training_key(plan.facts, name, base_model.id if base_model else None)


async def _plan_unfinished(call: CallContext, definition: RolloutDefinition, model: RolloutModel) -> RolloutPlan | None:
    """Return the plan of an earlier rollout, or None if it has finished or failed."""
    if model.entity is not None and model.entity.status == "Failed":
        return None
    try:
        plan = await plan_rollout(call, definition, model)
    except Refused:
        if model.trained is None:
            raise
        return None
    is_unfinished = plan.gate.passed is not False and any(target.remaining for target in plan.targets)
    return plan if is_unfinished or model.trained is None else None
