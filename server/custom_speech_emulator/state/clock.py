"""Time: a given clock, moved on by an offset that the state keeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(r"^P(?=.)(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?$")


def utc_now() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Return a time stamp as the service writes it: `2019-01-07T11:34:12Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def moment(text: str) -> datetime:
    """Return a time stamp read back; ValueError when it is not one."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def duration(text: str) -> timedelta | None:
    """Return an ISO 8601 duration of days, hours, minutes and seconds (`P400D`, `PT1H30M`); None when it is not one."""
    found = _DURATION.match(text)
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def years_later(day: datetime, years: int) -> datetime:
    """Return the same day some years later."""
    return day.replace(year=day.year + years)


def quarter_close(day: datetime) -> datetime:
    """Return the next 15 January, April, July or October, which is when a quarter of model releases closes."""
    closes = [datetime(year, month, 15, tzinfo=UTC) for year in (day.year, day.year + 1) for month in (1, 4, 7, 10)]
    return next(close for close in closes if close >= day.replace(hour=0, minute=0, second=0, microsecond=0))
