"""When a request is sent again. Pure functions: time and chance come in as arguments."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from custom_speech_tools.speech.errors import AzureError, SpeechError, UnreadableAnswerError

ATTEMPTS = 4
_FIRST_WAIT = 0.5
"""Seconds before the second attempt where the service names no time; doubled for each further one."""

_LONGEST_WAIT = 86_400.0
"""Seconds; a service that asks for more is taken to ask for a day."""

_REPEATABLE = frozenset({"GET", "PATCH"})
"""Methods whose second arrival changes nothing that the first did not."""


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """The wait that a `Retry-After` header asks for, in its seconds or its date form; None where it asks none.

    `now` is the service's: a wait of its date form must not depend on this machine's clock.
    """
    if header is None:
        return None
    if header.strip().isdecimal() and header.isascii():
        return min(float(header), _LONGEST_WAIT)
    date = moment_of(header)
    return None if date is None else min(max(0.0, (date - now).total_seconds()), _LONGEST_WAIT)


def moment_of(header: str | None) -> datetime | None:
    """The moment that a header names in the date form of HTTP; None where it names none."""
    try:
        date = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def may_repeat(error: SpeechError, method: str) -> bool:
    """Whether the same request may go again.

    A request that did not arrive, or was answered 429, changed nothing. After a 5xx or a lost answer that
    is open, so only a method that changes nothing twice goes again. An answer that cannot be read stays so.
    """
    certain = not error.outcome_unknown or method in _REPEATABLE
    return error.is_transient and certain and not isinstance(error, UnreadableAnswerError)


def wait_seconds(attempt: int, error: SpeechError, method: str, chance: float) -> float | None:
    """Seconds until attempt number `attempt` + 1, None where none may follow.

    Never less than the service asked for; `chance` (0 to 1) spreads callers apart on top of it.
    """
    if attempt >= ATTEMPTS or not may_repeat(error, method):
        return None
    asked = error.retry_after if isinstance(error, AzureError) else None
    least = _FIRST_WAIT * 2 ** (attempt - 1) if asked is None else asked
    return least + chance * max(least * 0.25, 0.1)
