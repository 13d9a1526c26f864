"""HTML and SVG as text in which everything is escaped that is not markup already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape, unescape
from typing import Any, NamedTuple


class Standing(NamedTuple):
    """How something stands: in words, and as `good`, `warn`, `bad` or empty."""

    text: str
    status: str


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


Answer = Mapping[str, Any]
"""The structured content of a tool's answer."""

Child = str | int | float | None | Iterable["Child"]

MAX_NAME = 80
"""Characters of a name that are shown; the others are in its title."""

MAX_ROWS = 30
"""Rows of a chart that are shown at once; the others can be unfolded."""

_WITHOUT_END = frozenset({"line", "rect", "circle", "path", "br", "meta"})


def element(tag: str, *children: Child, **attributes: str | float | None) -> Markup:
    """Return an element; `class_` stands for `class`, `data_label` for `data-label`, None leaves an attribute out."""
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _WITHOUT_END:
        return Markup(f"<{tag}{given}/>")
    return Markup(f"<{tag}{given}>{join(*children)}</{tag}>")


def join(*children: Child) -> Markup:
    """Return children one after the other: markup as it is, everything else escaped."""
    parts = []
    for child in children:
        if isinstance(child, Markup):
            parts.append(str(child))
        elif isinstance(child, str | int | float):
            parts.append(escape(str(child)))
        elif child is not None:
            parts.append(join(*child))
    return Markup("".join(parts))


def name(text: object, fallback: str = "–") -> Markup:
    """Return a name of the service; its direction of writing does not change that of the text around it."""
    whole = str(text or fallback)
    if len(whole) <= MAX_NAME:
        return element("bdi", whole)
    return element("bdi", whole[: MAX_NAME - 1] + "…", title=whole)


def plain(markup: str) -> str:
    """Return markup of this module as text; it has no ">" but that of tags."""
    return unescape(re.sub(r"<[^>]*>", "", markup.replace("</div>", " ")))


def badge(text: str, status: str = "") -> Markup:
    """Return a short label; its colour only repeats what it says."""
    return element("span", text, class_=f"badge {status}".strip())


def paragraph(text: Child, class_: str) -> Markup:
    """Return a paragraph: `empty`, `warn`, or `soft`."""
    return element("p", text, class_=class_)


def section(identifier: str, title: str, *children: Child) -> Markup:
    """Return a part of the page under its heading."""
    heading = element("h2", title, id=f"{identifier}-title")
    return element("section", heading, *children, id=identifier, aria_labelledby=f"{identifier}-title")


def table(
    caption: str, columns: Mapping[str, str], rows: Sequence[list[Child]], axis: Markup | None = None, class_: str = ""
) -> Markup:
    """Return a table that becomes one card a row on a narrow screen, which the roles survive; long charts are folded.

    Args:
        columns: Their kinds by title: `number`, `short` (never broken), `wide` or empty.
        rows: The cells; the first one of each row is its header.
        axis: Stands above charts in the last cells.
    """
    if axis is not None and len(rows) > MAX_ROWS:
        more = f"{len(rows) - MAX_ROWS} more"
        others = table(more, columns, rows[MAX_ROWS:], axis)
        return join(
            table(caption, columns, rows[:MAX_ROWS], axis), element("details", element("summary", more), others)
        )
    titles: list[tuple[Child, str]] = [*columns.items(), *([(axis, "chart")] if axis else [])]
    head = [element("th", title, scope="col", role="columnheader", class_=kind or None) for title, kind in titles]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row", role="rowheader", class_=titles[0][1] or None),
            [
                element("td", cell, role="cell", class_=kind or None, data_label=None if title is axis else str(title))
                for cell, (title, kind) in zip(row[1:], titles[1:], strict=True)
            ],
            role="row",
        )
        for row in rows
    ]
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", head, role="row"), role="rowgroup"),
        element("tbody", body, role="rowgroup"),
        role="table",
        class_="chart" if axis else class_ or None,
    )
