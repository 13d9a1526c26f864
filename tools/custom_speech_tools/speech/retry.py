"""When a request is sent again. Pure functions: time and chance come in as arguments."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from custom_speech_tools.speech.errors import AnswerLost, AzureError, SpeechError, Unreachable

ATTEMPTS = 4
_FIRST_WAIT = 0.5
"""Seconds before the second attempt where the service names no time; doubled for each further one."""

_REPEATABLE = frozenset({"GET", "PATCH"})
"""Methods whose second arrival changes nothing that the first did not."""


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """The wait that a `Retry-After` header asks for, in its seconds or its date form; None where it asks none."""
    if header is None:
        return None
    if header.strip().isdecimal() and header.isascii():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def may_repeat(error: SpeechError, method: str) -> bool:
    """Whether the same request may go again.

    A request that did not arrive, or was answered 429, changed nothing. After a 5xx or a lost answer that
    is open, so only a method that changes nothing twice goes again.
    """
    if isinstance(error, AzureError) and error.status != 429:
        return error.status >= 500 and method in _REPEATABLE
    if isinstance(error, AnswerLost):
        return method in _REPEATABLE
    return isinstance(error, AzureError | Unreachable)


def wait_seconds(attempt: int, error: SpeechError, method: str, chance: float) -> float | None:
    """Seconds until attempt number `attempt` + 1, None where none may follow.

    Never less than the service asked for; `chance` (0 to 1) spreads callers apart on top of it.
    """
    if attempt >= ATTEMPTS or not may_repeat(error, method):
        return None
    asked = error.retry_after if isinstance(error, AzureError) else None
    least = _FIRST_WAIT * 2 ** (attempt - 1) if asked is None else asked
    return least + chance * max(least * 0.25, 0.1)
