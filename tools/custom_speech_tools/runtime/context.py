"""The call that is being answered: what it asked for, what was decided on the way, and how long it may take."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import anyio
from mcp.server.mcpserver import Context

from custom_speech_tools.runtime.results import Finding

CALL_SECONDS = 48.0
"""The longest that a call takes, whatever the service does: clients give up after 60. A person who is
asked may take longer; that time does not count."""

PERSON_SECONDS = 600.0
"""The longest that a person is waited for; a yes holds no longer than that."""


@dataclass(slots=True)
class Call:
    """One call of a tool."""

    tool: str
    arguments: Mapping[str, Any]
    context: Context
    limit: anyio.CancelScope
    """Ends the call when its time is over."""
    started: float = field(default_factory=anyio.current_time)
    request: str | None = None
    """The digest of what is to happen once."""
    findings: tuple[Finding, ...] = ()
    confirmation: str | None = None
    """How a charge was agreed to."""
    yes: str = field(default_factory=lambda: str(uuid4()))
    """What tells the yes to a charge from every other one: the token, the question, or else the call itself."""
    sent: str | None = None
    """The last operation that was to change something."""
    _left: float | None = None

    async def says(self, message: str) -> None:
        """Tell a client that shows progress."""
        await self.context.report_progress(self.elapsed(), None, message)

    def elapsed(self) -> float:
        """Seconds since the call came."""
        return anyio.current_time() - self.started

    def seconds_left(self) -> float:
        """How long the call may still take."""
        return self.limit.deadline - anyio.current_time()

    def waits_for_a_person(self) -> None:
        """Stop the clock of the call, and start that of the person."""
        self._left = self.seconds_left()
        self.limit.deadline = anyio.current_time() + PERSON_SECONDS

    def goes_on(self) -> None:
        """Let the clock of the call run again, where it was stopped."""
        if self._left is not None:
            self.limit.deadline = anyio.current_time() + self._left


_current: ContextVar[Call] = ContextVar("call")
_question: ContextVar[str | None] = ContextVar("question", default=None)


def answers(question: str) -> None:
    """The call to come holds the answer to this question, which no other question is like."""
    _question.set(question)


def question() -> str | None:
    """The question that the call holds an answer to, None where its client is yet to be asked."""
    return _question.get()


def begin(call: Call) -> None:
    """From here on this task answers the call."""
    _current.set(call)


def current() -> Call:
    """The call that this task answers."""
    return _current.get()
