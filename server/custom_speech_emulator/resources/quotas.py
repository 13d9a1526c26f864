"""Quotas of the pricing tiers (quotas and limits page, January 2026), and the request rate."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime

from custom_speech_emulator.http.error_responses import invalid, too_many_requests
from custom_speech_emulator.http.request import Call

_COUNTS = {"datasets": {"F0": 2, "S0": 500}, "endpoints": {"F0": 1, "S0": 50}}
_TEXT = {"F0": 200_000, "S0": 500_000}
_REQUESTS, _SECONDS = 100, 10.0


def check(call: Call, kind: str) -> None:
    """400 `QuotaViolation` if the account has as many of a kind as its tier allows."""
    most = _COUNTS[kind][call.account.tier]
    if call.store.count(call.account.name, kind) >= most:
        raise invalid("QuotaViolation", f"A resource of the tier {call.account.tier} can have {most} {kind}.")


def check_text(call: Call, text: str) -> None:
    """400 `QuotaViolation` if the text of a v3.2 model is longer than the tier allows."""
    most = _TEXT[call.account.tier]
    if len(text.encode()) > most:
        raise invalid("QuotaViolation", f"The text of a model can have {most // 1000} KB.", "text")


@dataclass
class RateLimiter:
    """Requests of the last ten seconds, by account."""

    times: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def count(self, account: str, now: datetime) -> None:
        """Count a request; 429 with `Retry-After` if it is one too many."""
        times, at = self.times[account], now.timestamp()
        while times and times[0] <= at - _SECONDS:
            times.popleft()
        if len(times) >= _REQUESTS:
            raise too_many_requests({"Retry-After": str(max(1, round(times[0] + _SECONDS - at)))})
        times.append(at)
