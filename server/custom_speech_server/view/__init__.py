"""The view: a self-contained page with expirations, error rates, models and the state of a rollout.

The page loads no other content, is complete without JavaScript, and escapes all text from the service.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from custom_speech_server.view import evaluation_charts
from custom_speech_server.view.evaluation_charts import JSONObject, Scale, StatusLabel, month_scale

ACTION_DAYS = 90  # before an expiration, in which it needs an action, as the headings of the page say
_URGENT_DAYS = 30
_MAX_LIVE = 4  # endpoints in the summary
_MAX_NAME = 80  # shown characters of a name; the title has the whole name


def report_page(report: Mapping[str, Any]) -> str:
    """Return the page of `report --html` for the object of `report --json`."""
    endpoints = report["endpoints"]["endpoints"]
    live = {one["model"]["id"] for one in endpoints if one["status"] == "Succeeded" and one.get("model")}
    originals = {str(one.get("copied_from")) for one in report["models"]["models"] if one["id"] in live}
    details = {test["id"]: test for test in report["tests"]}
    every = [one | details.get(one["id"], {}) for one in report["evaluations"]["evaluations"]]
    return html_page(
        report=report,
        facts=summary(report),
        tested=evaluation_charts.by_dataset(every),
        live=live,
        live_or_copied=live | originals,
        hidden=max(0, len(evaluation_charts.finished(report["evaluations"])) - len(details)),
    )


def html_page(**content: Any) -> str:
    """Return a page or, without content, the empty page that MCP Apps clients load before a tool result."""
    style, script = (files(__package__).joinpath(file).read_text(encoding="utf-8") for file in ("view.css", "view.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    frame = {"style": style, "script": script, "script_digest": digest}
    return _templates().get_template("page.html").render(frame | content)


def fragment(tool: str, answer: JSONObject) -> str:
    """Return the part of the page that shows a tool result."""
    return _templates().get_template("fragment.html").render(tool=tool, answer=answer)


def summary(report: Mapping[str, Any]) -> list[tuple[str, str, Markup]]:
    """Return the summary at the top of the page: for each fact its title, value and details."""
    endpoints = [one for one in report["endpoints"]["endpoints"] if one["status"] == "Succeeded"]
    names = {str(one["resource"]) for one in report["unread"]}
    unread = ", ".join(sorted(names)) or "every resource answered to the end"
    models = report["models"]["models"]
    ready = sum(one["status"] == "Succeeded" for one in models)
    return [
        ("Models", _number(models, report["models"]), Markup("{} ready").format(ready)),
        (
            "Endpoints live",
            _number(endpoints, report["endpoints"]),
            _endpoint_links(endpoints, report["endpoints"]),
        ),
        ("Next expiration", *_next_expiration_fact(report["expirations"])),
        ("Newest test", *_newest_test_fact(report["tests"], report["evaluations"])),
        ("Not read", str(len(names) or "nothing"), _name(unread)),
    ]


@cache
def _templates() -> Environment:
    loader = PackageLoader(__package__, "")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "name": _name,
        "rate": evaluation_charts.rate,
        "rate_scale": evaluation_charts.rate_scale,
        "difference_scale": evaluation_charts.difference_scale,
        "verdict": evaluation_charts.verdict,
        "edits": evaluation_charts.edits,
        "due_items": _due_items,
        "timeline_rows": _timeline_rows,
    }
    environment.tests |= {"void": evaluation_charts.is_void, "partial": _is_partial}
    return environment


def _name(text: object, fallback: str = "–") -> Markup:
    """Return a name as HTML that isolates its writing direction, shortened if it is long."""
    whole = str(text or fallback)
    if len(whole) <= _MAX_NAME:
        return Markup("<bdi>{}</bdi>").format(whole)
    return Markup('<bdi title="{}">{}…</bdi>').format(whole, whole[: _MAX_NAME - 1])


def _number(found: Sequence[JSONObject], answer: JSONObject) -> str:
    if _is_partial(answer):
        return f"at least {len(found)}" if found else "not known"
    return str(len(found))


def _endpoint_links(endpoints: Sequence[JSONObject], answer: JSONObject) -> Markup:
    line = Markup("<div>{} ({}) → {}</div>")
    shown = [
        line.format(_name(one["display_name"]), _name(one["resource"]), _model(one["model"] or {}))
        for one in endpoints[:_MAX_LIVE]
    ]
    more = len(endpoints) - _MAX_LIVE
    link = Markup('<a href="#endpoints">{} more</a>').format(more) if more > 0 else ""
    nothing = Markup("none was read") if _is_partial(answer) else Markup("none")
    return Markup("").join([*shown, link]) if shown else nothing


def _next_expiration_fact(answer: JSONObject) -> tuple[str, Markup]:
    today = date.fromisoformat(answer["now"][:10])
    ends = [(one, (date.fromisoformat(one["ends"]) - today).days) for one in answer["items"]]
    coming = [(one, days) for one, days in ends if days >= 0]
    if not coming:
        return "not known" if answer.get("unread") else "nothing", Markup("within ten years")
    first, days = coming[0]
    same_day = sum(one["ends"] == first["ends"] for one, _ in coming) - 1
    more = f" and {same_day} more" if same_day else ""
    read = ", among the resources that were read" if answer.get("unread") else ""
    kind = first["kind"].replace("_", " ")
    text = Markup("{}: {}, {}, {}").format(_days_from_now(days), _name(first["what"]), kind, _name(first["resource"]))
    return first["ends"], text + more + read


def _newest_test_fact(tests: Sequence[JSONObject], answer: JSONObject) -> tuple[str, Markup]:
    if not tests:
        is_known = not _is_partial(answer) and not evaluation_charts.finished(answer)
        return ("none", Markup("no test has finished")) if is_known else ("not known", Markup("no test was read"))
    first, second = tests[0]["models"]
    rates = [evaluation_charts.rate(model["word_error_rate"]) for model in (first, second)]
    names = [_model(part) for part in (first, second, tests[0]["dataset"])]
    text = Markup("{}: {} against {} of {}, on {}").format(names[0], *rates, *names[1:])
    return evaluation_charts.verdict(tests[0]).text, text


def _model(part: JSONObject) -> Markup:
    return _name(part.get("display_name"), part.get("id", "–"))


def _days_from_now(days: int) -> str:
    return "today" if days == 0 else f"in {days} day{'' if days == 1 else 's'}"


def _is_partial(answer: JSONObject) -> bool:
    """Return whether a list may be incomplete."""
    return bool(answer.get("unread") or answer["truncated"])


def _urgency_label(days: int) -> StatusLabel:
    if days < 0:
        return StatusLabel(f"▲ ended {-days} days ago", "bad")
    text = _days_from_now(days)
    if days <= _URGENT_DAYS:
        return StatusLabel(f"▲ {text}", "bad")
    return StatusLabel(f"● {text}", "warn") if days <= ACTION_DAYS else StatusLabel(text, "")


def _due_items(answer: JSONObject) -> list[tuple[JSONObject, StatusLabel]]:
    """Return the items that expire within 90 days or have expired, without expired base models."""
    today = date.fromisoformat(answer["now"][:10])
    items = [(item, (date.fromisoformat(item["ends"]) - today).days) for item in answer["items"]]
    return [
        (item, _urgency_label(days))
        for item, days in items
        if days <= ACTION_DAYS and (days >= 0 or item["kind"] != "base_model")
    ]


def _timeline_rows(answer: JSONObject) -> tuple[Scale, list[dict[str, Any]]]:
    """Return a time scale, and a row for each expiration."""
    today = date.fromisoformat(answer["now"][:10])
    ends = [date.fromisoformat(item["ends"]) for item in answer["items"]]
    rows = [
        {"item": item, "today": today.toordinal(), "end": end.toordinal(), "label": _urgency_label((end - today).days)}
        for item, end in zip(answer["items"], ends, strict=True)
    ]
    return month_scale([today, *ends]), rows
