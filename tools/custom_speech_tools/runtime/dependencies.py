"""Dependencies that the server provides to every call."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from custom_speech_data.transcripts import Transcript
from custom_speech_tools.runtime.agreement import ConfirmationPolicy
from custom_speech_tools.runtime.auditing import Audit
from custom_speech_tools.runtime.client_waits import ClientWaits
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import IdempotentExecutor
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Attempt, Speech
from custom_speech_tools.speech.sanitize import quote

DEFAULT_MAX_WAIT = 45
"""Seconds that a call waits at most, unless the operator says otherwise."""


@dataclass(frozen=True, slots=True)
class AppContext:
    """The configured resources, the operator's decisions, and the sources of time.

    Attributes:
        resources: Every configured resource by name; these may only be read from.
        default: The name of the default resource.
        missing_tools: Tools that this server does not offer, so that nothing suggests them.
        discover: Says which resources of the user are not configured; None if that was not requested.
        data_dirs: Folders from which local files may be read.
        allows_local_files: Whether the server runs on its user's machine.
        training_words: Words of datasets that were read before, by resource, id and dates of the dataset.
        transcribed: Results of fast transcriptions by the digest of content and request, so that a folder that was not
            finished goes on where it stopped.
        is_read_only: Whether the server changes nothing, local files included.
        caller: Who calls where nobody is authenticated, for the audit log.
        configuration_error: Why nothing is configured, and how to fix it; every tool answers with it.
    """

    resources: Mapping[str, Speech]
    default: str
    confirmation: ConfirmationPolicy
    idempotency: IdempotentExecutor
    audit: Audit
    observe: Callable[[Attempt], None] = lambda attempt: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    max_wait: int = DEFAULT_MAX_WAIT
    client_waits: ClientWaits = field(default_factory=ClientWaits)
    discover: Callable[[], Awaitable[str | None]] | None = None
    missing_tools: frozenset[str] = frozenset()
    data_dirs: tuple[Path, ...] = field(default=())
    allows_local_files: bool = False
    configuration_error: str | None = None
    caller: str | None = None
    training_words: dict[tuple[str, ...], frozenset[str]] = field(default_factory=dict)
    transcribed: dict[str, Transcript] = field(default_factory=dict)
    is_read_only: bool = False

    def resource(self, name: str | None) -> Speech:
        """Return the resource of that name, or the default one.

        Raises:
            Refused: No resource has that name.
        """
        name = name or self.default
        if name in self.resources:
            return self.resources[name]
        missing = Finding(
            rule="reference-found",
            level="block",
            message=f"No Speech resource is called {quote(name)}.",
            fix=f"Use one of: {', '.join(self.resources)}.",
        )
        raise Refused("Nothing was done.", [missing], "Call again with the name of a configured resource.")
