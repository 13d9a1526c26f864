"""Models, endpoints and targets of a rollout as tables, and what was not read."""

from collections.abc import Collection, Mapping, Sequence

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

_TARGET_PARTS = ("copy", "project", "endpoint", "previous_model")
_STATUS = {
    "Succeeded": Standing("✓ Succeeded", "good"),
    "Failed": Standing("✕ Failed", "bad"),
    "Running": Standing("… Running", "warn"),
}


def unread_notice(unread: Sequence[Answer]) -> Markup | None:
    """Return what was not read, before everything else."""
    if not unread:
        return None
    reasons = [element("li", element("strong", name(one["resource"])), f": {one['reason']}") for one in unread]
    text = element("p", element("strong", "Not everything was read."), " Models, endpoints and tests may be missing:")
    return element("div", text, element("ul", reasons), class_="notice", role="note", id="unread")


def models_table(answer: Answer, live: Collection[str] = ()) -> Markup:
    """Return the custom models.

    Args:
        live: The ids of models that endpoints have.
    """
    rows: list[list[Child]] = []
    for one in answer["models"]:
        resource = one.get("resource") or answer["resource"]
        title = join(name(one["display_name"]), " ", badge("live", "good") if one["id"] in live else None)
        until = one.get("transcription_until") or "–"
        rows.append([title, name(resource), one["locale"], _status(one), _day(one), until])
    columns = {"Model": "wide", "Resource": "", "Locale": "", "Status": "", "Created": "short", "Works until": "short"}
    return _searchable("models", "Custom models", answer, columns, rows)


def endpoints_table(answer: Answer) -> Markup:
    """Return the endpoints, with the model that each has."""
    rows: list[list[Child]] = []
    for one in answer["endpoints"]:
        resource = name(one.get("resource") or answer["resource"])
        rows.append([name(one["display_name"]), _part(one["model"]), resource, one["locale"], _status(one), _day(one)])
    columns = {"Endpoint": "wide", "Model": "wide", "Resource": "", "Locale": "", "Status": "", "Created": "short"}
    return _searchable("endpoints", "Endpoints", answer, columns, rows)


def rollout(answer: Answer) -> Markup:
    """Return the state of a rollout: its gate and its targets."""
    gate, verdicts = answer["gate"], {True: ("gate passed", "good"), False: ("gate not passed", "bad")}
    rows: list[list[Child]] = []
    for one in answer["targets"]:
        remaining = ", ".join(one.get("remaining") or ()) or "–"
        parts = [_part(one[part]) for part in _TARGET_PARTS]
        rows.append([name(one["resource"]), _status(one), *parts, remaining, one.get("error") or "–"])
    titles = ("Resource", "Status", "Copy", "Project", "Endpoint", "Model before", "Remaining", "Error")
    caption = "Finished" if answer["finished"] else "Not finished"
    title = f"Rollout of {answer['model']['display_name'] or answer['model']['id']}"
    verdict = element("p", badge(*verdicts.get(gate["passed"], ("gate not judged", "warn"))), " ", gate["reason"])
    return section("rollout", title, verdict, table(caption, dict.fromkeys(titles, ""), rows))


def _searchable(
    identifier: str, title: str, answer: Answer, columns: Mapping[str, str], rows: list[list[Child]]
) -> Markup:
    is_partial = bool(answer.get("unread"))
    if not rows:
        text = "None was read." if is_partial else f"There are no {title.lower()}."
        return section(identifier, title, paragraph(text, "empty"))
    number = f"{len(rows)}{' were read' if is_partial else ''}, newest first"
    cut = paragraph(f"Only {answer['truncated']}", "warn") if answer.get("truncated") else None
    return section(identifier, title, cut, table(number, columns, rows, class_="searchable"))


def _status(entity: Answer) -> Markup:
    text, colour = _STATUS.get(entity["status"], (entity["status"], ""))
    return element("span", text, class_=colour or None)


def _day(entity: Answer) -> str:
    return str(entity.get("created") or "–")[:10]


def _part(part: Answer | None) -> Markup:
    return name(part and part["display_name"], part["id"] if part else "–")
