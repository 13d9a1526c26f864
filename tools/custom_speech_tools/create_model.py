"""create_model: train a custom model if all guardrails pass, once per request."""

from custom_speech_tools.guardrails.shared_rules import after_agreement, is_blocked
from custom_speech_tools.guardrails.training_facts import TrainingArguments
from custom_speech_tools.guardrails.training_plan import TrainingPlan, plan_training, train, training_key
from custom_speech_tools.presenters.model import Model, present_model
from custom_speech_tools.runtime.confirmation_flow import carry_out, confirmed_plan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.parameters import Confirm, DisplayName, WaitSeconds
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related
from custom_speech_tools.runtime.tool import Annotations, declare


class CreateModelArguments(TrainingArguments):
    """The arguments of create_model."""

    display_name: DisplayName
    confirm: Confirm = None
    wait_seconds: WaitSeconds = 0


async def create_model(arguments: CreateModelArguments, call: CallContext) -> Model:
    """Train a custom speech model on datasets of one locale.

    Takes minutes for text and, on Azure, a day per 10 h of audio. A charge needs your user's agreement. A repeated
    request creates no second model. Next: get_model; when Succeeded, test or copy it.
    """

    async def checked() -> TrainingPlan:
        plan = await plan_training(call, arguments, arguments.confirm or call.client.answer)
        if is_blocked(plan.findings):
            raise Refused("Nothing was created.", plan.findings)
        return plan

    plan, agreement = await confirmed_plan(call, arguments.confirm, checked)
    key = training_key(plan.facts, agreement=agreement.id)
    model, existed = await carry_out(call, agreement, plan.effect, lambda how: train(call, plan, key, how))
    facts, speech, findings = plan.facts, plan.facts.speech, after_agreement(plan.findings)
    model = await poll_until_terminal(call, model, speech.models_get_custom_model, arguments.wait_seconds)
    parts = await read_related(
        speech, model.parts, [*facts.datasets, *facts.base_models, facts.base_model, facts.project]
    )
    now = call.now(speech)
    return present_model(speech, model, parts, now, facts.earlier, already_existed=existed, findings=findings)


tool = declare(create_model, "Create a custom model", Annotations.CREATE, "models")
