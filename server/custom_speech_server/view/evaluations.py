"""Tests, from the answers of list_evaluations and get_evaluation: error rates by test data, and each test."""

from collections.abc import Collection, Sequence

from custom_speech_data.word_errors import alignment, normalized_words
from custom_speech_server.view.charts import Scale, Tick, axis, interval_row, percentages
from custom_speech_server.view.markup import (
    Answer,
    Child,
    Markup,
    Standing,
    badge,
    element,
    join,
    name,
    paragraph,
    section,
    table,
)

Live = Collection[str]
"""The ids of models that endpoints have, and of those that such models are copies of."""

_MAX_ALIGNED_WORDS = 500
"""Words of an utterance whose edits are marked; the time for that grows with their square."""

_UNFOLDED = 2
"""The newest tests, which are shown at once."""

_COUNTS = ("insertions", "deletions", "substitutions", "words")


def error_rates(tests: Sequence[Answer], live: Live) -> Markup:
    """Return for each test dataset the word error rate of every model in its newest test.

    Args:
        tests: Newest first.
    """
    datasets: dict[tuple[str, str], dict[str, tuple[Answer, Answer]]] = {}
    for test in tests:
        for model in test["models"] if test.get("dataset") else ():
            if model["word_error_rate"] is not None:
                tested = datasets.setdefault((test["resource"], test["dataset"]["id"]), {})
                tested.setdefault(model["id"], (test, model))
    charts = [_rates_of(list(tested.values()), live) for tested in datasets.values()]
    none = paragraph("No finished test was read.", "empty")
    return section("rates", "Word error rates by test data", charts or none)


def _rates_of(tested: Sequence[tuple[Answer, Answer]], live: Live) -> Markup:
    scale, ticks = _rate_scale([model for _, model in tested])
    rows: list[list[Child]] = []
    for test, model in tested:
        is_live, void = model["id"] in live, is_void(test)
        marks = [badge("live", "good") if is_live else None, badge("void: trained with it", "warn") if void else None]
        chart = interval_row(scale, ticks, model, "void" if void else "live" if is_live else "")
        date = str(test.get("created") or "–")[:10]
        rows.append([join(name(model["display_name"], model["id"]), " ", marks), date, _rate_of(model), chart])
    dataset, resource = tested[0][0]["dataset"], tested[0][0]["resource"]
    caption = "Newest test first. The line is the 95 % confidence interval; a hollow point is void."
    columns = {"Model": "wide", "Tested": "short", "Error rate (95 %)": "number"}
    return join(
        element("h3", name(dataset["display_name"], dataset["id"])),
        element("span", name(resource), class_="soft"),
        table(caption, columns, rows, axis(scale, ticks)),
    )


def is_void(test: Answer) -> bool:
    """Return whether a model of a test was trained with the test data."""
    return bool(test.get("is_void")) or any(one["rule"] == "test-data-unseen" for one in test.get("findings", ()))


def verdict_of(test: Answer) -> Standing:
    """Return how the first model of a test compares with the second."""
    difference = test.get("difference") or {}
    if is_void(test):
        return Standing("void", "warn")
    if difference.get("is_significant") is None:
        return Standing("not judged", "")
    if not difference["is_significant"]:
        return Standing("not significant", "")
    return Standing("better", "good") if difference["absolute"] < 0 else Standing("worse", "bad")


def tests_section(tests: Sequence[Answer], hidden: int) -> Markup:
    """Return the tests.

    Args:
        hidden: How many more there are.
    """
    parts = []
    for place, test in enumerate(tests):
        title = element("h3", name(test["display_name"]), " ", badge(*verdict_of(test)))
        rates = " against ".join(rate_text(model["word_error_rate"]) for model in test["models"])
        summary = element("summary", title, element("span", rates, class_="soft"))
        parts.append(element("details", summary, test_details(test), open="" if place < _UNFOLDED else None))
    left = f"The details of {hidden} older tests were not read; report --tests N reads those of N tests."
    none = paragraph("No finished test was read.", "empty")
    return section("tests", "Tests", paragraph(left, "warn") if hidden else None, parts or none)


def test_details(test: Answer) -> Markup:
    """Return a test: both models side by side, what is missed, and the worst utterances."""
    difference, data = test.get("difference"), test.get("dataset") or {"id": "–"}
    facts = f" · {test['status']} · {str(test.get('created') or '')[:10]}"
    return join(
        paragraph(["Data: ", name(data.get("display_name"), data["id"]), facts], "soft"),
        paragraph(test["verdict"], verdict_of(test).status) if test.get("verdict") else None,
        _side_by_side(test),
        _difference(difference, verdict_of(test)) if difference and difference["confidence_95"] else None,
        _missed_words(test["words"]) if test.get("words") else None,
        _worst(test["worst"], str(test.get("locale", ""))) if test.get("worst") else None,
        [paragraph(f"{one['message']} {one['fix']}", "warn") for one in test.get("findings", ())],
    )


def _side_by_side(test: Answer) -> Markup:
    scale, ticks = _rate_scale(test["models"])
    rows: list[list[Child]] = [
        [
            name(model["display_name"], model["id"]),
            _rate_of(model),
            *(str(model[count]) if model.get(count) is not None else "–" for count in _COUNTS),
            interval_row(scale, ticks, model, "void" if is_void(test) else ""),
        ]
        for model in test["models"]
    ]
    columns = {"Model": "wide", "Error rate (95 %)": "number"} | {one.capitalize(): "number" for one in _COUNTS}
    return table("Both models side by side", columns, rows, axis(scale, ticks))


def _difference(difference: Answer, standing: Standing) -> Markup:
    low, high = difference["confidence_95"]
    reach = max(0.001, abs(low), abs(high)) * 1.15
    row = {"word_error_rate": difference["absolute"], "confidence_95": (low, high)}
    chart = interval_row(Scale(-reach, reach), [Tick(0, "0")], row, standing.status)
    text = f"First model minus second, 95 % interval: {100 * low:+.2f} to {100 * high:+.2f} percentage points"
    return element("figure", element("figcaption", text), chart)


def _missed_words(words: Sequence[Answer]) -> Markup:
    known = {True: "yes", False: "no", None: "not known"}
    rows: list[list[Child]] = [
        [
            name(one["word"]),
            f"{one['missed']} of {one['of']}" + (f", added {one['inserted']} times" if one.get("inserted") else ""),
            join([[", " if place else None, name(text)] for place, text in enumerate(one["recognized_as"])]) or "–",
            known[one.get("in_training_data")],
        ]
        for one in words
    ]
    columns = {"Word": "", "Missed": "number", "Recognized as": "", "In training data": ""}
    return table("Words that the first model misses most", columns, rows)


def _worst(worst: Sequence[Answer], locale: str) -> Markup:
    items = []
    for one in worst:
        said, recognized = _marked(one.get("reference"), one["hypothesis"], locale)
        lines = [element("dt", "Said"), element("dd", said), element("dt", "Recognized"), element("dd", recognized)]
        items.append(
            element("li", element("strong", name(one["file"])), f" {one['errors']} errors", element("dl", lines))
        )
    marks = [element("del", "left out"), ", ", element("ins", "added"), ", ", element("mark", "replaced")]
    legend = paragraph(["Worst utterances of the first model. ", *marks], "soft")
    return join(legend, element("ol", items, class_="utterances"))


def _marked(reference: str | None, hypothesis: str, locale: str) -> tuple[Markup, Markup]:
    """Return what was said and what was recognized, with the edits marked."""
    if reference is None:
        return element("span", "not known", class_="soft"), name(hypothesis)
    said, recognized = normalized_words(reference, locale), normalized_words(hypothesis, locale)
    if max(len(said), len(recognized)) > _MAX_ALIGNED_WORDS:
        return name(reference), name(hypothesis)
    tags = {"deletion": "del", "insertion": "ins", "substitution": "mark"}
    sides: tuple[list[Child], list[Child]] = ([], [])
    for edit in alignment(said, recognized):
        for side, word in zip(sides, (edit.said, edit.recognized), strict=True):
            if word:
                side += [word if edit.kind == "correct" else element(tags[edit.kind], word), " "]
    return element("bdi", sides[0]), element("bdi", sides[1])


def _rate_scale(models: Sequence[Answer]) -> tuple[Scale, list[Tick]]:
    ends = [end for one in models for end in (one["word_error_rate"] or 0, *(one.get("confidence_95") or ()))]
    highest = max(0.01, 1.08 * max(ends))
    return Scale(0, highest), percentages(highest)


def _rate_of(model: Answer) -> str:
    return rate_text(model["word_error_rate"], model.get("confidence_95"))


def rate_text(rate: float | None, interval: Sequence[float] | None = None) -> str:
    """Return a rate in percent, with its interval if that is known."""
    if rate is None:
        return "–"
    shown = f"{100 * rate:.1f}\N{NO-BREAK SPACE}%"
    return f"{shown} ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})" if interval else shown
