"""Tests, from the answers of list_evaluations and get_evaluation: verdicts, rates, edits; and the scales of charts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from custom_speech_data.word_errors import alignment, normalized_words

JSONObject = Mapping[str, Any]  # the structured content of a tool's answer, or a part of it
_MAX_ALIGNED_WORDS = 500  # of an utterance whose edits are marked; the time for that grows with their square
_TAGS = {"correct": "", "deletion": "del", "insertion": "ins", "substitution": "mark"}


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


class StatusLabel(NamedTuple):
    """A standing in words, and its colour: `good`, `warn`, `bad` or empty."""

    text: str
    status: str


def is_void(test: JSONObject) -> bool:
    """Return whether a model of a test was trained with the test data."""
    return bool(test.get("is_void")) or any(one["rule"] == "test-data-unseen" for one in test.get("findings", ()))


def verdict(test: JSONObject) -> StatusLabel:
    """Return how the first model of a test compares with the second."""
    difference = test.get("difference") or {}
    if is_void(test):
        return StatusLabel("void", "warn")
    if difference.get("is_significant") is None:
        return StatusLabel("not judged", "")
    if not difference["is_significant"]:
        return StatusLabel("not significant", "")
    return StatusLabel("better", "good") if difference["absolute"] < 0 else StatusLabel("worse", "bad")


def finished(answer: JSONObject) -> list[JSONObject]:
    """Return the tests of an answer of list_evaluations that have a result."""
    return [one for one in answer["evaluations"] if one["status"] == "Succeeded"]


def by_dataset(tests: Sequence[JSONObject]) -> list[list[tuple[JSONObject, JSONObject]]]:
    """Return for each test dataset every model with its newest test, which comes first in `tests`."""
    datasets: dict[tuple[str, str], dict[str, tuple[JSONObject, JSONObject]]] = {}
    for test in tests:
        for model in test["models"] if test.get("dataset") else ():
            if model["word_error_rate"] is not None:
                tested = datasets.setdefault((test["resource"], test["dataset"]["id"]), {})
                tested.setdefault(model["id"], (test, model))
    return [list(tested.values()) for tested in datasets.values()]


def month_scale(days: Sequence[date]) -> Scale:
    """Return the scale of days from the first to the last; of a long time only every second, third, … month."""
    low, high = min(days).toordinal() - 10, max(days).toordinal() + 20
    first, last = date.fromordinal(low), date.fromordinal(high)
    number = 12 * (last.year - first.year) + last.month - first.month
    step = next((step for step in (1, 2, 3, 6) if number / step <= 8), 12)
    starts = [date(first.year + month // 12, month % 12 + 1, 1) for month in range(first.month, first.month + number)]
    ticks = [Tick(day.toordinal(), f"{day:%b %y}") for day in starts if (day.month - 1) % step == 0]
    return Scale(low, high, ticks)


def rate_scale(models: Iterable[JSONObject]) -> Scale:
    """Return the scale from zero on which the error rates of models and their intervals fit."""
    ends = [end for one in models for end in (one["word_error_rate"] or 0, *(one.get("confidence_95") or ()))]
    high = max(0.01, 1.08 * max(ends))
    step = next((step for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if high / step <= 6), 1.0)
    ticks = [Tick(step * number, f"{100 * step * number:g} %") for number in range(int(high / step) + 1)]
    return Scale(0, high, ticks)


def difference_scale(difference: JSONObject) -> Scale:
    """Return the scale of a difference of rates and its interval, with zero in the middle."""
    reach = max(0.001, *map(abs, difference["confidence_95"])) * 1.15
    return Scale(-reach, reach, [Tick(0, "0")])


def rate(value: float | None, interval: Sequence[float] | None = None) -> str:
    """Return a rate in percent, with its interval if that is known."""
    if value is None:
        return "–"
    shown = f"{100 * value:.1f}\N{NO-BREAK SPACE}%"
    return f"{shown} ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})" if interval else shown


def edits(utterance: JSONObject, locale: str) -> tuple[list[tuple[str, str]] | None, list[tuple[str, str]]]:
    """Return the words that were said, None if they are not known, and those recognized, each with its tag."""
    reference, hypothesis = utterance.get("reference"), utterance["hypothesis"]
    if reference is None:
        return None, [("", hypothesis)]
    said, recognized = normalized_words(reference, locale), normalized_words(hypothesis, locale)
    if max(len(said), len(recognized)) > _MAX_ALIGNED_WORDS:
        return [("", reference)], [("", hypothesis)]
    aligned = alignment(said, recognized)
    return (
        [(_TAGS[edit.kind], edit.reference) for edit in aligned if edit.reference],
        [(_TAGS[edit.kind], edit.recognized) for edit in aligned if edit.recognized],
    )
