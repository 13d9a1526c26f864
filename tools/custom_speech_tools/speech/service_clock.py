"""The service's clock, by which its dates are judged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

CLOCK_TOLERANCE = timedelta(minutes=5)  # a smaller skew is ignored
MAX_CLOCK_SKEW = timedelta(days=36_500)  # a `Date` header with a larger skew is ignored


@dataclass(slots=True)
class ServiceClock:
    """The offset of the service's clock from this machine's; zero until a response has a `Date` header."""

    local_now: Callable[[], datetime] = lambda: datetime.now(UTC)
    skew: timedelta = timedelta()

    def read(self, header: str | None) -> None:
        """Update the offset from the `Date` header of a response."""
        date = parse_http_date(header)
        if date is not None and abs(skew := date - self.local_now()) <= MAX_CLOCK_SKEW:
            self.skew = skew

    def now(self) -> datetime:
        """Return the current time of the service."""
        return self.local_now() + self.skew

    def to_service_time(self, now: datetime) -> datetime:
        """Convert this machine's time to the service's, ignoring an offset within the tolerance."""
        return now + self.skew if abs(self.skew) > CLOCK_TOLERANCE else now


def parse_http_date(header: str | None) -> datetime | None:
    """Return the time in an HTTP date header, or None if the header is missing or malformed."""
    try:
        date = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
