"""plan_model: check a training request without creating a model."""

from custom_speech_tools.guardrails.charges import estimate_charge
from custom_speech_tools.guardrails.shared_rules import is_blocked
from custom_speech_tools.guardrails.training_facts import TrainingArguments
from custom_speech_tools.guardrails.training_plan import plan_training
from custom_speech_tools.runtime import results
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import next_step_when_blocked
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.polling import expected_seconds
from custom_speech_tools.runtime.tool import Annotations, declare


class TrainingPlanAnswer(results.ResourceAnswer):
    """The plan of a training; days, charge and alternative are null if it is blocked."""

    ok: bool
    findings: results.Findings
    base_model: results.EntityReference | None
    audio_hours: float
    estimated_training_days: float | None
    training_is_charged: bool | None
    estimated_charge: results.EstimatedCharge | None = results.optional()
    uncharged_alternative: results.EntityReference | None
    confirm: str | None


async def plan_model(arguments: TrainingArguments, call: CallContext) -> TrainingPlanAnswer:
    """Check a training request without creating anything.

    Reports every reason for a refusal, hours of audio, estimated training days at the service (text trains in minutes),
    and whether it is charged. Levels: block = refused, confirm = your user must agree, warn = information.
    """
    plan = await plan_training(call, arguments)
    facts, speech, blocked = plan.facts, plan.facts.speech, is_blocked(plan.findings)
    base, hours, effect, policy = facts.chosen_base_model, facts.audio_hours, plan.effect, call.app.confirmation
    is_charged = base is not None and base.training_is_charged
    free = facts.uncharged_base_model if is_charged and not blocked else None
    seconds = expected_seconds(facts.earlier, is_emulated=speech.is_emulated, audio_hours=hours)
    # The question to the user needs a name.
    is_offered = bool(arguments.display_name) and "create_model" not in call.app.missing_tools
    is_offered = is_offered and policy.mode != "never" and call.client.may_write and not call.client.can_ask
    name = "" if arguments.display_name else " and a display_name"
    step = f"Call create_model with the same arguments{name}."
    if blocked:
        step = next_step_when_blocked(plan.findings)
    elif plan.existing:
        step = call_step("get_model", model=plan.existing.id, resource=speech.resource.name)
    elif effect and policy.mode == "ask" and not call.client.can_ask:
        confirm = " and confirm" if arguments.display_name else "; it returns a confirm token"
        step = f"Ask your user about the charge; if they agree, call create_model with these arguments{name}{confirm}."
    return TrainingPlanAnswer(
        **results.resource_fields(speech),
        ok=not blocked and plan.existing is None,
        findings=list(plan.findings),
        base_model=results.EntityReference.model_validate(base) if base else None,
        audio_hours=round(hours, 2),
        estimated_training_days=None if blocked else round(seconds / 86_400, 2),
        training_is_charged=None if blocked else is_charged,
        estimated_charge=estimate_charge(speech.resource, "training", hours) if effect else None,
        uncharged_alternative=results.EntityReference.model_validate(free) if free else None,
        confirm=policy.issue_token([effect], call.auditor.caller, call.app.now()) if effect and is_offered else None,
        next_steps=[step],
    )


tool = declare(plan_model, "Plan a custom model", Annotations.READ, "models")
