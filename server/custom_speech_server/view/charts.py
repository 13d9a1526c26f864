"""The scales of charts: values as percentages of a row's width, and the lines across all rows."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

_MAX_TICKS = 8


class Tick(NamedTuple):
    """A line across all rows, with its label."""

    value: float
    label: str


class Scale(NamedTuple):
    """The values at the left and right end of a row, and what is marked between them."""

    low: float
    high: float
    ticks: Sequence[Tick]

    def at(self, value: float) -> float:
        """Return the place of a value, 0 to 100."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)


def month_scale(days: Sequence[date]) -> Scale:
    """Return the scale of days from the first to the last; of a long time only every second, third, … month."""
    low, high = min(days).toordinal() - 10, max(days).toordinal() + 20
    first, last = date.fromordinal(low), date.fromordinal(high)
    number = 12 * (last.year - first.year) + last.month - first.month
    step = next((step for step in (1, 2, 3, 6) if number / step <= _MAX_TICKS), 12)
    starts = [date(first.year + month // 12, month % 12 + 1, 1) for month in range(first.month, first.month + number)]
    ticks = [Tick(day.toordinal(), f"{day:%b %y}") for day in starts if (day.month - 1) % step == 0]
    return Scale(low, high, ticks)


def percent_scale(highest: float) -> Scale:
    """Return the scale of fractions from zero to a little more than the highest, with round ones marked."""
    high = max(0.01, 1.08 * highest)
    step = next((step for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if high / step <= 6), 1.0)
    ticks = [Tick(step * number, f"{100 * step * number:g} %") for number in range(int(high / step) + 1)]
    return Scale(0, high, ticks)
