"""The context of a tool call: configured resources, operator settings, the client and the time limit."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import anyio

from custom_speech_data.file_access import FileState
from custom_speech_data.transcription_results import Transcript
from custom_speech_tools.runtime.agreements import ConfirmationPolicy
from custom_speech_tools.runtime.calling_client import CallClient
from custom_speech_tools.runtime.change_control import Audit, CallAuditor, CallObserver, Decision
from custom_speech_tools.runtime.client_time_limits import ClientTimeLimits
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import IdempotentExecutor
from custom_speech_tools.runtime.results import block
from custom_speech_tools.speech import Attempt, Speech
from custom_speech_tools.speech.sanitize import quote

DEFAULT_MAX_WAIT = 45  # seconds that a call waits at most, unless the operator sets another limit

# The time limit of a call at the default `--max-wait`, in seconds: many clients give up after 60 s. Time in which the
# user is asked is not counted.
CALL_SECONDS = 48.0

Key = TypeVar("Key")
Value = TypeVar("Value")


def add_to_cache(cache: dict[Key, Value], key: Key, value: Value, max_entries: int) -> None:
    """Store a value, and drop the oldest entries beyond the limit. Threads may call this concurrently."""
    cache[key] = value
    if len(cache) > max_entries:
        for oldest in list(cache)[:-max_entries]:
            cache.pop(oldest, None)


@dataclass(frozen=True, slots=True)
class AppContext:
    """The configured resources, the operator's settings and the clock, shared by all calls."""

    resources: Mapping[str, Speech]  # by name, for reading only
    default: str  # the name of the default resource
    confirmation: ConfirmationPolicy
    idempotency: IdempotentExecutor
    audit: Audit
    observe: Callable[[Attempt], None] = lambda attempt: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    max_wait: int = DEFAULT_MAX_WAIT
    call_seconds: float = CALL_SECONDS  # the time limit of a call
    client_time_limits: ClientTimeLimits = field(default_factory=ClientTimeLimits)
    discover: Callable[[], Awaitable[str | None]] | None = None  # names the user's resources that are not configured
    missing_tools: frozenset[str] = frozenset()  # tools that this server does not offer, and does not suggest
    data_dirs: tuple[Path, ...] = ()  # folders from which local files may be read
    allows_local_files: bool = False  # True if the server runs on its user's machine
    configuration_error: str | None = None  # why nothing is configured and how to fix it; every tool returns it
    caller: str | None = None  # for the audit log, if the server does not authenticate
    # The words of datasets, by resource, id and dates of the dataset.
    training_words: dict[tuple[str, ...], frozenset[str]] = field(default_factory=dict)
    digests: dict[FileState, str] = field(default_factory=dict)  # of local recordings
    # Results of fast transcription by content and request, with which an unfinished folder is continued.
    transcribed: dict[str, Transcript] = field(default_factory=dict)
    is_read_only: bool = False  # True if the server changes nothing, including local files


@dataclass(slots=True)
class CallContext:
    """The context of one tool call."""

    app: AppContext
    client: CallClient
    scope: anyio.CancelScope  # cancels the call when its time is over
    started: float
    auditor: CallAuditor
    facts_since: float = field(default_factory=anyio.current_time)  # when the call began to read its facts

    def speech(self, name: str | None) -> Speech:
        """Return the named or the default resource for reading; raises Refused if the name is unknown."""
        name, resources = name or self.app.default, self.app.resources
        if name in resources:
            observer = CallObserver(self.auditor, None, self.report_progress, self.auditor.observe, self.seconds_left)
            return resources[name].observed_by(observer)
        message, fix = f"No Speech resource is called {quote(name)}.", f"Use one of: {', '.join(resources)}."
        missing = block("reference-found", message, fix)
        raise Refused("Nothing was done.", [missing], "Call again with the name of a configured resource.")

    def speech_of_all(self) -> list[Speech]:
        """Return every configured resource for reading."""
        return [self.speech(name) for name in self.app.resources]

    def writer(self, speech: Speech, decision: Decision) -> Speech:
        """Return a resource for making the change that a checked plan has decided on."""
        observe, progress = self.auditor.observe, self.report_progress
        return speech.observed_by(CallObserver(self.auditor, decision, progress, observe, self.seconds_left))

    def now(self, speech: Speech) -> datetime:
        """Return the current time according to the service's clock."""
        return speech.clock.to_service_time(self.app.now())

    async def report_progress(self, message: str, progress: float | None = None, total: float | None = None) -> None:
        """Send a progress notification, by default with the age of the call in seconds as progress."""
        await self.client.report_progress(self.elapsed() if progress is None else progress, total, message)

    def elapsed(self) -> float:
        """Return the seconds since the call arrived."""
        return anyio.current_time() - self.started

    def seconds_left(self) -> float:
        """Return the seconds until the time limit of the call."""
        return self.scope.deadline - anyio.current_time()

    @contextmanager
    def waiting_for_user(self) -> Iterator[None]:
        """Pause the time limit of the call while the user is asked."""
        left = self.seconds_left()
        self.scope.deadline = float("inf")
        try:
            yield
        finally:
            self.scope.deadline = anyio.current_time() + left
