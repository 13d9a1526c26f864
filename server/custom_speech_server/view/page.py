"""The page as a whole: its frame, its summary, and its parts in the order of what matters first."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from custom_speech_server.view.evaluations import error_rates, rate_text, tests_section, verdict_of
from custom_speech_server.view.expirations import ACTION_DAYS, days_left, needed_actions, timeline
from custom_speech_server.view.inventory import endpoints_table, models_table, unread_notice
from custom_speech_server.view.markup import Answer, Child, Markup, badge, element, join, name

_PARTS = {
    "actions": "Needs action",
    "timeline": "What ends when",
    "rates": "Error rates",
    "tests": "Tests",
    "models": "Models",
    "endpoints": "Endpoints",
}
_MAX_LIVE = 4
"""Endpoints that the summary names."""


def report_page(report: Mapping[str, Any]) -> str:
    """Return the page that `report --html` writes.

    Args:
        report: What `report --json` prints.
    """
    live = {one["model"]["id"] for one in report["endpoints"]["endpoints"] if one.get("model")}
    originals = {str(one.get("copied_from")) for one in report["models"]["models"] if one["id"] in live}
    details = {test["id"]: test for test in report["tests"]}
    every = [one | details.get(one["id"], {}) for one in report["evaluations"]["evaluations"]]
    hidden = sum(one["status"] == "Succeeded" for one in every) - len(details)
    nothing = "Nothing that was read" if report["unread"] else "Nothing"
    return html_page(
        _header(report),
        unread_notice(report["unread"]),
        element("dl", [_fact(*fact) for fact in summary(report)], class_="summary"),
        element("nav", [element("a", title, href=f"#{part}") for part, title in _PARTS.items()], aria_label="Parts"),
        needed_actions(report["expirations"], f"{nothing} ends within {ACTION_DAYS} days."),
        timeline(report["expirations"]),
        error_rates(every, live | originals),
        tests_section(report["tests"], max(0, hidden)),
        models_table(report["models"], live),
        endpoints_table(report["endpoints"]),
    )


def _fact(title: str, fact: str, more: Markup) -> Markup:
    return element("div", element("dt", title), element("dd", element("strong", fact), element("div", more)))


def html_page(*parts: Child) -> str:
    """Return a whole page around its parts."""
    style, script = (files(__package__).joinpath(file).read_text(encoding="utf-8") for file in ("view.css", "view.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("title", "Azure custom speech"),
        element("style", Markup(style)),
    ]
    body = [element("main", *parts), element("script", Markup(script))]
    return "<!doctype html>\n" + element("html", element("head", head), element("body", body), lang="en") + "\n"


def emulated_badge(answer: Answer) -> Markup | None:
    """Return a label for answers of the emulator."""
    text = "Nothing here is on Azure, and error rates are simulated."
    return element("p", badge("EMULATED", "warn"), " ", text) if answer.get("emulated") else None


def _header(report: Mapping[str, Any]) -> Markup:
    unread = {one["resource"] for one in report["unread"]}
    resources = [
        element(
            "li",
            [name(one["name"]), " "],
            badge("EMULATED", "warn") if one["emulated"] else None,
            badge("not read", "bad") if one["name"] in unread else None,
        )
        for one in report["resources"]["resources"]
    ]
    day, time = report["now"][:10], report["now"][11:16]
    return element(
        "header",
        element("h1", "Azure custom speech"),
        element("p", f"As of {day}, {time} UTC. Resources:", class_="soft"),
        element("ul", resources, class_="resources"),
    )


def summary(report: Mapping[str, Any]) -> list[tuple[str, str, Markup]]:
    """Return the facts that are seen first: what about, how much, and which."""
    endpoints = [one for one in report["endpoints"]["endpoints"] if one["status"] == "Succeeded"]
    names = {str(one["resource"]) for one in report["unread"]}
    not_read = name(", ".join(sorted(names))) if names else "every resource answered to the end"
    models = report["models"]["models"]
    ready = sum(one["status"] == "Succeeded" for one in models)
    return [
        ("Models", _number(models, report["models"], report), join(f"{ready} ready")),
        ("Endpoints live", _number(endpoints, report["endpoints"], report), _live(endpoints)),
        ("Ends next", *_next_end(report["expirations"])),
        ("Newest test", *_newest_test(report["tests"])),
        ("Not read", str(len(names) or "nothing"), join(not_read)),
    ]


def _number(found: Sequence[Answer], answer: Answer, report: Mapping[str, Any]) -> str:
    if not report["unread"] and not answer["truncated"]:
        return str(len(found))
    return f"at least {len(found)}" if found else "not known"


def _live(endpoints: Sequence[Answer]) -> Markup:
    shown = [
        element("div", name(one["display_name"]), " (", name(one["resource"]), ") → ", _model(one["model"] or {}))
        for one in endpoints[:_MAX_LIVE]
    ]
    more = len(endpoints) - _MAX_LIVE
    return join(shown or "none was read", element("a", f"{more} more", href="#endpoints") if more > 0 else None)


def _next_end(answer: Answer) -> tuple[str, Markup]:
    coming = [(one, days) for one in answer["items"] if (days := days_left(one, answer)) >= 0]
    if not coming:
        return "not known" if answer.get("unread") else "nothing", Markup("within ten years")
    first, days = coming[0]
    same_day = sum(one["ends"] == first["ends"] for one, _ in coming) - 1
    more = f" and {same_day} more" if same_day else ""
    read = ", of what was read" if answer.get("unread") else ""
    kind = first["kind"].replace("_", " ")
    return first["ends"], join(
        f"in {days} days: ", name(first["what"]), f", {kind}, ", name(first["resource"]), more, read
    )


def _newest_test(tests: Sequence[Answer]) -> tuple[str, Markup]:
    if not tests:
        return "none", Markup("no finished test was read")
    first, second = tests[0]["models"]
    rates = f": {rate_text(first['word_error_rate'])} against {rate_text(second['word_error_rate'])} of "
    return verdict_of(tests[0]).text, join(_model(first), rates, _model(second), ", on ", _model(tests[0]["dataset"]))


def _model(part: Answer) -> Markup:
    return name(part.get("display_name"), part.get("id", "–"))
