"""The model of a rollout file: one that exists, one that an unfinished rollout trained, or a new one."""

import re
from contextlib import suppress
from datetime import date, timedelta

from custom_speech_tools.guardrails.model_facts import TrainingArguments
from custom_speech_tools.guardrails.model_plan import ModelPlan, plan_training, training_key
from custom_speech_tools.guardrails.references import MODEL, get_entity
from custom_speech_tools.rollout.plan import RolloutPlan, plan_rollout
from custom_speech_tools.rollout.request import RolloutRequest, Subject, check_resources
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import find_by_key
from custom_speech_tools.runtime.lists import newest_first
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import block
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote

DATE = "{date}"  # in a display name: the day on which the rollout began, in UTC
CONTINUED = timedelta(days=14)  # an unfinished rollout that began longer ago is left alone, and a new one begins


async def plan_file(
    call: CallContext, request: RolloutRequest, model: str | None, training: TrainingArguments | None
) -> RolloutPlan:
    """Return the plan of a rollout file.

    Args:
        model: A model that exists, or None to train one.
        training: What to train; its display name may contain `{date}`.

    Raises:
        Refused: A rule stops the whole rollout.
    """
    if (request.resource or call.app.default) not in call.app.resources:
        raise Refused("Nothing can be rolled out.", check_resources(call, request))
    source = call.speech(request.resource)
    if training is None:
        subject = Subject.of(await get_entity(source, MODEL, model or ""))
        return await plan_rollout(call, request, _not_failed(subject))
    today, template = call.now(source).date(), training.display_name or ""
    name = template.replace(DATE, today.isoformat())
    plan = await plan_training(call, training.model_copy(update={"display_name": name}))
    models = newest_first((await source.models_list_custom_models(locale=training.locale)).entities)
    for day, found in _made_before(plan, template, models):
        if day is not None and today - day > CONTINUED:
            break
        subject = Subject.of(found, _key_of(plan, template, day, found))
        if day in (None, today):
            return await plan_rollout(call, request, _not_failed(subject))
        if (unfinished := await _plan_unfinished(call, request, subject)) is not None:
            return unfinished
        break
    if others := [one for one in plan.facts.same_name if one.display_name == name]:
        message = f"Model {quote(name)} ({others[0].id}) exists and was made from another definition."
        fix = "Choose another display_name, name it as model, or delete it: " + _deletion(others[0])
        raise Refused("Nothing can be rolled out.", [block("already-exists", message, fix)], "Then start again.")
    return await plan_rollout(call, request, Subject(plan.key, name, training.locale, None, plan))


def _made_before(
    plan: ModelPlan, template: str, models: list[schemas.CustomModel]
) -> list[tuple[date | None, schemas.CustomModel]]:
    """Return the models that this training has made, whatever they are called by now, and the days it began.

    The day is in the name; of a model that was renamed it is the day of its creation, or the day before if the
    rollout began shortly before midnight.
    """
    pattern = re.compile(re.escape(template).replace(re.escape(DATE), r"(\d{4}-\d{2}-\d{2})"))
    made: list[tuple[date | None, schemas.CustomModel]] = []
    for model in models:
        days: list[date | None] = [None]
        if DATE in template:
            match, created = pattern.fullmatch(model.display_name), model.created_date_time
            days = [created.date(), created.date() - timedelta(days=1)] if created else []
            with suppress(ValueError):
                days = [date.fromisoformat(match[1])] if match else days
        made += [(day, model) for day in days if find_by_key(_key_of(plan, template, day, model), [model])]
    return made


def _key_of(plan: ModelPlan, template: str, day: date | None, model: schemas.CustomModel) -> str:
    """Return the key that the training would have given to a model that began on that day."""
    asked, own = plan.facts.request.base_model, model.base_model
    base_model = None if asked or own is None else own.id
    return training_key(plan.facts, template.replace(DATE, day.isoformat() if day else ""), base_model)


async def _plan_unfinished(call: CallContext, request: RolloutRequest, subject: Subject) -> RolloutPlan | None:
    """Return the plan of an earlier rollout, None if it is finished, or ended without success."""
    if subject.model is not None and subject.model.status == "Failed":
        return None
    try:
        plan = await plan_rollout(call, request, subject)
    except Refused:
        if subject.trained is None:
            raise
        return None
    is_unfinished = plan.gate.passed is not False and any(target.remaining for target in plan.targets)
    return plan if is_unfinished or subject.trained is None else None


def _not_failed(subject: Subject) -> Subject:
    if (model := subject.model) is not None and model.status == "Failed":
        message = f"Training of model {quote(model.display_name)} failed."
        fix = "Correct the cause and delete it: " + _deletion(model)
        raise Refused("Nothing can be rolled out.", [block("model-is-ready", message, fix)], "Then start again.")
    return subject


def _deletion(model: schemas.CustomModel) -> str:
    return call_step("delete_entity", kind="model", entity=model.id) + "."
