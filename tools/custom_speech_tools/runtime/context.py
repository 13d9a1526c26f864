"""The context of a call: the configured resources, the operator's decisions, its time limit and its client."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import anyio

from custom_speech_data.content import FileState
from custom_speech_data.transcripts import Transcript
from custom_speech_tools.runtime.change_audit import Audit, CallAuditor, CallObserver, Decision
from custom_speech_tools.runtime.client_time_limits import ClientTimeLimits
from custom_speech_tools.runtime.confirmation_policy import ConfirmationPolicy
from custom_speech_tools.runtime.elicitation import CallClient
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import IdempotentExecutor
from custom_speech_tools.runtime.results import block
from custom_speech_tools.speech import Attempt, Speech
from custom_speech_tools.speech.sanitize import quote

DEFAULT_MAX_WAIT = 45  # seconds that a call waits at most, unless the operator says otherwise

# The longest that a call takes, whatever the service does, at the default `--max-wait`: many clients give up after
# 60 s. Time in which the user is asked is not counted.
CALL_SECONDS = 48.0

Key = TypeVar("Key")
Value = TypeVar("Value")


def add_to_cache(memory: dict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Keep a value, and drop the oldest beyond the limit; threads may do so at the same time."""
    memory[key] = value
    if len(memory) > most:
        for oldest in list(memory)[:-most]:
            memory.pop(oldest, None)


@dataclass(frozen=True, slots=True)
class AppContext:
    """The configured resources, the operator's decisions, and the sources of time."""

    resources: Mapping[str, Speech]  # every one by name; these may only be read from
    default: str  # the name of the default resource
    confirmation: ConfirmationPolicy
    idempotency: IdempotentExecutor
    audit: Audit
    observe: Callable[[Attempt], None] = lambda attempt: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    max_wait: int = DEFAULT_MAX_WAIT
    client_time_limits: ClientTimeLimits = field(default_factory=ClientTimeLimits)
    discover: Callable[[], Awaitable[str | None]] | None = None  # says which resources of the user are not configured
    missing_tools: frozenset[str] = frozenset()  # that this server does not offer, so that nothing suggests them
    data_dirs: tuple[Path, ...] = ()  # from which local files may be read
    allows_local_files: bool = False  # True if the server runs on its user's machine
    configuration_error: str | None = None  # why nothing is configured, and how to fix it: the answer of every tool
    caller: str | None = None  # for the audit log, if nobody is authenticated
    # Words of datasets that were read before, by resource, id and dates of the dataset.
    training_words: dict[tuple[str, ...], frozenset[str]] = field(default_factory=dict)
    digests: dict[FileState, str] = field(default_factory=dict)  # of local recordings
    # Results of fast transcription by content and request: an unfinished folder goes on from there.
    transcribed: dict[str, Transcript] = field(default_factory=dict)
    is_read_only: bool = False  # True if the server changes nothing, local files included

    def resource(self, name: str | None) -> Speech:
        """Return the resource of that name, or the default one; raises Refused if no resource has that name."""
        name = name or self.default
        if name in self.resources:
            return self.resources[name]
        message, fix = f"No Speech resource is called {quote(name)}.", f"Use one of: {', '.join(self.resources)}."
        missing = block("reference-found", message, fix)
        raise Refused("Nothing was done.", [missing], "Call again with the name of a configured resource.")


def call_seconds(max_wait: int) -> float:
    """Return the longest that a call may take, given the operator's longest wait."""
    return max(CALL_SECONDS, max_wait + 3.0)


@dataclass(slots=True)
class CallContext:
    """One call of a tool."""

    app: AppContext
    client: CallClient
    scope: anyio.CancelScope  # ends the call when its time is over
    started: float
    auditor: CallAuditor
    facts_since: float = field(default_factory=anyio.current_time)  # when reading its facts began

    @property
    def caller(self) -> str | None:
        """The caller, None if the server does not know it."""
        return self.auditor.caller

    def speech(self, resource: str | None) -> Speech:
        """Return a configured resource, for reading; raises Refused if no resource has that name."""
        return self.app.resource(resource).observed_by(CallObserver(self.auditor, self))

    def speech_of_all(self) -> list[Speech]:
        """Return every configured resource, for reading."""
        return [self.speech(name) for name in self.app.resources]

    def writer(self, speech: Speech, decision: Decision) -> Speech:
        """Return the resource for changing what a checked plan decided."""
        return speech.observed_by(CallObserver(self.auditor, self, decision))

    def now(self, speech: Speech) -> datetime:
        """Return the service's time."""
        return speech.clock.to_service_time(self.app.now())

    async def report_progress(self, message: str, progress: float | None = None, total: float | None = None) -> None:
        """Tell clients that show progress."""
        await self.client.report_progress(self.elapsed() if progress is None else progress, total, message)

    def elapsed(self) -> float:
        """Return the seconds since the call arrived."""
        return anyio.current_time() - self.started

    def seconds_left(self) -> float:
        """Return how long the call may still take."""
        return self.scope.deadline - anyio.current_time()

    @contextmanager
    def waiting_for_user(self) -> Iterator[None]:
        """Stop the clock of the call while the user is asked; the question has its own limit."""
        left = self.seconds_left()
        self.scope.deadline = float("inf")
        try:
            yield
        finally:
            self.scope.deadline = anyio.current_time() + left
