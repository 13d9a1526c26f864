"""The service's clock: dates are judged by it, not by this machine's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

CLOCK_TOLERANCE = timedelta(minutes=5)  # two clocks that differ by less agree
MAX_CLOCK_SKEW = timedelta(days=36_500)  # a `Date` header further away is not believed


@dataclass(slots=True)
class ServiceClock:
    """The lead of the service's clock over this machine's; zero until an answer carried a date."""

    local_now: Callable[[], datetime] = lambda: datetime.now(UTC)
    skew: timedelta = timedelta()

    def read(self, header: str | None) -> None:
        """Take over the date of an answer."""
        date = parse_http_date(header)
        skew = timedelta() if date is None else date - self.local_now()
        if date is not None and abs(skew) <= MAX_CLOCK_SKEW:
            self.skew = skew

    def now(self) -> datetime:
        """Return the service's present time."""
        return self.local_now() + self.skew

    def to_service_time(self, now: datetime) -> datetime:
        """Return the service's time at `now` of this machine; a skew within the tolerance is ignored."""
        return now + self.skew if abs(self.skew) > CLOCK_TOLERANCE else now


def parse_http_date(header: str | None) -> datetime | None:
    """Return the moment that a header names in the date form of HTTP, None if it names none."""
    try:
        date = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
