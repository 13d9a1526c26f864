"""Time stamps, durations and the quarters of model releases."""

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(r"^P(?=.)(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?$")


def stamp(moment: datetime) -> str:
    """Return a time stamp as the service writes it: `2019-01-07T11:34:12Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def moment(text: str) -> datetime:
    """Return the moment of a time stamp, which is UTC if it names no zone; raises ValueError."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def duration(text: str) -> timedelta | None:
    """Return an ISO 8601 duration of days, hours, minutes and seconds (`P400D`, `PT1H30M`); None for other text."""
    found = _DURATION.match(text)
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def quarter_close(day: datetime, years: int = 0) -> datetime:
    """Return the next 15 January, April, July or October, when a quarter of model releases closes, or years later."""
    closes = [datetime(year, month, 15, tzinfo=UTC) for year in (day.year, day.year + 1) for month in (1, 4, 7, 10)]
    close = next(close for close in closes if close >= day.replace(hour=0, minute=0, second=0, microsecond=0))
    return close.replace(year=close.year + years)
