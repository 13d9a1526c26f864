"""The client of a call: how it asks its user, and how it is told about progress."""

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

from custom_speech_tools.runtime.confirmation_policy import CONFIRMATION_LIFETIME

WRITE_SCOPE = "speech.write"  # without it an authenticated caller may only read

_STATELESS_SINCE = "2026-07-28"  # since this protocol version a question is answered by a second call
_MAX_ROUNDS = 2  # after as many without any answer a client counts as unable to ask

_QUESTION = "confirm"
_FORM = {
    "type": "object",
    "properties": {"agree": {"type": "boolean", "title": "I agree", "description": "Agree to this"}},
    "required": ["agree"],
}


@dataclass(frozen=True, slots=True)
class ElicitationAnswer:
    """The user's answer to a question: `failed` if the client could not ask, `unanswered` if nobody was there."""

    outcome: Literal["agreed", "declined", "failed", "unanswered"]
    how: str = ""  # how the user agreed, for the audit log; else what to say about the outcome
    id: str = ""  # tells the answer from every other one


_FAILED = ElicitationAnswer("failed", "The client could not ask its user.")
_UNANSWERED = ElicitationAnswer(
    "unanswered", "The user did not answer within ten minutes. Call again, so that they are asked again."
)


class CallClient(Protocol):
    """The connection to the caller."""

    @property
    def can_ask(self) -> bool:
        """True if the client says that it can ask its user."""

    @property
    def may_write(self) -> bool:
        """True if the caller may change anything."""

    @property
    def answer(self) -> str | None:
        """The id of the answer that came with the call; an entity made on it exists already."""

    async def ask(self, question: str, effects: str, now: datetime) -> ElicitationAnswer:
        """Ask the user to agree to effects, given by the digest that the answer is bound to; raises InputRequired."""

    async def report_progress(self, done: float, total: float | None, message: str) -> None:
        """Tell clients that show progress."""


class InputRequired(Exception):  # not an error: the SDK's word for a question to the client
    """The client is to ask the question in `result`, and to call again with the answer (since 2026-07-28)."""

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__("input required")
        self.result = result


def user_of(request: ServerRequestContext[Any, Any]) -> object:
    """Return the authenticated user of a request, or None if the server does not authenticate."""
    return request.request.scope.get("user") if request.request else None


@dataclass(frozen=True, slots=True)
class MCPClient:
    """A client that called over MCP."""

    request: ServerRequestContext[Any, Any]
    params: CallToolRequestParams  # with the answers to earlier questions
    caller: str | None  # the answer to a question is bound to them

    @property
    def can_ask(self) -> bool:
        """True if the client says that it can show a form to its user."""
        capabilities = self.request.session.client_capabilities
        elicitation = capabilities.elicitation if capabilities else None
        if elicitation is None or (elicitation.form is None and elicitation.url is not None):
            return False
        return self.request.protocol_version >= _STATELESS_SINCE or self.request.session.can_send_request

    @property
    def may_write(self) -> bool:
        """True if the caller may change anything."""
        scopes = getattr(user_of(self.request), "scopes", None)
        return scopes is None or WRITE_SCOPE in scopes

    @property
    def answer(self) -> str | None:
        """The id of the answer that came with the call, since 2026-07-28."""
        state = _state_of(self.params)
        return str(state["id"]) if state else None

    async def ask(self, question: str, effects: str, now: datetime) -> ElicitationAnswer:
        """Ask the user and wait for the answer, or take it from this call; raises InputRequired if it is not there."""
        if self.request.protocol_version >= _STATELESS_SINCE:
            return self._answer_of_second_call(question, effects, now)
        with anyio.move_on_after(CONFIRMATION_LIFETIME.total_seconds()):
            try:
                result = await self.request.session.elicit_form(
                    message=question, requested_schema=_FORM, related_request_id=self.request.request_id
                )
            except (MCPError, ValueError):  # clients announce elicitation and have no handler, or answer nonsense
                return _FAILED
            return _parse_answer(result, str(uuid4()))
        return _UNANSWERED

    async def report_progress(self, done: float, total: float | None, message: str) -> None:
        """Tell clients that show progress."""
        await self.request.session.report_progress(done, total, message)

    def _answer_of_second_call(self, question: str, effects: str, now: datetime) -> ElicitationAnswer:
        asked = {"effects": effects, "caller": self.caller}
        state = _state_of(self.params)
        if state is None or {name: state.get(name) for name in asked} != asked:
            raise _input_required(question, asked | {"id": str(uuid4()), "asked": now.isoformat(), "round": 1})
        result = (self.params.input_responses or {}).get(_QUESTION)
        if result is None and state["round"] < _MAX_ROUNDS:
            raise _input_required(question, {**state, "round": state["round"] + 1})
        if now - datetime.fromisoformat(state["asked"]) > CONFIRMATION_LIFETIME:
            return _UNANSWERED
        return _parse_answer(result, state["id"])


def _parse_answer(result: object, identifier: str) -> ElicitationAnswer:
    """Return the answer in the client's result; only the boolean true is agreement."""
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
    """Return the state that an earlier round of this call kept; the SDK has verified its signature."""
    try:
        state = json.loads(params.request_state or "null")
    except ValueError:
        return None
    return state if isinstance(state, dict) and {"id", "asked", "effects", "round"} <= state.keys() else None
