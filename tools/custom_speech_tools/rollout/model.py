"""The model of a rollout: one that exists, one that an unfinished rollout has begun to train, or a new one."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta

from custom_speech_tools.guardrails.entity_lookup import MODEL, find_entity
from custom_speech_tools.guardrails.training_facts import TrainingArguments
from custom_speech_tools.guardrails.training_plan import TrainingPlan, plan_training, training_key
from custom_speech_tools.rollout.definition import RolloutDefinition, RolloutModel, check_resources
from custom_speech_tools.rollout.plan import RolloutPlan, plan_rollout
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import find_by_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote, reason_clause

DATE = "{date}"  # in a display name: the day on which the rollout began, in UTC
CONTINUED = timedelta(days=14)  # an unfinished rollout that began longer ago is left alone, and a new one begins


async def plan_model_and_rollout(
    call: CallContext, definition: RolloutDefinition, model: str | None, training: TrainingArguments | None
) -> RolloutPlan:
    """Return the plan of a rollout, with the training of its model if there is none yet.

    Args:
        model: A model that exists, or None to train one.
        training: What to train; its display name may contain `{date}`.

    Raises:
        Refused: A rule stops the whole rollout.
    """
    source, findings = check_resources(call, definition)
    if training is None:
        named = await find_entity(source, MODEL, model or "")
        if isinstance(named, Finding):
            raise Refused("Nothing was rolled out.", [*findings, named])
        return await plan_rollout(call, definition, require_not_failed(RolloutModel.existing(named)))
    today, template = call.now(source).date(), training.display_name or ""
    name = template.replace(DATE, today.isoformat())
    plan = await plan_training(call, training.model_copy(update={"display_name": name}))
    models = newest_first((await source.models_list_custom_models(locale=training.locale)).entities)
    day, found = next(_made_before(plan, template, models), (None, None))
    if found is not None and (day is None or today - day <= CONTINUED):
        rollout_model = RolloutModel.existing(found, _key_of(plan, template, day, found))
        if day in (None, today):
            return await plan_rollout(call, definition, require_not_failed(rollout_model))
        if unfinished := await _plan_unfinished(call, definition, rollout_model):
            return unfinished
    if others := [one for one in plan.facts.same_name if one.display_name == name]:
        message = f"Model {quote(name)} ({others[0].id}) exists and was made from another definition."
        deletion = call_step("delete_entity", kind="model", entity=others[0].id)
        fix = f"Choose another display_name, name it as model, or delete it: {deletion}."
        raise Refused("Nothing was rolled out.", [block("already-exists", message, fix)], "Then start again.")
    return await plan_rollout(call, definition, RolloutModel(plan.key, name, training.locale, None, plan))


def require_not_failed(rollout_model: RolloutModel) -> RolloutModel:
    """Return the model, or raise Refused if its training has failed."""
    if (model := rollout_model.entity) is not None and model.status == "Failed":
        why = reason_clause(model.error.message if model.error else None)
        message = f"Training of model {quote(model.display_name)} failed{why}"
        fix = f"Correct the cause and delete it: {call_step('delete_entity', kind='model', entity=model.id)}."
        raise Refused("Nothing was rolled out.", [block("model-is-ready", message, fix)], "Then start again.")
    return rollout_model


def _made_before(
    plan: TrainingPlan, template: str, models: list[schemas.CustomModel]
) -> Iterator[tuple[date | None, schemas.CustomModel]]:
    """Yield the models that this training has made, whatever they are called by now, and the days it began.

    The day is in the name; of a model that was renamed it is the day of its creation, or the day before if the
    rollout began shortly before midnight.
    """
    pattern = re.compile(re.escape(template).replace(re.escape(DATE), r"(\d{4}-\d{2}-\d{2})"))
    for model in models:
        days: list[date | None] = [None]
        if DATE in template:
            match, created = pattern.fullmatch(model.display_name), model.created_date_time
            days = [created.date(), created.date() - timedelta(days=1)] if created else []
            with suppress(ValueError):
                days = [date.fromisoformat(match[1])] if match else days
        yield from ((day, model) for day in days if find_by_key(_key_of(plan, template, day, model), [model]))


def _key_of(plan: TrainingPlan, template: str, day: date | None, model: schemas.CustomModel) -> str:
    """Return the key that the training would have given to a model that began on that day."""
    asked, own = plan.facts.request.base_model, model.base_model
    base_model = None if asked or own is None else own.id
    return training_key(plan.facts, template.replace(DATE, day.isoformat() if day else ""), base_model)


async def _plan_unfinished(
    call: CallContext, definition: RolloutDefinition, rollout_model: RolloutModel
) -> RolloutPlan | None:
    """Return the plan of an earlier rollout, None if it is finished, or ended without success."""
    if rollout_model.entity is not None and rollout_model.entity.status == "Failed":
        return None
    try:
        plan = await plan_rollout(call, definition, rollout_model)
    except Refused:
        if rollout_model.trained is None:
            raise
        return None
    is_unfinished = plan.gate.passed is not False and any(target.remaining for target in plan.targets)
    return plan if is_unfinished or rollout_model.trained is None else None
