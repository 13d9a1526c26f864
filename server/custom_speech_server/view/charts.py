"""Charts of one row each, as SVG: positions are percentages, so that they fit every width without a script."""

from datetime import date
from typing import NamedTuple

from custom_speech_server.view.markup import Answer, Child, Markup, element

_MAX_TICKS = 8


class Scale(NamedTuple):
    """The values at the left and right end of a row."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return the place of a value, 0 to 100."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)


class Tick(NamedTuple):
    """A line across all rows, with its label."""

    value: float
    label: str


def axis(scale: Scale, ticks: list[Tick]) -> Markup:
    """Return the labels above the rows; every other one is left out on a narrow screen."""
    labels = [
        element("text", tick.label, x=f"{scale.at(tick.value)}%", y=13, class_="minor" if place % 2 else None)
        for place, tick in enumerate(ticks)
        if scale.at(tick.value) <= 94
    ]
    return _row(*labels, height=18)


def interval_row(scale: Scale, ticks: list[Tick], model: Answer, class_: str) -> Markup:
    """Return the word error rate of a model as a point, with its 95 % interval."""
    parts: list[Child] = [_grid(scale, ticks)]
    if interval := model.get("confidence_95"):
        low, high = (f"{scale.at(end)}%" for end in interval)
        parts.append(element("line", x1=low, x2=high, y1=14, y2=14, class_="interval"))
        parts += [element("line", x1=end, x2=end, y1=9, y2=19, class_="interval") for end in (low, high)]
    if (rate := model["word_error_rate"]) is not None:
        parts.append(element("circle", cx=f"{scale.at(rate)}%", cy=14, r=5))
    return _row(*parts, class_=class_)


def bar_row(scale: Scale, ticks: list[Tick], start: float, end: float, class_: str) -> Markup:
    """Return a bar from one value to another, with a line where it ends."""
    left, right = sorted((scale.at(start), scale.at(end)))
    place = scale.at(end)
    return _row(
        _grid(scale, ticks),
        element("rect", x=f"{left}%", width=f"{round(right - left, 2)}%", y=9, height=10, rx=2),
        element("line", x1=f"{place}%", x2=f"{place}%", y1=5, y2=23, class_="end"),
        element("line", x1=f"{scale.at(start)}%", x2=f"{scale.at(start)}%", y1=0, y2="100%", class_="today"),
        class_=class_,
    )


def months(scale: Scale) -> list[Tick]:
    """Return the beginnings of months on a scale of days; of a long time only every second, third, … one."""
    first, last = date.fromordinal(int(scale.low)), date.fromordinal(int(scale.high))
    number = 12 * (last.year - first.year) + last.month - first.month
    step = next((step for step in (1, 2, 3, 6) if number / step <= _MAX_TICKS), 12)
    starts = [date(first.year + month // 12, month % 12 + 1, 1) for month in range(first.month, first.month + number)]
    return [Tick(day.toordinal(), f"{day:%b %y}") for day in starts if (day.month - 1) % step == 0]


def percentages(highest: float) -> list[Tick]:
    """Return round fractions from zero to a value."""
    step = next((step for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if highest / step <= 6), 1.0)
    return [Tick(step * number, f"{100 * step * number:g} %") for number in range(int(highest / step) + 1)]


def _grid(scale: Scale, ticks: list[Tick]) -> list[Markup]:
    return [
        element("line", x1=f"{place}%", x2=f"{place}%", y1=0, y2="100%", class_="grid" if tick.value else "today")
        for tick in ticks
        for place in (scale.at(tick.value),)
    ]


def _row(*parts: Child, height: int = 28, class_: str = "") -> Markup:
    return element("svg", *parts, width="100%", height=height, aria_hidden="true", class_=f"row {class_}".strip())
