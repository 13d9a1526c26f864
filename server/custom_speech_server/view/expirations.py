"""What ends, from the answer of check_expirations: what needs action, and all of it on a scale of time."""

from datetime import date

from custom_speech_server.view.charts import Scale, axis, bar_row, months
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

ACTION_DAYS = 90
"""Days in which what ends needs an action."""

_URGENT_DAYS = 30


def needed_actions(answer: Answer, nothing: str | None = None) -> Markup | None:
    """Return what ends within 90 days or has ended, with what to do; nothing helps a base model that has closed.

    Args:
        nothing: Stands there if nothing does; None leaves the section out, for answers about fewer days.
    """
    standings = [(item, days_left(item, answer)) for item in answer["items"]]
    due = [
        element("li", _action(item, days))
        for item, days in standings
        if days <= ACTION_DAYS and (days >= 0 or item["kind"] != "base_model")
    ]
    if not due and nothing is None:
        return None
    shown = element("ul", due, class_="cards") if due else paragraph(nothing, "empty")
    return section("actions", f"Needs action within {ACTION_DAYS} days", shown)


def _action(item: Answer, days: int) -> Markup:
    standing = _standing(days)
    return join(
        element("p", badge(*standing), " ", element("strong", name(item["what"])), _whereabouts(item), _ends(item)),
        element("p", item["effect"]),
        element("p", element("strong", "Do: "), item["action"]),
        element("p", element("code", item["call"])),
    )


def timeline(answer: Answer) -> Markup:
    """Return what ends, one row an entity, on a common scale of time."""
    title, items = "What ends when", answer["items"]
    if not items:
        what = "Nothing that was read has an end." if answer.get("unread") else "Nothing ends in the time looked at."
        return section("timeline", title, paragraph(what, "empty"))
    today = date.fromisoformat(answer["now"][:10])
    ends = [date.fromisoformat(item["ends"]) for item in items]
    scale = Scale(min(today, *ends).toordinal() - 10, max(today, *ends).toordinal() + 20)
    ticks = months(scale)
    rows: list[list[Child]] = []
    for item, end in zip(items, ends, strict=True):
        standing = _standing((end - today).days)
        chart = bar_row(scale, ticks, today.toordinal(), end.toordinal(), standing.status)
        rows.append([join(name(item["what"]), _whereabouts(item)), item["ends"], standing.text, chart])
    counts = ", ".join(f"{month}: {number}" for month, number in answer["per_month"].items())
    caption = f"Soonest first; the vertical line is today, {today}. By month: {counts}"
    cut = paragraph(answer["truncated"], "warn") if answer.get("truncated") else None
    columns = {"What": "wide", "Ends": "short", "Left": "short"}
    return section("timeline", title, cut, table(caption, columns, rows, axis(scale, ticks)))


def days_left(item: Answer, answer: Answer) -> int:
    """Return the days from the time of the answer until an item ends, negative if it has ended."""
    return (date.fromisoformat(item["ends"]) - date.fromisoformat(answer["now"][:10])).days


def _standing(days: int) -> Standing:
    if days < 0:
        return Standing(f"▲ ended {-days} days ago", "bad")
    text = "today" if days == 0 else f"in {days} day{'' if days == 1 else 's'}"
    if days <= _URGENT_DAYS:
        return Standing(f"▲ {text}", "bad")
    return Standing(f"● {text}", "warn") if days <= ACTION_DAYS else Standing(text, "")


def _ends(item: Answer) -> Markup:
    return element("span", f" · ends {item['ends']}", class_="soft")


def _whereabouts(item: Answer) -> Markup:
    return element("span", f" {item['kind'].replace('_', ' ')} · ", name(item["resource"]), class_="soft")
