"""create_model: train a custom model, once, after every guardrail."""

from custom_speech_tools.call import showing
from custom_speech_tools.call.arguments import (
    AllowDuplicate,
    BaseModelName,
    Confirm,
    Datasets,
    Description,
    DisplayName,
    Locale,
    OptionalProject,
    ResourceName,
)
from custom_speech_tools.call.connections import Connected
from custom_speech_tools.call.current import current
from custom_speech_tools.call.declaration import writes
from custom_speech_tools.call.next_steps import after
from custom_speech_tools.call.results import Model
from custom_speech_tools.guardrails.consent import Asked, must_be_yes
from custom_speech_tools.guardrails.model_plan import Checked, ModelPlan, made_by
from custom_speech_tools.speech import wire


async def create_model(
    display_name: DisplayName,
    locale: Locale,
    datasets: Datasets,
    plan: Checked,
    asked: Asked,
    connections: Connected,
    base_model: BaseModelName = None,
    project: OptionalProject = None,
    description: Description = None,
    allow_duplicate: AllowDuplicate = False,
    confirm: Confirm = None,
    resource: ResourceName = None,
) -> Model:
    """Train a custom speech model on datasets of one locale, after all guardrails. Minutes with text, days
    with audio; a charge needs a person's yes. The same request twice makes one model. Then get_model."""
    if plan.existing:
        return _shown(plan, plan.existing, already_existed=True)
    must_be_yes(asked, plan, connections)
    yes = current().yes
    if bought := plan.bought_with(yes):
        return _shown(plan, bought, already_existed=True)
    mark, create = plan.mark(yes), plan.facts.speech.models_create
    model, earlier = await connections.once.do(
        mark, plan.gathered, lambda: create(plan.definition(mark)), lambda known: _made(plan, mark)
    )
    connections.spending.use(yes, connections.now())
    return _shown(plan, model, already_existed=earlier)


async def _made(plan: ModelPlan, mark: str) -> wire.CustomModel | None:
    """What a request has made whose answer was lost."""
    name, locale = plan.facts.request.display_name, plan.facts.request.locale
    return made_by(mark, (await plan.facts.speech.models_list_custom_models(display_name=name, locale=locale)).entities)


def _shown(plan: ModelPlan, model: wire.CustomModel, *, already_existed: bool) -> Model:
    speech = plan.facts.speech
    standing = [finding for finding in plan.findings if finding.level != "confirm"]
    return showing.model(speech, model, after(speech, model), already_existed=already_existed, findings=standing)


tool = writes(create_model, "Create a custom model", idempotent=False)
