"""Carrying out a plan that the user has to agree to."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

import anyio

from custom_speech_tools.runtime.confirmation import (
    MAX_FACTS_AGE,
    Confirmation,
    ConfirmationRequest,
    is_needed,
    obtain_confirmation,
)
from custom_speech_tools.runtime.results import Finding

if TYPE_CHECKING:
    from custom_speech_tools.runtime.context import CallContext


class ConfirmablePlan(Protocol):
    """A plan that nothing blocks."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that the rules stated."""
        ...

    @property
    def read_at(self) -> float:
        """When the facts were read (`anyio.current_time`)."""
        ...

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        ...


Plan = TypeVar("Plan", bound=ConfirmablePlan)


async def confirmed_plan(
    call: "CallContext", token: str | None, make_plan: Callable[[], Awaitable[Plan]]
) -> tuple[Plan, Confirmation]:
    """Return the plan with the user's agreement, made again where its facts are old by then.

    Args:
        token: The `confirm` argument.

    Raises:
        Refused: A rule blocks the plan, the user did not agree, or the plan has changed since they were asked.
    """
    plan = await make_plan()
    question = plan.confirmation_request()
    confirmation = await obtain_confirmation(call, question, token, is_needed=is_needed(plan.findings))
    if anyio.current_time() - plan.read_at > MAX_FACTS_AGE:
        plan = await make_plan()
        call.app.confirmation.require_same_effect(question, plan.confirmation_request().effect)
    call.app.confirmation.require_unused(question, confirmation.id)
    return plan, confirmation
