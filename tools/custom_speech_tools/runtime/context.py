"""The call that is being answered: its resources, its time limit, and its way to the client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import anyio

from custom_speech_tools.runtime.auditing import CallAuditor, Decision
from custom_speech_tools.runtime.client import CallClient
from custom_speech_tools.runtime.dependencies import AppContext
from custom_speech_tools.speech import Speech

CALL_SECONDS = 48.0
"""The longest that a call takes, whatever the service does, at the default `--max-wait`: many clients give up after
60 s. Time in which the user is asked is not counted."""

_CALL_MARGIN = 3.0
"""Seconds that a call may take beyond the longest wait."""


def call_seconds(max_wait: int) -> float:
    """Return the longest that a call may take, given the operator's longest wait."""
    return max(CALL_SECONDS, max_wait + _CALL_MARGIN)


@dataclass(slots=True)
class CallContext:
    """One call of a tool.

    Attributes:
        app: What the server provides.
        client: The way to whoever called.
        scope: Ends the call when its time is over.
    """

    app: AppContext
    client: CallClient
    scope: anyio.CancelScope
    started: float
    auditor: CallAuditor

    @property
    def caller(self) -> str | None:
        """The caller, None if the server does not know it."""
        return self.auditor.caller

    def speech(self, resource: str | None) -> Speech:
        """Return a configured resource, for reading.

        Raises:
            Refused: No resource has that name.
        """
        return self.app.resource(resource).observed_by(self.auditor.reading(self))

    def speech_of_all(self) -> list[Speech]:
        """Return every configured resource, for reading."""
        return [self.speech(name) for name in self.app.resources]

    def writer(self, speech: Speech, decision: Decision) -> Speech:
        """Return the resource for changing what a checked plan decided."""
        return speech.observed_by(self.auditor.writing(self, decision))

    def now(self, speech: Speech) -> datetime:
        """Return the service's time."""
        return speech.clock.to_service_time(self.app.now())

    async def report_progress(self, message: str, progress: float | None = None, total: float | None = None) -> None:
        """Tell clients that show progress."""
        done = self.elapsed() if progress is None else progress
        await self.client.report_progress(done, total, message)

    def elapsed(self) -> float:
        """Return the seconds since the call arrived."""
        return anyio.current_time() - self.started

    def seconds_left(self) -> float:
        """Return how long the call may still take."""
        return self.scope.deadline - anyio.current_time()

    @contextmanager
    def waiting_for_user(self) -> Iterator[None]:
        """Stop the clock of the call while the user is asked; whoever asks sets the limit."""
        left = self.seconds_left()
        self.scope.deadline = float("inf")
        try:
            yield
        finally:
            self.scope.deadline = anyio.current_time() + left
