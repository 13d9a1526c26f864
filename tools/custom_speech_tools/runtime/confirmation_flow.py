"""The user's agreement to charges and deletions: by elicitation, confirmation token or operator policy.

The order is fixed (docs/safety.md, "Nothing is charged without confirmation"). Every tool that needs agreement calls
`confirmed_plan`, which plans, asks, and plans again if asking took long, and encloses each write in `carry_out`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import anyio

from custom_speech_tools.runtime.agreements import (
    LIFETIME_TEXT,
    Agreement,
    ConfirmationRequest,
    Effect,
    EffectKind,
    digest_of,
)
from custom_speech_tools.runtime.change_control import AgreementUse
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import ENDPOINT, MODEL, TRANSCRIPTION, EntityKind
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.speech import AzureError
from custom_speech_tools.speech.sanitize import quote

MAX_FACTS_AGE = 2.0  # seconds after which facts are read again if the user was asked
_ASK_AGAIN = "Call again with the same arguments, without confirm."
_DO_NOT_REPEAT = "Do not repeat the call unless the user asks for it."

# The kind of entity that is created under an agreement.
_CREATED_KINDS: Mapping[EffectKind, EntityKind[Any]] = {
    "training": MODEL,
    "hosting": ENDPOINT,
    "transcription": TRANSCRIPTION,
}

Written = TypeVar("Written")


class ConfirmablePlan(Protocol):
    """A plan without blocking findings."""

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user; without effects, the user need not be asked."""


Plan = TypeVar("Plan", bound=ConfirmablePlan)


async def confirmed_plan(
    call: CallContext, token: str | None, make_plan: Callable[[], Awaitable[Plan]]
) -> tuple[Plan, Agreement]:
    """Return the plan and the user's agreement. If the user took long to agree, the plan is made again.

    Raises:
        Refused: A rule blocks the plan, the user did not agree, or the plan has changed since they were asked.
        InputRequired: The client must ask its user.
    """
    plan = await make_plan()
    read_at = anyio.current_time()
    request = plan.confirmation_request()
    agreement, was_asked = await _obtain(call, request, token)
    if was_asked and anyio.current_time() - read_at > MAX_FACTS_AGE:
        call.facts_since = anyio.current_time()
        plan = await make_plan()
        if not all(agreement.includes(effect) for effect in plan.confirmation_request().effects):
            raise request.refusal("What the user agreed to has changed since they were asked.", _ASK_AGAIN)
    return plan, agreement


async def carry_out(
    call: CallContext, agreement: Agreement, effect: Effect | None, write: Callable[[AgreementUse], Awaitable[Written]]
) -> Written:
    """Check that the agreement includes the effect, run `write`, and record the use of the agreement.

    Args:
        effect: None if the write costs and destroys nothing.
        write: Sends the request, unless the entity that it would create exists already.

    Raises:
        Refused: The agreement does not include the effect.
    """
    use, executor = agreement.require(effect), call.app.idempotency
    if effect is None:
        return await write(use)
    used = _used(agreement, effect)
    # Requests that differ only in what costs nothing have other locks.
    async with executor.exclusive(used, idempotency_key("alone", used)):
        use.is_spent = await executor.has_event(used)
        result = await write(use)
        if not use.is_spent:
            await executor.record_event(used, use.created_id)
    call.app.confirmation.remove_effect(agreement, effect, call.auditor.caller, call.app.now())
    return result


async def _obtain(call: CallContext, request: ConfirmationRequest, token: str | None) -> tuple[Agreement, bool]:
    """Return the agreement, and whether the user was asked in this call."""
    policy, effects, now = call.app.confirmation, request.effects, call.app.now()
    if policy.mode == "never":
        return Agreement(frozenset(), "by the policy --confirm never", is_general=True), False
    if not effects:
        return Agreement(frozenset(), "not charged", scope=request.scope), False
    for effect in effects:
        if await call.app.idempotency.has_event(_declined(call, effect)):
            why = f"The user did not agree; that holds for {LIFETIME_TEXT}, whatever is sent."
            raise request.refusal(why, _DO_NOT_REPEAT)
    earlier = policy.stored_agreement(request.scope, call.auditor.caller, now, request.stored_lifetime)
    if earlier and all(earlier.includes(effect) for effect in effects):
        return replace(earlier, effects=frozenset(effect.digest for effect in effects)), False
    kind = policy.read_token(token, effects, call.auditor.caller, now) if token else None
    if token and (kind == "after failure" or (kind and not call.client.can_ask)):
        return await _require_unused(call, request, request.agreement("by token", token)), False
    if call.client.can_ask:
        return await _ask(call, request), True
    problem = "The confirm token has expired, or is not for these arguments. " if token else ""
    raise _refused_with_token(call, request, problem)


async def _ask(call: CallContext, request: ConfirmationRequest) -> Agreement:
    with call.waiting_for_user():
        answer = await call.client.ask(request.question, digest_of(request.effects), call.app.now())
    match answer.outcome:
        case "agreed":
            return await _require_unused(call, request, request.agreement(answer.how, answer.id))
        case "declined":
            for effect in request.effects:
                await call.app.idempotency.record_event(_declined(call, effect))
            raise request.refusal("The user did not agree.", _DO_NOT_REPEAT)
        case "failed":
            raise _refused_with_token(call, request, f"{answer.how} ")
        case "unanswered":
            raise Refused(request.not_done, request.findings, answer.how)


async def _require_unused(call: CallContext, request: ConfirmationRequest, agreement: Agreement) -> Agreement:
    """Return the agreement if it has not been used for any of the effects; otherwise raise Refused."""
    executor = call.app.idempotency
    for effect in request.effects:
        used = _used(agreement, effect)
        if not await executor.has_event(used):
            continue
        result = "the entity that it created no longer exists or has another name"
        created_id, kind = executor.last_result(used), _CREATED_KINDS.get(effect.kind)
        if created_id and kind:
            try:
                created = await kind.get(call.speech(effect.resource.name), created_id)
                result = f"the entity that it created is now called {quote(created.display_name)} ({created_id})"
            except AzureError as error:
                if error.status != 404:
                    raise
                result = "the entity that it created no longer exists"
        raise request.refusal(f"This agreement has been used already, and {result}.", _ASK_AGAIN)
    return agreement


def _refused_with_token(call: CallContext, request: ConfirmationRequest, problem: str) -> Refused:
    policy, now, has_failed = call.app.confirmation, call.app.now(), call.client.can_ask
    fresh = policy.issue_token(request.effects, call.auditor.caller, now, is_after_failure=has_failed)
    then = f'{problem}Ask your user; once they agree, repeat the call with the same arguments and confirm="{fresh}"'
    return Refused(request.not_done, request.findings, f"{then} (valid for {LIFETIME_TEXT}).")


def _used(agreement: Agreement, effect: Effect) -> str:
    """Return the event name for the use of an agreement for an effect."""
    return idempotency_key("used", agreement.id, effect.digest)


def _declined(call: CallContext, effect: Effect) -> str:
    """Return the event name for a caller's refusal of an effect."""
    return idempotency_key("declined", call.auditor.caller, effect.digest)
