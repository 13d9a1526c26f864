"""Records of a call's requests, and the decision which of them may be sent at all."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from pydantic import JsonValue

from custom_speech_data.content import reason_of
from custom_speech_tools.runtime.polling import RunningCall
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Attempt, Change, NotAllowedError, RequestObserver, SpeechError
from custom_speech_tools.speech.sanitize import mask_address, mask_signature

Entry = dict[str, JsonValue]

_log = logging.getLogger(__name__)


class Audit:
    """Keeps what the server changed; this one keeps nothing."""

    def write(self, entry: Entry) -> None:
        """Keep an entry for good; raises OSError."""

    def unresolved(self) -> Mapping[str, float]:
        """Return how many seconds ago requests were sent whose outcome is not known, by idempotency key."""
        return {}

    def last_id(self, key: str) -> str | None:  # noqa: ARG002  # this one has none
        """Return the id of what the last request with this idempotency key has made, None if none is recorded."""
        return None


@dataclass(slots=True)
class AgreementUse:
    """The agreement to a change as the audit log has it, and whether it has been used."""

    how: str  # for the audit log
    is_spent: bool = False  # another call has carried out what they agreed to, so nothing more may be sent
    created_id: str | None = None  # the id of what was made on it


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of a checked plan to change something."""

    findings: tuple[Finding, ...]
    key: str | None = None  # its idempotency key
    confirmation: AgreementUse | None = None  # None if no agreement was needed


@dataclass(slots=True)
class CallAuditor:
    """Records the requests of one call; `arguments` are as the client sent them."""

    audit: Audit
    observe: Callable[[Attempt], None]
    tool: str
    arguments: Mapping[str, Any]
    caller: str | None = None  # None if the server does not authenticate
    last_change: str | None = None  # the last operation that was sent and may have changed something


@dataclass(frozen=True, slots=True)
class CallObserver(RequestObserver):
    """Observes the requests to one resource on behalf of a call; it permits no change without a decision."""

    auditor: CallAuditor
    call: RunningCall
    decision: Decision | None = None

    def seconds_left(self) -> float:
        """Return how long the call may still take."""
        return self.call.seconds_left()

    def attempted(self, attempt: Attempt) -> None:
        """Pass the attempt on to the server's telemetry."""
        self.auditor.observe(attempt)

    async def waiting(self, seconds: float, reason: str) -> None:
        """Report the pause as progress."""
        await self.call.report_progress(f"{reason} Asking again in {seconds:.0f} s.")

    @contextmanager
    def change(self, resource: str, operation: str) -> Iterator[Change]:
        """Record a change before its request is sent, and its outcome.

        Raises:
            NotAllowedError: No checked plan decided on a change, its agreement is used, or it cannot be recorded.
        """
        auditor, decision, not_sent = self.auditor, self.decision, f"so {operation} was not sent to {resource}."
        if decision is None:
            raise NotAllowedError(f"{auditor.tool} may not change anything, {not_sent}")
        agreed = decision.confirmation
        if agreed and agreed.is_spent:
            used = "The same agreement was used by another call at this moment"
            raise NotAllowedError(f"{used}, {not_sent} Call again without confirm.")
        entry: Entry = {"tool": auditor.tool, "caller": auditor.caller, "resource": resource}
        entry |= {"operation": operation, "request": decision.key}
        arguments = {name: _recorded(name, value) for name, value in auditor.arguments.items() if name != "confirm"}
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
                place = (operation, auditor.tool, resource)
                _log.warning("%s of %s on %s was interrupted: it may have been carried out", *place)
            try:
                auditor.audit.write(entry | {"event": "ended", "id": change.id, "outcome": outcome, "error": problem})
            except OSError as error:  # the request was sent; only the next one can be stopped
                _log.error("The audit could not be written: %s", error)


def _recorded(name: str, value: Any) -> JsonValue:
    """Return an argument for the audit log: of an address what is no secret, of long lists a digest."""
    if isinstance(value, list) and name == "lines":
        text = "\n".join(map(str, value)).encode(errors="replace")
        return {"count": len(value), "sha256": hashlib.sha256(text).hexdigest()}
    if not isinstance(value, str):
        return cast(JsonValue, value)
    return mask_address(value) if name == "content_url" else mask_signature(value)
