"""The audit of tool calls: permission for changes, and records of the requests that were sent."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from pydantic import JsonValue

from custom_speech_data.file_access import reason_of
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Attempt, Change, NotAllowedError, RequestObserver, SpeechError
from custom_speech_tools.speech.sanitize import mask_address, mask_signature

Entry = dict[str, JsonValue]

_log = logging.getLogger(__name__)


class Audit:
    """The interface of audit logs; this base class records nothing."""

    def write(self, entry: Entry) -> None:
        """Store an entry permanently; raises OSError."""

    def unresolved(self) -> Mapping[str, float]:
        """Return the age of each request with an unknown outcome, in seconds, by idempotency key."""
        return {}

    def last_id(self, key: str) -> str | None:  # noqa: ARG002  # this class records nothing
        """Return the id of the entity that the last request with this idempotency key created, or None if unknown."""
        return None


@dataclass(slots=True)
class AgreementUse:
    """A use of an agreement for one change, as the audit log records it."""

    how: str  # how the agreement was given, for the audit log
    is_spent: bool = False  # another call has used the agreement already, so nothing more may be sent
    created_id: str | None = None  # the id of the entity that was created under the agreement


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of a checked plan to make a change."""

    findings: tuple[Finding, ...]
    key: str | None = None  # the idempotency key
    agreement: AgreementUse | None = None  # None if no agreement was needed


@dataclass(slots=True)
class CallAuditor:
    """The audit data of one tool call."""

    audit: Audit
    observe: Callable[[Attempt], None]  # reports attempts at requests to the server's telemetry
    tool: str
    arguments: Mapping[str, Any]  # as the client sent them
    caller: str | None = None  # None if the server does not authenticate
    last_change: str | None = None  # the last operation that was sent and may have changed something


@dataclass(frozen=True, slots=True)
class CallObserver(RequestObserver):
    """Observes the requests of a call to one resource, and permits no change without a decision."""

    auditor: CallAuditor
    decision: Decision | None
    report_progress: Callable[[str], Awaitable[None]]
    # These replace methods of the base class.
    attempted: Callable[[Attempt], None]
    seconds_left: Callable[[], float]

    async def waiting(self, seconds: float, reason: str) -> None:
        """Report a pause before a retry as progress."""
        await self.report_progress(f"{reason} Asking again in {seconds:.0f} s.")

    @contextmanager
    def change(self, resource: str, operation: str) -> Iterator[Change]:
        """Record a change before its request is sent, and record its outcome afterwards.

        Raises:
            NotAllowedError: No checked plan decided on the change, its agreement was used before, or the change
                cannot be recorded.
        """
        auditor, decision, not_sent = self.auditor, self.decision, f"so {operation} was not sent to {resource}."
        if decision is None:
            raise NotAllowedError(f"{auditor.tool} may not change anything, {not_sent}")
        agreed = decision.agreement
        if agreed and agreed.is_spent:
            used = "Another call has just used the same agreement"
            raise NotAllowedError(f"{used}, {not_sent} Call again without confirm.")
        entry: Entry = {"tool": auditor.tool, "caller": auditor.caller, "resource": resource}
        entry |= {"operation": operation, "request": decision.key}
        arguments = {name: _for_audit(name, value) for name, value in auditor.arguments.items() if name != "confirm"}
        findings: list[JsonValue] = [f"{one.level} {one.rule}: {one.message}" for one in decision.findings]
        decided: Entry = {"arguments": arguments, "findings": findings, "confirmation": agreed.how if agreed else None}
        try:
            auditor.audit.write(entry | {"event": "sends"} | decided)
        except OSError as error:
            raise NotAllowedError(f"The audit file cannot be written ({reason_of(error)}), {not_sent}") from None
        auditor.last_change = operation
        change, outcome = Change(), "interrupted"
        problem: str | None = None
        try:
            yield change
            outcome = "done"
            if agreed:
                agreed.created_id = change.id
        except SpeechError as error:
            outcome, problem = "unknown" if error.outcome_unknown else "not done", str(error)
            raise
        finally:
            if outcome == "interrupted":
                interrupted = (operation, auditor.tool, resource)
                _log.warning("%s of %s on %s was interrupted: it may have been carried out", *interrupted)
            try:
                auditor.audit.write(entry | {"event": "ended", "id": change.id, "outcome": outcome, "error": problem})
            except OSError as error:  # the request was sent; only the next request can be stopped
                _log.error("The audit could not be written: %s", error)


def _for_audit(name: str, value: Any) -> JsonValue:
    """Return an argument for the audit log: URLs without secrets, and lines of text as a digest."""
    if isinstance(value, list) and name == "lines":
        text = "\n".join(map(str, value)).encode(errors="replace")
        return {"count": len(value), "sha256": hashlib.sha256(text).hexdigest()}
    if not isinstance(value, str):
        return cast(JsonValue, value)
    return mask_address(value) if name == "content_url" else mask_signature(value)
