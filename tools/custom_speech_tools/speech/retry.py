"""Rules for sending a request again; time and chance come in as arguments."""

from datetime import datetime

from custom_speech_tools.speech.errors import AzureError, ForeignAnswerError, SpeechError, UnreadableAnswerError
from custom_speech_tools.speech.service_clock import parse_http_date

MAX_ATTEMPTS = 4  # at one request; a throttled one (429) may be repeated until its caller waits no longer

_FIRST_WAIT = 0.5  # seconds before the second attempt if the service names no time; doubled for each further one
_MAX_WAIT = 86_400.0  # seconds; a service that asks for more is understood to ask for a day
_REPEATABLE = frozenset({"GET", "PATCH", "PUT", "DELETE"})  # a second arrival changes nothing that the first did not


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait, None if it asks for none; `now` is the service's."""
    if header is None:
        return None
    if header.strip().isdecimal() and header.isascii():
        return min(float(header.strip()[:12]), _MAX_WAIT)
    date = parse_http_date(header)
    return None if date is None else min(max(0.0, (date - now).total_seconds()), _MAX_WAIT)


def wait_seconds(attempt: int, error: SpeechError, method: str, chance: float) -> float | None:
    """Return the seconds until attempt number `attempt` + 1, None if the same request may not be sent again.

    A request that did not arrive, or was answered 429, changed nothing. After a 5xx or a lost answer the outcome is
    unknown, so only a method that changes nothing twice is repeated. Never less than the service asked for; `chance`
    (0 to 1) spreads callers apart on top of it.
    """
    is_throttled = isinstance(error, AzureError) and error.status == 429
    is_safe = not error.outcome_unknown or method in _REPEATABLE
    stays = isinstance(error, UnreadableAnswerError | ForeignAnswerError)  # as it is, however often it is asked for
    if not error.is_transient or not is_safe or stays or (attempt >= MAX_ATTEMPTS and not is_throttled):
        return None
    asked = error.retry_after if isinstance(error, AzureError) else None
    least = _FIRST_WAIT * 2 ** min(attempt - 1, 5) if asked is None else asked
    return least + chance * max(least * 0.25, 0.1)
