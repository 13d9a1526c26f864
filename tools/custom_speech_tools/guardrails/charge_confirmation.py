"""Charged training happens only after a yes: asked, by token, or by the policy of whoever started the server."""

from typing import Annotated

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import BaseModel, Field

from custom_speech_tools.guardrails.model_plan import Checked, ModelPlan
from custom_speech_tools.runtime.confirmation import LIFE
from custom_speech_tools.runtime.context import current, question
from custom_speech_tools.runtime.dependencies import AppContext, WithApp
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import digest
from custom_speech_tools.runtime.parameters import Confirm
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech.sanitize import plain


class Consent(BaseModel):
    """What a person answers."""

    train: bool = Field(description="Yes, train this model and accept the charge")


def can_ask(ctx: Context) -> bool:
    """Whether the client can put a form in front of its user, in either protocol era."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return ctx.session.can_send_request or _carries_answers(ctx)


def _carries_answers(ctx: Context) -> bool:
    """Whether a call holds the answer to the question of an earlier one, as it does since 2026-07-28."""
    return (ctx.protocol_version or "") >= "2026-07-28"


def purchase(plan: ModelPlan) -> str:
    """What a token is bound to: the request, and the base models that it may be charged for."""
    return "/".join([plan.request, str(plan.facts.request.allow_duplicate), *(base.id for base in plan.base_models)])


def token(plan: ModelPlan, connections: AppContext) -> str | None:
    """A confirm token for the plan, None where no yes is needed."""
    return connections.spending.token(purchase(plan), connections.now()) if plan.needs_yes else None


async def consent(plan: Checked, confirm: Confirm, connections: WithApp, ctx: Context) -> Consent | Elicit[Consent]:
    """The yes to a charge; raises Refused where it can be had neither by asking nor by token."""
    call = current()
    if not plan.needs_yes:
        call.confirmation = "by the policy --confirm never" if plan.is_charged else "not charged"
        return Consent(train=True)
    if can_ask(ctx):
        call.waits_for_a_person()
        call.yes = (question() if ctx.request_state and _carries_answers(ctx) else None) or call.yes
        return Elicit(_question(plan), Consent)
    spending = connections.spending
    genuine = confirm and spending.is_confirmed(confirm, purchase(plan), connections.now())
    if confirm and genuine and not plan.find_by_confirmation(confirm):
        call.yes, call.confirmation = confirm, "by token"
        return Consent(train=True)
    raise _unconfirmed(plan, connections, given=bool(confirm))


def _question(plan: ModelPlan) -> str:
    request, names = plan.facts.request, [plain(item.display_name, 80) for item in plan.facts.found_datasets]
    return (
        f"Train custom speech model '{plain(request.display_name, 80)}' ({request.locale}) "
        f"on resource {plan.facts.speech.resource.name} with {', '.join(names[:5])}? "
        f"Training on base model '{plain(plan.base_models[0].display_name, 80)}' "
        f"(request {digest(purchase(plan))[:12]}) is charged to your Azure subscription"
        f"{' (emulated: nothing is really charged)' if plan.facts.speech.resource.emulated else ''}."
    )


def _unconfirmed(plan: ModelPlan, connections: AppContext, *, given: bool) -> Refused:
    wrong = "The confirm token is expired, used, or not for these arguments. " if given else ""
    then = f"{wrong}Ask your user; after a yes, repeat the call with the same arguments and confirm="
    return Refused("Nothing was created.", plan.findings, f'{then}"{token(plan, connections)}" (good for 10 minutes).')


Asked = Annotated[ElicitationResult[Consent], Resolve(consent)]


def must_be_yes(asked: ElicitationResult[Consent], plan: ModelPlan, connections: AppContext) -> None:
    """Raises Refused for every answer but a yes, for a yes to facts of long ago, and for one that is used up."""
    call = current()
    call.goes_on()
    if isinstance(asked, AcceptedElicitation) and asked.data.train:
        if connections.now() - plan.asked_at > LIFE:
            raise Refused("Nothing was created.", [_void(_LATE)], "Call again with the same arguments.")
        if call.yes in connections.spending.used and not plan.find_by_confirmation(call.yes):
            raise Refused("Nothing was created.", [_void(_USED)], "Call again with the same arguments.")
        call.confirmation = call.confirmation or "by asking the user"
        return
    no = Finding(
        rule="training-is-charged",
        level="confirm",
        message="The user did not say yes to the charge.",
        fix="Leave it, or choose a base model with training_is_charged false.",
    )
    raise Refused("Nothing was created.", [no], "Do not repeat the call unless the user asks for it.")


_LATE = "The yes came more than ten minutes after the question; meanwhile anything may have changed."
_USED = "This yes has bought a training already, and its model is not there under this name any more."


def _void(why: str) -> Finding:
    """A yes that is none any more."""
    return Finding(rule="training-is-charged", level="confirm", message=why, fix="The user is asked again.")
