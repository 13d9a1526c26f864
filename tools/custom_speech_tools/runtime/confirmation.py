"""The user's agreement to charges and deletions: by token, by asking, or by the operator's policy.

The order is fixed (design, "Confirmation"): a valid token is accepted; else a client that can ask its user is asked;
where asking is impossible or fails, the call is refused with all findings and a token.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import anyio
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult

from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.results import Finding

if TYPE_CHECKING:
    from custom_speech_tools.runtime.context import CallContext

CONFIRMATION_LIFETIME = timedelta(minutes=10)
"""Lifetime of a token, and of the user's answer to a question."""

MAX_FACTS_AGE = 2.0
"""Seconds after which facts are read again before a change."""

_STATELESS_SINCE = "2026-07-28"
"""The protocol version since which a question is answered by a second call."""

_QUESTION = "confirm"
_FORM = {
    "type": "object",
    "properties": {"agree": {"type": "boolean", "title": "I agree", "description": "Agree to this"}},
    "required": ["agree"],
}


@dataclass(frozen=True, slots=True)
class ConfirmationPolicy:
    """The operator's policy for obtaining agreement.

    Attributes:
        mode: `ask`, or `never` where the operator agreed to everything in advance.
        agreed_by: How the operator agreed in advance, for the audit log.
        key: Signs tokens; shared by all processes that accept them.
        used: When a confirmation was used, so that each is used once.
    """

    mode: Literal["ask", "never"]
    key: bytes = field(repr=False)
    agreed_by: str = "by the policy --confirm never"
    used: dict[str, datetime] = field(default_factory=dict, repr=False)

    def issue_token(self, effect: str, now: datetime) -> str:
        """Return a token for exactly this effect."""
        end = str(int((now + CONFIRMATION_LIFETIME).timestamp()))
        return f"{end}-{self._sign(end, effect)}"

    def is_valid(self, token: str, effect: str, now: datetime) -> bool:
        """Return whether the token was issued for this effect and has not expired."""
        end, _, signature = token.partition("-")
        is_genuine = hmac.compare_digest(signature.encode(), self._sign(end, effect).encode())
        return is_genuine and end.isdecimal() and now.timestamp() <= int(end)

    def mark_used(self, confirmation_id: str, now: datetime) -> None:
        """Note that a confirmation was used, and forget those that have expired."""
        for old in [old for old, when in self.used.items() if now - when > CONFIRMATION_LIFETIME]:
            del self.used[old]
        self.used[confirmation_id] = now

    def require_unused(self, request: "ConfirmationRequest", confirmation_id: str) -> None:
        """Require that a confirmation has not been used in this process.

        Raises:
            Refused: It has been used; what it made is not there any more.
        """
        if confirmation_id in self.used:
            raise _invalid(request, "This agreement has been used already, and what it created no longer exists.")

    def require_same_effect(self, request: "ConfirmationRequest", effect: str) -> None:
        """Require that the facts, read again, lead to the effect that the user agreed to.

        Raises:
            Refused: The effect has changed since.
        """
        if effect != request.effect:
            raise _invalid(request, "What the user agreed to has changed since they were asked.")

    def _sign(self, end: str, effect: str) -> str:
        return hmac.new(self.key, f"{end}:{effect}".encode(), hashlib.sha256).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """A question that the user has to agree to.

    Attributes:
        effect: The exact effect: resolved ids and what the price depends on; a token is bound to it.
        question: What the user reads: the cost first, then every name, quoted.
        findings: Everything the rules stated, among it at least one finding of level `confirm`.
        not_done: What did not happen where the user does not agree, such as "Nothing was created."
        declined: What to do where the user declines.
    """

    effect: str
    question: str
    findings: tuple[Finding, ...]
    not_done: str
    declined: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The user's agreement: `id` tells it from every other one, `how` is recorded in the audit."""

    id: str
    how: str | None


class InputRequired(Exception):  # not an error: the SDK's word for a question to the client
    """The call is answered with a question; its answer comes with a second call (since 2026-07-28)."""

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__("input required")
        self.result = result


async def obtain_confirmation(
    call: "CallContext", request: ConfirmationRequest, token: str | None, *, is_needed: bool
) -> Confirmation:
    """Return the user's agreement.

    Args:
        token: The `confirm` argument.
        is_needed: Whether the request has a finding of level `confirm`; otherwise no agreement is needed.

    Raises:
        Refused: The user declined, or cannot be asked.
        InputRequired: The client is to ask its user.
    """
    policy, now = call.app.confirmation, call.app.now()
    if not is_needed:
        is_policy = any(finding.rule.endswith("-is-charged") for finding in request.findings)
        return Confirmation(str(uuid4()), policy.agreed_by if is_policy else "not charged")
    if token and policy.is_valid(token, request.effect, now):
        return Confirmation(token, "by token")
    answer = await _ask(call, request) if can_ask(call) else None
    if answer is not None:
        return answer
    problem = "The confirm token has expired, or is not for these arguments. " if token else ""
    fresh = policy.issue_token(request.effect, now)
    then = f'{problem}Ask your user; once they agree, repeat the call with the same arguments and confirm="{fresh}"'
    raise Refused(request.not_done, request.findings, f"{then} (valid for 10 minutes).")


def can_ask(call: "CallContext") -> bool:
    """Return whether the client says that it can show a form to its user."""
    capabilities = call.request.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return _is_stateless(call) or call.request.session.can_send_request


def _is_stateless(call: "CallContext") -> bool:
    return call.request.protocol_version >= _STATELESS_SINCE


async def _ask(call: "CallContext", request: ConfirmationRequest) -> Confirmation | None:
    """Ask the user; None where the client could not."""
    if _is_stateless(call):
        state = _state_of(call)
        if state is None or state.get("effect") != _digest(request.effect):
            raise InputRequired(_question(call, request))
        result: Any = (call.params.input_responses or {}).get(_QUESTION)
        asked, identifier = datetime.fromisoformat(str(state["asked"])), str(state["id"])
    else:
        asked, identifier = call.app.now(), str(uuid4())
        with call.waiting_for_user():
            result = await _elicit(call, request)
    if not isinstance(result, ElicitResult):
        return None
    if result.action != "accept":
        raise _declined(request, "The user did not agree.")
    if (result.content or {}).get("agree") is not True:
        if result.content and "agree" in result.content:
            raise _declined(request, "The user did not agree: only the boolean true is agreement.")
        return None
    if call.app.now() - asked > CONFIRMATION_LIFETIME:
        raise _declined(request, "The answer came more than ten minutes after the question.")
    return Confirmation(identifier, "by asking the user")


async def _elicit(call: "CallContext", request: ConfirmationRequest) -> ElicitResult | None:
    with anyio.move_on_after(CONFIRMATION_LIFETIME.total_seconds()):
        try:
            answer: ElicitResult = await call.request.session.elicit_form(
                message=request.question, requested_schema=_FORM, related_request_id=call.request.request_id
            )
            return answer
        except (MCPError, ValueError):  # clients announce elicitation and have no handler, or answer nonsense
            return None
    return None


def _question(call: "CallContext", request: ConfirmationRequest) -> InputRequiredResult:
    form = ElicitRequestFormParams(message=request.question, requested_schema=_FORM)
    state = {"id": str(uuid4()), "asked": call.app.now().isoformat(), "effect": _digest(request.effect)}
    return InputRequiredResult(input_requests={_QUESTION: ElicitRequest(params=form)}, request_state=json.dumps(state))


def _state_of(call: "CallContext") -> dict[str, Any] | None:
    """Return what an earlier round of this call kept; the SDK has verified its seal."""
    try:
        state = json.loads(call.params.request_state or "null")
    except ValueError:
        return None
    return state if isinstance(state, dict) and {"id", "asked", "effect"} <= state.keys() else None


def _invalid(request: ConfirmationRequest, why: str) -> Refused:
    rule = next((finding.rule for finding in request.findings if finding.level == "confirm"), "confirmation")
    finding = Finding(rule=rule, level="confirm", message=why, fix="The user has to be asked again.")
    return Refused(request.not_done, [finding], "Call again with the same arguments, without confirm.")


def _declined(request: ConfirmationRequest, why: str) -> Refused:
    rule = next((finding.rule for finding in request.findings if finding.level == "confirm"), "confirmation")
    finding = Finding(rule=rule, level="confirm", message=why, fix=request.declined)
    return Refused(request.not_done, [finding], "Do not repeat the call unless the user asks for it.")


def _digest(effect: str) -> str:
    return hashlib.sha256(effect.encode()).hexdigest()


def is_needed(findings: Sequence[Finding]) -> bool:
    """Return whether the user has to agree."""
    return any(finding.level == "confirm" for finding in findings)
