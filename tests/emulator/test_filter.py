"""Filters of lists."""

import contextlib
import json
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_emulator.http.odata_filter import parse_filter
from custom_speech_emulator.http.responses import ServiceError
from support.emulator_service import Resource

NAMES = ("displayName", "locale", "status", "createdDateTime")


def holds(expression: str, **document: str) -> bool:
    """Return whether a document matches a filter."""
    condition = parse_filter(expression, NAMES)
    asked = f"SELECT {condition.sql} FROM (SELECT ? AS document)"  # noqa: S608 - what is tested
    with closing(sqlite3.connect(":memory:")) as db:
        return bool(db.execute(asked, (*condition.values, json.dumps(document))).fetchone()[0])


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1))
def test_filter_takes_any_text_in_quotes(text: str) -> None:
    """Quotes are doubled; no other character has a meaning."""
    quoted = "'" + text.replace("'", "''") + "'"

    assert holds(f"displayName eq {quoted}", displayName=text)
    assert not holds(f"displayName ne {quoted}", displayName=text)
    assert not holds(f"displayName eq {quoted}", displayName=text + "!")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("locale eq 'a' or locale eq 'b' and status eq 'x'", True),
        ("(locale eq 'a' or locale eq 'b') and status eq 'x'", False),
        ("not locale eq 'b' and not (status eq 'x')", True),
        ("not (locale eq 'a' and status eq 'y')", False),
        ("not not locale eq 'a'", True),
    ],
)
def test_filter_binds_not_before_and_before_or(expression: str, expected: bool) -> None:
    """The precedence is that of OData."""
    assert holds(expression, locale="a", status="y") is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("createdDateTime ge 2020-03-11T00:00:00Z", True),
        ("createdDateTime gt 2020-03-11T00:00:00Z", False),
        ("createdDateTime eq 2020-03-11T01:00:00+01:00", True),
        ("createdDateTime lt '2020-03-12T00:00:00Z'", True),
        ("createdDateTime le 2020-03-10", False),
    ],
)
def test_filter_compares_time_stamps_as_moments(expression: str, expected: bool) -> None:
    """Timestamps can be bare or quoted and have any time zone."""
    assert holds(expression, createdDateTime="2020-03-11T00:00:00Z") is expected


@pytest.mark.parametrize("word", ["and", "or"])
def test_filter_may_be_long(eastus: Resource, word: str) -> None:
    """A filter can contain hundreds of names."""
    names = f" {word} ".join(["displayName eq 'Contoso en-US'"] * 200)

    assert len(eastus.ask("GET", "/projects", {"filter": names})["values"]) == 1


WORST = "locale eq 'a' or locale eq 'c' and "
NESTED = ["not " * 10, "(" * 10, f"{WORST}(" * 10, f"{WORST}not (" * 5]


@pytest.mark.parametrize("opening", NESTED)
def test_filter_may_be_nested(eastus: Resource, opening: str) -> None:
    """The limit is ten."""
    expression = opening + "locale eq 'b'" + ")" * opening.count("(")

    assert eastus.send("GET", "/models", {"filter": expression}).status_code == 200
    assert eastus.refusal("GET", "/models", {"filter": f"not ({expression})"}) == (400, "UnsupportedFilter")


def test_filter_takes_a_missing_property_as_different(eastus: Resource) -> None:
    """A missing description matches `ne` and does not match `eq`."""
    assert len(eastus.ask("GET", "/projects", {"filter": "description ne 'x'"})["values"]) == 3
    assert eastus.ask("GET", "/projects", {"filter": "description eq 'x'"})["values"] == []


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "displayName",
        "displayName eq",
        "displayName eq x",
        "displayName eq 'x",
        "displayName eq 'x' and",
        "displayName eq 'x' displayName eq 'y'",
        "displayName EQ 'x'",
        "displayName gt 'x'",
        "secret eq 'x'",
        "createdDateTime gt 'yesterday'",
        "createdDateTime gt 2020-03-011T00:00:00Z",
        "('x' eq displayName)",
        "(displayName eq 'x'",
        "displayName eq 'x')",
        "(" * 5000,
        "not " * 5000,
        "1=1; DROP TABLE entity",
    ],
)
def test_filter_is_refused_outside_the_grammar(eastus: Resource, expression: str) -> None:
    """The code is UnsupportedFilter (specification)."""
    assert eastus.refusal("GET", "/models", {"filter": expression}) == (400, "UnsupportedFilter")


@given(st.text())
def test_filter_is_parsed_or_refused_and_never_breaks(text: str) -> None:
    with contextlib.suppress(ServiceError):
        assert parse_filter(text, NAMES).sql


@pytest.mark.parametrize(("kind", "expected"), [("Acoustic", 2), ("Language", 4)])
def test_filter_takes_the_kind_of_a_dataset(eastus: Resource, kind: str, expected: int) -> None:
    """Datasets have one more filterable property than models."""
    assert len(eastus.ask("GET", "/datasets", {"filter": f"kind eq '{kind}'"})["values"]) == expected
    assert eastus.refusal("GET", "/models", {"filter": f"kind eq '{kind}'"}) == (400, "UnsupportedFilter")
