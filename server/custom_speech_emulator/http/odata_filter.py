"""The `filter` query parameter, such as `displayName eq 'x' and not (status eq 'Failed')`, translated to SQL.

    expression = term { "or" term }
    term       = factor { "and" factor }
    factor     = "not" factor | "(" expression ")" | property operator literal

String literals use single quotes, and a quote inside is doubled. Timestamps may be quoted or bare. Values are bound as
parameters of the SQL, whose precedence of `not`, `and` and `or` is that of OData.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

from custom_speech_emulator.http.responses import invalid
from custom_speech_emulator.state.emulator_state import format_time, parse_time

_DATES = {"createdDateTime", "lastActionDateTime"}
_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()]|(?:not|and|or)(?![^\s()']))"
    r"|(?P<name>[^\s()']+)\s+(?P<operator>[^\s()']++)\s*(?P<value>'(?:[^']|'')*'|[^\s()']+))"
)
_OPERATORS = {"eq": "IS", "ne": "IS NOT", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_MAX_COMPARISONS = 500  # the limit of sqlite is an expression depth of 1,000
_MAX_NESTING = 10  # brackets and negations; each uses up to six of the hundred entries of sqlite's parser stack


class SqlCondition(NamedTuple):
    """An SQL condition on the column `document`, and its parameters."""

    sql: str
    values: tuple[str, ...]


def parse_filter(expression: str, properties: Collection[str]) -> SqlCondition:
    """Return the SQL condition of a filter expression, or raise a 400 `UnsupportedFilter` error."""
    sql, values = list[str](), list[str]()
    text, at, expects_operand = expression.rstrip(), 0, True
    opened = negations = 0
    while at < len(text) and len(values) <= _MAX_COMPARISONS:
        token = _TOKEN.match(text, at)
        if not token or (token["mark"] in ("and", "or", ")")) is expects_operand:
            raise _unsupported(f"unexpected {text[at : at + 50]!r}")
        mark, at = token["mark"], token.end()
        if not mark:
            values.append(_parse_value(token["name"], token["operator"], token["value"], properties))
            column, operator = f"json_extract(document, '$.{token['name']}')", _OPERATORS[token["operator"]]
            # IS and IS NOT never result in NULL. Without `coalesce`, an index can be used.
            sql.append(f"{column} {operator} ?" if operator.startswith("IS") else f"coalesce({column} {operator} ?, 0)")
        else:
            sql.append(mark.upper())
        opened += (mark == "(") - (mark == ")")
        negations += mark == "not"
        if not 0 <= opened <= _MAX_NESTING - negations:
            raise _unsupported(f"an unopened bracket, or more than {_MAX_NESTING} brackets and negations")
        expects_operand = mark in ("not", "(", "and", "or")
    if at < len(text) or opened or expects_operand:
        raise _unsupported(f"it is incomplete, or has more than {_MAX_COMPARISONS} comparisons")
    return SqlCondition(" ".join(sql), tuple(values))


def _unsupported(why: str) -> Exception:
    """Return the error for an unsupported filter."""
    return invalid("UnsupportedFilter", f"The filter is not valid: {why[:200]}.", "filter")


def _parse_value(name: str, operator: str, literal: str, properties: Collection[str]) -> str:
    """Return the value of a comparison, or raise a 400 error if it is not supported for the property."""
    if name not in properties:
        raise _unsupported(f"{name!r} is not one of {', '.join(sorted(properties))}")
    if operator not in _OPERATORS or (operator not in ("eq", "ne") and name not in _DATES):
        raise _unsupported(f"{operator!r} is not an operator for {name}")
    quoted = literal.startswith("'")
    text = literal[1:-1].replace("''", "'") if quoted else literal
    if name in _DATES:
        try:
            return format_time(parse_time(text))
        except (ValueError, OverflowError):
            raise _unsupported(f"{text!r} is not a date and time") from None
    if not quoted:
        raise _unsupported(f"the value of {name} has no quotes")
    return text
