"""Elicitation and progress notifications through the calling MCP client."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import uuid4

import anyio
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolRequestParams, ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult

from custom_speech_tools.runtime.agreements import CONFIRMATION_LIFETIME, LIFETIME_TEXT

WRITE_SCOPE = "speech.write"  # required of an authenticated caller for changes

_STATELESS_SINCE = "2026-07-28"  # since this protocol version, the answer to a question arrives with a second call
_MAX_ROUNDS = 2  # without an answer, after which the client counts as unable to ask

_QUESTION = "confirm"
_FORM = {
    "type": "object",
    "properties": {"agree": {"type": "boolean", "title": "I agree", "description": "Agree to this"}},
    "required": ["agree"],
}


@dataclass(frozen=True, slots=True)
class ElicitationAnswer:
    """The user's answer: `failed` if the client could not ask, `unanswered` if the user did not respond in time."""

    outcome: Literal["agreed", "declined", "failed", "unanswered"]
    how: str = ""  # how the user agreed, for the audit log; for `failed` and `unanswered` the text for the assistant
    id: str = ""  # a random id


_FAILED = ElicitationAnswer("failed", "The client could not ask its user.")
_UNANSWERED = ElicitationAnswer(
    "unanswered", f"The user did not answer within {LIFETIME_TEXT}. Call again, so that they are asked again."
)


class CallClient(Protocol):
    """The interface of the calling client."""

    @property
    def can_ask(self) -> bool:
        """True if the client can ask its user."""

    @property
    def may_write(self) -> bool:
        """True if the caller may change anything."""

    @property
    def answer(self) -> str | None:
        """The id of the answer that arrived with the call, or None."""

    async def ask(self, question: str, effects: str, now: datetime) -> ElicitationAnswer:
        """Ask the user to agree to the effects with a digest; raises InputRequired if the client must call again."""

    async def report_progress(self, done: float, total: float | None, message: str) -> None:
        """Send a progress notification."""


class InputRequired(Exception):  # the SDK's word for a question to the client, not an error
    """The client must ask the question in `result` and call again with the answer (protocol 2026-07-28 and later)."""

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__("input required")
        self.result = result


@dataclass(frozen=True, slots=True)
class MCPClient:
    """The MCP client that made a call."""

    request: ServerRequestContext[Any, Any]
    params: CallToolRequestParams  # with the answers to earlier questions
    caller: str | None  # to whom the answer to a question is bound
    may_write: bool = True

    @property
    def can_ask(self) -> bool:
        """True if the client can show a form to its user."""
        capabilities = self.request.session.client_capabilities
        elicitation = capabilities.elicitation if capabilities else None
        if elicitation is None or (elicitation.form is None and elicitation.url is not None):
            return False
        return self.request.protocol_version >= _STATELESS_SINCE or self.request.session.can_send_request

    @property
    def answer(self) -> str | None:
        """The id of the answer that arrived with this call (protocol 2026-07-28 and later)."""
        state = _state_of(self.params)
        return str(state["id"]) if state else None

    async def ask(self, question: str, effects: str, now: datetime) -> ElicitationAnswer:
        """Ask the user and wait, or take the answer from this call; raises InputRequired if the call has no answer."""
        if self.request.protocol_version < _STATELESS_SINCE:
            with anyio.move_on_after(CONFIRMATION_LIFETIME.total_seconds()):
                try:
                    result = await self.request.session.elicit_form(
                        message=question, requested_schema=_FORM, related_request_id=self.request.request_id
                    )
                except (
                    MCPError,
                    ValueError,
                ):  # clients without a handler, or with an answer of another form
                    return _FAILED
                return _parse_answer(result, str(uuid4()))
            return _UNANSWERED
        bound = {"effects": effects, "caller": self.caller}
        state = _state_of(self.params)
        if state is None or {name: state.get(name) for name in bound} != bound:
            raise _input_required(question, bound | {"id": str(uuid4()), "asked": now.isoformat(), "round": 1})
        response = (self.params.input_responses or {}).get(_QUESTION)
        if response is None and state["round"] < _MAX_ROUNDS:
            raise _input_required(question, {**state, "round": state["round"] + 1})
        if now - datetime.fromisoformat(state["asked"]) > CONFIRMATION_LIFETIME:
            return _UNANSWERED
        return _parse_answer(response, state["id"])

    async def report_progress(self, done: float, total: float | None, message: str) -> None:
        """Send a progress notification."""
        await self.request.session.report_progress(done, total, message)


def _parse_answer(result: object, identifier: str) -> ElicitationAnswer:
    """Parse the client's result; only the boolean true counts as agreement."""
    if not isinstance(result, ElicitResult):
        return _FAILED
    agree = (result.content or {}).get("agree")
    if result.action != "accept" or agree is False:
        return ElicitationAnswer("declined")
    return ElicitationAnswer("agreed", "by asking the user", identifier) if agree is True else _FAILED


def _input_required(question: str, state: Mapping[str, object]) -> InputRequired:
    request = ElicitRequest(params=ElicitRequestFormParams(message=question, requested_schema=_FORM))
    return InputRequired(InputRequiredResult(input_requests={_QUESTION: request}, request_state=json.dumps(state)))


def _state_of(params: CallToolRequestParams) -> dict[str, Any] | None:
    """Return the request state from an earlier round of the call, or None. The SDK has verified its signature."""
    try:
        state = json.loads(params.request_state or "null")
    except ValueError:
        return None
    return state if isinstance(state, dict) and {"id", "asked", "effects", "round"} <= state.keys() else None
