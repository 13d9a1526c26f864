"""What becomes known of a call's requests: progress for the client, and a line of the audit before and after."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from pydantic import JsonValue

from custom_speech_tools.runtime.context import Call, current
from custom_speech_tools.speech import Attempt, Change, NotAllowedError, SpeechError

Entry = dict[str, JsonValue]

_log = logging.getLogger(__name__)

_SECRET = "confirm"  # noqa: S105  # the name of an argument


class Audit(Protocol):
    """Keeps what the server changed."""

    def write(self, entry: Entry) -> None:
        """Keep an entry for good; raises OSError where that is impossible."""
        ...

    def in_doubt(self) -> Mapping[str, float]:
        """Requests that left before this server started and whose end is not known: how many seconds ago."""
        ...


class NoAudit:
    """Nothing is kept."""

    def write(self, entry: Entry) -> None:
        """Nothing."""

    def in_doubt(self) -> Mapping[str, float]:
        """None is known."""
        return {}


class CallAuditor:
    """The watcher of every resource, on behalf of the call that is being answered."""

    def __init__(self, audit: Audit, observe: Callable[[Attempt], None]) -> None:
        self._audit = audit
        self.attempted = observe

    def seconds_left(self) -> float:
        """Of the call."""
        return current().seconds_left()

    async def waits(self, seconds: float, why: str) -> None:
        """Progress."""
        await current().says(f"{why} Asking again in {seconds:.0f} s.")

    @contextmanager
    def change(self, resource: str, operation: str) -> Iterator[Change]:
        """One entry before the request leaves, without which it does not, and one with its outcome."""
        call, change, outcome = current(), Change(), "interrupted: it may have been carried out"
        entry = _entry(call, resource, operation)
        try:
            self._audit.write(entry | {"event": "sends", **_decided(call)})
        except OSError as error:
            raise _unrecorded(resource, operation, error) from None
        call.sent = operation
        try:
            yield change
            outcome = "done"
        except SpeechError as error:
            outcome = f"{'in doubt' if error.outcome_unknown else 'not done'}: {error}"
            raise
        finally:
            if outcome.startswith("interrupted"):
                _log.warning(
                    "%s of %s on %s was interrupted; it may have been carried out", operation, call.tool, resource
                )
            self._conclude(entry | {"event": "ended", "id": change.id, "outcome": outcome})

    def _conclude(self, entry: Entry) -> None:
        """The request has been made: that its end cannot be kept stops only the next one."""
        try:
            self._audit.write(entry)
        except OSError as error:
            _log.error("The audit could not be written: %s", error)


def _entry(call: Call, resource: str, operation: str) -> Entry:
    return {"tool": call.tool, "resource": resource, "operation": operation, "request": call.request}


def _decided(call: Call) -> Entry:
    return {
        "arguments": {name: value for name, value in call.arguments.items() if name != _SECRET},
        "findings": [f"{finding.level} {finding.rule}: {finding.message}" for finding in call.findings],
        "confirmation": call.confirmation,
    }


def _unrecorded(resource: str, operation: str, error: OSError) -> NotAllowedError:
    why = error.strerror or type(error).__name__
    message = f"The audit file cannot be written ({why}), so {operation} was not sent to {resource}."
    return NotAllowedError(message, resource=resource, operation=operation)
