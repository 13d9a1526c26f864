"""The `filter` query: `displayName eq 'x' and not (status eq 'Failed')`, read by a grammar, run as SQL.

    expression = term { "or" term }
    term       = factor { "and" factor }
    factor     = "not" factor | "(" expression ")" | property operator literal

Text stands in single quotes, a quote in it is doubled; time stamps stand bare or quoted. Values never enter the SQL,
which binds `not`, `and` and `or` in the same order.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

from custom_speech_emulator.http.responses import invalid
from custom_speech_emulator.state.emulator_state import moment, stamp

_DATES = {"createdDateTime", "lastActionDateTime"}
_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()]|(?:not|and|or)(?![^\s()']))"
    r"|(?P<name>[^\s()']+)\s+(?P<operator>[^\s()']++)\s*(?P<value>'(?:[^']|'')*'|[^\s()']+))"
)
_OPERATORS = {"eq": "IS", "ne": "IS NOT", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_MOST_COMPARISONS = 500  # sqlite takes expressions of a depth of 1,000
_DEEPEST = 10  # brackets and negations: sqlite's parser holds a hundred things, and each takes up to six of them


class Condition(NamedTuple):
    """SQL over `document`, and its parameters."""

    sql: str
    values: tuple[str, ...]


def parsed(expression: str, properties: Collection[str]) -> Condition:
    """Return the condition that an expression means; 400 `UnsupportedFilter` if it is not in the grammar."""
    sql, values = list[str](), list[str]()
    text, at, expects_operand = expression.rstrip(), 0, True
    opened = negations = 0
    while at < len(text) and len(values) <= _MOST_COMPARISONS:
        found = _TOKEN.match(text, at)
        if not found or (found["mark"] in ("and", "or", ")")) is expects_operand:
            raise _wrong(f"unexpected {text[at : at + 50]!r}")
        mark, at = found["mark"], found.end()
        if not mark:
            values.append(_value(found["name"], found["operator"], found["value"], properties))
            column, operator = f"json_extract(document, '$.{found['name']}')", _OPERATORS[found["operator"]]
            # IS and IS NOT never give NULL, and stand alone so that an index serves them.
            sql.append(f"{column} {operator} ?" if operator.startswith("IS") else f"coalesce({column} {operator} ?, 0)")
        else:
            sql.append(mark.upper())
        opened += (mark == "(") - (mark == ")")
        negations += mark == "not"
        if not 0 <= opened <= _DEEPEST - negations:
            raise _wrong(f"a bracket is not open, or there are more than {_DEEPEST} brackets and negations")
        expects_operand = mark in ("not", "(", "and", "or")
    if at < len(text) or opened or expects_operand:
        raise _wrong(f"it ends too early, or has more than {_MOST_COMPARISONS} comparisons")
    return Condition(" ".join(sql), tuple(values))


def _wrong(why: str) -> Exception:
    return invalid("UnsupportedFilter", f"The filter is not valid: {why[:200]}.", "filter")


def _value(name: str, operator: str, literal: str, properties: Collection[str]) -> str:
    if name not in properties:
        raise _wrong(f"{name!r} is not one of {', '.join(sorted(properties))}")
    if operator not in _OPERATORS or (operator not in ("eq", "ne") and name not in _DATES):
        raise _wrong(f"{operator!r} is not an operator for {name}")
    quoted = literal.startswith("'")
    text = literal[1:-1].replace("''", "'") if quoted else literal
    if name in _DATES:
        try:
            return stamp(moment(text))
        except (ValueError, OverflowError):
            raise _wrong(f"{text!r} is not a date and time") from None
    if not quoted:
        raise _wrong(f"the value of {name} has no quotes")
    return text
