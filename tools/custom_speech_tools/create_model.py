"""create_model: train a custom model, once, after every guardrail."""

from custom_speech_tools.guardrails.charge_confirmation import Asked, must_be_yes
from custom_speech_tools.guardrails.model_plan import Checked, ModelPlan, find_by_key
from custom_speech_tools.runtime import presenters
from custom_speech_tools.runtime.context import current
from custom_speech_tools.runtime.dependencies import WithApp
from custom_speech_tools.runtime.next_steps import after
from custom_speech_tools.runtime.parameters import (
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
from custom_speech_tools.runtime.results import Model
from custom_speech_tools.runtime.tool import writes
from custom_speech_tools.speech import schemas


async def create_model(
    display_name: DisplayName,
    locale: Locale,
    datasets: Datasets,
    plan: Checked,
    asked: Asked,
    connections: WithApp,
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
    if bought := plan.find_by_confirmation(yes):
        return _shown(plan, bought, already_existed=True)
    mark, create = plan.mark(yes), plan.facts.speech.models_create
    model, earlier = await connections.once.do(
        mark, plan.gathered, lambda: create(plan.definition(mark)), lambda known: _made(plan, mark)
    )
    connections.spending.use(yes, connections.now())
    return _shown(plan, model, already_existed=earlier)


async def _made(plan: ModelPlan, mark: str) -> schemas.CustomModel | None:
    """What a request has made whose answer was lost."""
    name, locale = plan.facts.request.display_name, plan.facts.request.locale
    return find_by_key(
        mark, (await plan.facts.speech.models_list_custom_models(display_name=name, locale=locale)).entities
    )


def _shown(plan: ModelPlan, model: schemas.CustomModel, *, already_existed: bool) -> Model:
    speech = plan.facts.speech
    standing = [finding for finding in plan.findings if finding.level != "confirm"]
    return presenters.model(speech, model, after(speech, model), already_existed=already_existed, findings=standing)


tool = writes(create_model, "Create a custom model", idempotent=False)
