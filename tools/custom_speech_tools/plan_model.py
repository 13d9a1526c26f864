"""plan_model: what create_model would do and what stands against it."""

from mcp.server.mcpserver import Context

from custom_speech_tools.guardrails import charge_confirmation
from custom_speech_tools.guardrails.model_plan import ModelPlan, Planned
from custom_speech_tools.guardrails.model_rules import AUDIO_HOURS_A_DAY, MOST_AUDIO_HOURS
from custom_speech_tools.runtime import next_steps, presenters
from custom_speech_tools.runtime.dependencies import WithApp
from custom_speech_tools.runtime.parameters import (
    AllowDuplicate,
    BaseModelName,
    Datasets,
    Description,
    DisplayName,
    Locale,
    OptionalProject,
    ResourceName,
)
from custom_speech_tools.runtime.results import Named, Plan
from custom_speech_tools.runtime.tool import reads


async def plan_model(
    display_name: DisplayName,
    locale: Locale,
    datasets: Datasets,
    plan: Planned,
    connections: WithApp,
    ctx: Context,
    base_model: BaseModelName = None,
    project: OptionalProject = None,
    description: Description = None,
    allow_duplicate: AllowDuplicate = False,
    resource: ResourceName = None,
) -> Plan:
    """Check a training before it starts: everything that create_model would object to, hours of audio, days it
    takes, and whether it is charged. Creates nothing; takes create_model's arguments."""
    hours = plan.facts.audio_hours
    token = (
        None if charge_confirmation.can_ask(ctx) or plan.is_blocked else charge_confirmation.token(plan, connections)
    )
    return Plan(
        **presenters.where(plan.facts.speech.resource),
        ok=not plan.is_blocked and plan.existing is None,
        findings=list(plan.findings),
        base_model=_base_model(plan),
        audio_hours=round(hours, 2),
        estimated_training_days=round(min(hours, MOST_AUDIO_HOURS) / AUDIO_HOURS_A_DAY, 2),
        training_is_charged=plan.is_charged,
        confirm=token,
        next_steps=[_next_step(plan, asks=charge_confirmation.can_ask(ctx))],
    )


def _base_model(plan: ModelPlan) -> Named | None:
    base = next(iter(plan.base_models), None)
    return Named(id=base.id, display_name=base.display_name) if base else None


def _next_step(plan: ModelPlan, *, asks: bool) -> str:
    if plan.is_blocked:
        return "Correct every finding of level block, then call plan_model again."
    if plan.existing:
        return next_steps.call("get_model", model=plan.existing.id, resource=plan.facts.speech.resource.name)
    if plan.needs_yes and not asks:
        return "Ask your user about the charge; after a yes, call create_model with the same arguments and confirm."
    return "Call create_model with the same arguments."


tool = reads(plan_model, "Plan a custom model")
