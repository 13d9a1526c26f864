"""Tests, from the answers of list_evaluations and get_evaluation: verdicts, error rates by test data, edits."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from custom_speech_data.word_errors import alignment, normalized_words
from custom_speech_server.view.charts import Scale, Tick, percent_scale

Answer = Mapping[str, Any]
"""The structured content of a tool's answer, or a part of it."""

_MAX_ALIGNED_WORDS = 500
"""Words of an utterance whose edits are marked; the time for that grows with their square."""

_TAGS = {"correct": "", "deletion": "del", "insertion": "ins", "substitution": "mark"}


class Standing(NamedTuple):
    """How something stands: in words, and as `good`, `warn`, `bad` or empty."""

    text: str
    status: str


def is_void(test: Answer) -> bool:
    """Return whether a model of a test was trained with the test data."""
    return bool(test.get("is_void")) or any(one["rule"] == "test-data-unseen" for one in test.get("findings", ()))


def verdict(test: Answer) -> Standing:
    """Return how the first model of a test compares with the second."""
    difference = test.get("difference") or {}
    if is_void(test):
        return Standing("void", "warn")
    if difference.get("is_significant") is None:
        return Standing("not judged", "")
    if not difference["is_significant"]:
        return Standing("not significant", "")
    return Standing("better", "good") if difference["absolute"] < 0 else Standing("worse", "bad")


def by_dataset(tests: Sequence[Answer]) -> list[list[tuple[Answer, Answer]]]:
    """Return for each test dataset every model with its newest test, which comes first in `tests`."""
    datasets: dict[tuple[str, str], dict[str, tuple[Answer, Answer]]] = {}
    for test in tests:
        for model in test["models"] if test.get("dataset") else ():
            if model["word_error_rate"] is not None:
                tested = datasets.setdefault((test["resource"], test["dataset"]["id"]), {})
                tested.setdefault(model["id"], (test, model))
    return [list(tested.values()) for tested in datasets.values()]


def rate_scale(models: Sequence[Answer]) -> Scale:
    """Return the scale on which the error rates of models and their intervals fit."""
    models = list(models)
    return percent_scale(
        max(end for one in models for end in (one["word_error_rate"] or 0, *(one.get("confidence_95") or ())))
    )


def difference_scale(difference: Answer) -> Scale:
    """Return the scale of a difference of rates and its interval, with zero in the middle."""
    reach = max(0.001, *map(abs, difference["confidence_95"])) * 1.15
    return Scale(-reach, reach, [Tick(0, "0")])


def rate(value: float | None, interval: Sequence[float] | None = None) -> str:
    """Return a rate in percent, with its interval if that is known."""
    if value is None:
        return "–"
    shown = f"{100 * value:.1f}\N{NO-BREAK SPACE}%"
    return f"{shown} ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})" if interval else shown


def edits(utterance: Answer, locale: str) -> tuple[list[tuple[str, str]] | None, list[tuple[str, str]]]:
    """Return the words that were said, None if they are not known, and those recognized, each with its tag."""
    reference, hypothesis = utterance.get("reference"), utterance["hypothesis"]
    if reference is None:
        return None, [("", hypothesis)]
    said, recognized = normalized_words(reference, locale), normalized_words(hypothesis, locale)
    if max(len(said), len(recognized)) > _MAX_ALIGNED_WORDS:
        return [("", reference)], [("", hypothesis)]
    aligned = alignment(said, recognized)
    return (
        [(_TAGS[edit.kind], edit.said) for edit in aligned if edit.said],
        [(_TAGS[edit.kind], edit.recognized) for edit in aligned if edit.recognized],
    )
