"""Evaluations in the view: verdicts, error rates, word edits, and the scales of charts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from custom_speech_data.word_errors import alignment, normalized_words

JSONObject = Mapping[str, Any]  # the structured content of a tool result, or a part of it
_MAX_ALIGNED_WORDS = 500  # of an utterance whose edits are marked; the alignment takes quadratic time
_TAGS = {"correct": "", "deletion": "del", "insertion": "ins", "substitution": "mark"}


class Tick(NamedTuple):
    """A grid line of a chart, with its label."""

    value: float
    label: str


class Scale(NamedTuple):
    """The range of values of a chart, and its grid lines."""

    low: float
    high: float
    ticks: Sequence[Tick]

    def at(self, value: float) -> float:
        """Return the position of a value, from 0 at the low end to 100 at the high end."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)


class StatusLabel(NamedTuple):
    """The text of a label, and its style: `good`, `warn`, `bad` or empty."""

    text: str
    status: str


def is_void(test: JSONObject) -> bool:
    """Return whether a model in an evaluation was trained with the test data."""
    return bool(test.get("is_void")) or any(one["rule"] == "test-data-unseen" for one in test.get("findings", ()))


def verdict(test: JSONObject) -> StatusLabel:
    """Return a label that compares the first model of an evaluation with the second."""
    difference = test.get("difference") or {}
    if is_void(test):
        return StatusLabel("void", "warn")
    if difference.get("is_significant") is None:
        return StatusLabel("not judged", "")
    if not difference["is_significant"]:
        return StatusLabel("not significant", "")
    return StatusLabel("better", "good") if difference["absolute"] < 0 else StatusLabel("worse", "bad")


def finished(answer: JSONObject) -> list[JSONObject]:
    """Return the succeeded evaluations in a result of list_evaluations."""
    return [one for one in answer["evaluations"] if one["status"] == "Succeeded"]


def by_dataset(tests: Sequence[JSONObject]) -> list[list[tuple[JSONObject, JSONObject]]]:
    """Return the newest evaluation of each model, grouped by dataset. `tests` must be sorted newest first."""
    datasets: dict[tuple[str, str], dict[str, tuple[JSONObject, JSONObject]]] = {}
    for test in tests:
        for model in test["models"] if test.get("dataset") else ():
            if model["word_error_rate"] is not None:
                tested = datasets.setdefault((test["resource"], test["dataset"]["id"]), {})
                tested.setdefault(model["id"], (test, model))
    return [list(tested.values()) for tested in datasets.values()]


def month_scale(days: Sequence[date]) -> Scale:
    """Return a time scale that contains the days, with a grid line every 1, 2, 3, 6 or 12 months."""
    low, high = min(days).toordinal() - 10, max(days).toordinal() + 20
    first, last = date.fromordinal(low), date.fromordinal(high)
    number = 12 * (last.year - first.year) + last.month - first.month
    step = next((step for step in (1, 2, 3, 6) if number / step <= 8), 12)
    starts = [date(first.year + month // 12, month % 12 + 1, 1) for month in range(first.month, first.month + number)]
    ticks = [Tick(day.toordinal(), f"{day:%b %y}") for day in starts if (day.month - 1) % step == 0]
    return Scale(low, high, ticks)


def rate_scale(models: Iterable[JSONObject]) -> Scale:
    """Return a scale from zero that contains the error rates of the models and their confidence intervals."""
    ends = [end for one in models for end in (one["word_error_rate"] or 0, *(one.get("confidence_95") or ()))]
    high = max(0.01, 1.08 * max(ends))
    step = next((step for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if high / step <= 6), 1.0)
    ticks = [Tick(step * number, f"{100 * step * number:g} %") for number in range(int(high / step) + 1)]
    return Scale(0, high, ticks)


def difference_scale(difference: JSONObject) -> Scale:
    """Return a scale that contains the confidence interval of a difference, with zero in the middle."""
    reach = max(0.001, *map(abs, difference["confidence_95"])) * 1.15
    return Scale(-reach, reach, [Tick(0, "0")])


def rate(value: float | None, interval: Sequence[float] | None = None) -> str:
    """Return an error rate as a percentage, with its confidence interval if that is known."""
    if value is None:
        return "–"
    shown = f"{100 * value:.1f}\N{NO-BREAK SPACE}%"
    return f"{shown} ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})" if interval else shown


def edits(utterance: JSONObject, locale: str) -> tuple[list[tuple[str, str]] | None, list[tuple[str, str]]]:
    """Return the reference words, or None if they are not known, and the recognized words, each with its HTML tag."""
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
