"""create_model: train a custom model, once, after every guardrail."""

import anyio

from custom_speech_tools.guardrails.model_facts import TrainingArguments
from custom_speech_tools.guardrails.model_plan import ModelPlan, checked_training
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.confirmation import MAX_FACTS_AGE, Confirmation, obtain_confirmation
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.idempotency import find_by_key
from custom_speech_tools.runtime.parameters import Confirm, DisplayName
from custom_speech_tools.runtime.presenters.model import Model, present_model
from custom_speech_tools.runtime.tool import Effect, declare
from custom_speech_tools.speech import schemas


class CreateModelArguments(TrainingArguments):
    """The arguments of create_model."""

    display_name: DisplayName
    confirm: Confirm = None


async def create_model(arguments: CreateModelArguments, call: CallContext) -> Model:
    """Train a custom speech model on datasets of one locale, after all guardrails.

    Minutes with text, days with audio; a charge needs your user's agreement. The same request twice makes one model.
    Then get_model; when it is Succeeded, test it or copy it.
    """
    plan = await checked_training(call, arguments)
    if plan.existing:
        return await _present(call, plan, plan.existing, already_existed=True)
    question = plan.confirmation_request()
    confirmation = await obtain_confirmation(call, question, arguments.confirm, is_needed=plan.needs_confirmation)
    if anyio.current_time() - plan.read_at > MAX_FACTS_AGE:
        plan = await checked_training(call, arguments)
        call.app.confirmation.require_same_effect(question, plan.effect)
    if existing := plan.existing or plan.find_by_confirmation(confirmation.id):
        return await _present(call, plan, existing, already_existed=True)
    call.app.confirmation.require_unused(question, confirmation.id)
    model, already_existed = await _train(call, plan, confirmation)
    call.app.confirmation.mark_used(confirmation.id, call.app.now())
    return await _present(call, plan, model, already_existed=already_existed)


async def _train(call: CallContext, plan: ModelPlan, confirmation: Confirmation) -> tuple[schemas.CustomModel, bool]:
    key, speech, request = plan.key_for(confirmation.id), plan.facts.speech, plan.facts.request
    writer = call.writer(speech, Decision(plan.findings, key, confirmation.how))

    async def find() -> schemas.CustomModel | None:
        found = await speech.models_list_custom_models(display_name=request.display_name, locale=request.locale)
        return find_by_key(key, found.entities)

    return await call.app.idempotency.run(
        call, key, lambda: writer.models_create(plan.definition(key)), find, read_at=plan.read_at
    )


async def _present(call: CallContext, plan: ModelPlan, model: schemas.CustomModel, *, already_existed: bool) -> Model:
    findings = [finding for finding in plan.findings if finding.level != "confirm"]
    return await present_model(call, plan.facts.speech, model, already_existed=already_existed, findings=findings)


tool = declare(create_model, "Create a custom model", Effect.CREATE, "models")
