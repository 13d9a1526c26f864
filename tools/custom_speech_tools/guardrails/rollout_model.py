"""The model that a rollout file is about: one that exists, one that an unfinished rollout trained, or a new one."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field, StrictBool

from custom_speech_tools.guardrails.model_facts import TrainingArguments, gather_model_facts
from custom_speech_tools.guardrails.model_plan import ModelPlan, plan_training, training_key
from custom_speech_tools.guardrails.references import MODEL, get_entity
from custom_speech_tools.guardrails.rollout_facts import RolloutArguments, Strictness
from custom_speech_tools.guardrails.rollout_plan import plan_rollout
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import find_by_key
from custom_speech_tools.runtime.presenters.lists import newest_first
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote

DATE = "{date}"
"""In a display name: the day on which the rollout began, in UTC."""

CONTINUED = timedelta(days=14)
"""An unfinished rollout that began longer ago than this is left alone, and a new one begins."""


class StrictRolloutArguments(RolloutArguments):
    """A rollout with everything that a rollout file may say about its gate."""

    require_significance: Annotated[StrictBool, Field(description="Better only where significantly better")] = True
    allow_seen_test_data: Annotated[StrictBool, Field(description="Accept a test with training data")] = False

    @property
    def strictness(self) -> Strictness:
        """The rules by which the gate judges."""
        return Strictness(self.require_significance, self.allow_seen_test_data)


class PreviewArguments(StrictRolloutArguments):
    """A rollout file; `training` has a display name that may contain `{date}`, and no base model for the newest."""

    training: TrainingArguments | None = None


@dataclass(frozen=True, slots=True)
class RolloutModel:
    """The model that a rollout is about: one that exists, or a training."""

    name: str
    model: schemas.CustomModel | None = None
    base_model: str | None = None
    training: ModelPlan | None = None


def for_model(arguments: RolloutArguments, model: schemas.CustomModel) -> RolloutArguments:
    """Return the rollout of that model."""
    return arguments.model_copy(update={"model": model.id})


async def find_rollout_model(call: CallContext, source: Speech, arguments: PreviewArguments) -> RolloutModel:
    """Return the model of today, that of an unfinished rollout of the last days, or what is to be trained.

    Raises:
        Refused: The model does not exist, or another one has its name.
    """
    if arguments.training is None:
        model = await get_entity(source, MODEL, arguments.model or "")
        return RolloutModel(model.display_name, model)
    training, template = arguments.training, arguments.training.display_name or ""
    today = call.now(source).date()
    other: schemas.CustomModel | None = None
    for begun, model in await earlier_models(source, training.locale, template):
        if begun is not None and today - begun > CONTINUED:
            break
        base_model = training.base_model or (model.base_model.id if model.base_model else None)
        if await _has_definition(call, training, model, base_model):
            is_todays = begun in (None, today)
            if is_todays or await _is_unfinished(call, arguments, model):
                return RolloutModel(model.display_name, model, base_model)
            break
        other = model if begun in (None, today) else other
    if other is not None:
        raise Refused("Nothing can be rolled out.", [_made_otherwise(other)], "Then start again.")
    name = template.replace(DATE, today.isoformat())
    plan = await plan_training(call, training.model_copy(update={"display_name": name}))
    return RolloutModel(name, None, plan.base_model.id if plan.base_model else None, plan)


async def earlier_models(source: Speech, locale: str, template: str) -> list[tuple[date | None, schemas.CustomModel]]:
    """Return the models of the name with the days on which their rollouts began, newest first."""
    if DATE not in template:
        named = (await source.models_list_custom_models(display_name=template, locale=locale)).entities
        return [(None, one) for one in newest_first(named) if one.display_name == template]
    pattern = re.compile(re.escape(template).replace(re.escape(DATE), r"(\d{4}-\d{2}-\d{2})"))
    models = newest_first((await source.models_list_custom_models(locale=locale)).entities)
    matches = [(pattern.fullmatch(one.display_name), one) for one in models]
    return [(day, one) for match, one in matches if match and (day := _day(match[1]))]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


async def _has_definition(
    call: CallContext, training: TrainingArguments, model: schemas.CustomModel, base_model: str | None
) -> bool:
    """Return whether the model was made by this training under its name."""
    named = training.model_copy(update={"display_name": model.display_name, "base_model": base_model})
    return find_by_key(training_key(await gather_model_facts(call, named)), [model]) is not None


async def _is_unfinished(call: CallContext, arguments: PreviewArguments, model: schemas.CustomModel) -> bool:
    if model.status != "Succeeded":
        return model.status != "Failed"
    try:
        plan = await plan_rollout(call, for_model(arguments, model))
    except Refused:
        return False
    return plan.gate.verdict.passed is not False and any(target.remaining for target in plan.targets)


def _made_otherwise(model: schemas.CustomModel) -> Finding:
    return Finding(
        rule="already-exists",
        level="block",
        message=f"Model {quote(model.display_name)} ({model.id}) exists and was made from another definition.",
        fix=f"Choose another display_name, name it as model, or delete it: "
        f'delete_entity(kind="model", entity="{model.id}").',
    )
