"""The `filter` query: `displayName eq 'x' and not (status eq 'Failed')`, read by a grammar, run as SQL.

    expression = term { "or" term }
    term       = factor { "and" factor }
    factor     = "not" factor | "(" expression ")" | property operator literal

Text stands in single quotes, a quote in it is doubled; time stamps stand bare or quoted. Values never enter the SQL.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from custom_speech_emulator.http.error_responses import invalid
from custom_speech_emulator.state.clock import moment, stamp

DATES = {"createdDateTime", "lastActionDateTime"}
_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<mark>[()])|(?P<word>[^\s()']+))")
_OPERATORS = {"eq": "IS", "ne": "IS NOT", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_LONGEST = 2000
# sqlite's parser holds a hundred things; each level takes up to six of them.
_DEEPEST = 10


@dataclass(frozen=True)
class Condition:
    """A piece of SQL over `document` and its parameters."""

    sql: str
    values: tuple[str, ...]


def parsed(expression: str, properties: Collection[str]) -> Condition:
    """Return the condition that an expression means; 400 `UnsupportedFilter` if it is not in the grammar."""
    parser = _Parser(_tokens(expression), properties)
    condition = parser.expression()
    if parser.next is not None:
        raise _wrong(f"unexpected {parser.next!r}")
    return condition


def _wrong(why: str) -> Exception:
    return invalid("UnsupportedFilter", f"The filter is not valid: {why[:200]}.", "filter")


def _tokens(expression: str) -> list[str]:
    tokens, at = [], 0
    expression = expression.rstrip()
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if not found:
            raise _wrong("a quote is not closed")
        tokens.append(found[found.lastgroup or 0])
        at = found.end()
    if len(tokens) > _LONGEST:
        raise _wrong(f"it has more than {_LONGEST} words")
    return tokens


class _Parser:
    def __init__(self, tokens: list[str], properties: Collection[str]):
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._properties = properties

    @property
    def next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> str:
        token = self.next
        if token is None:
            raise _wrong("it ends too early")
        self._at += 1
        return token

    def expression(self) -> Condition:
        return self._chain("or", lambda: self._chain("and", self._factor))

    def _chain(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self.next == word:
            self._take()
            parts.append(part())
        sql = f" {word.upper()} ".join(one.sql for one in parts)
        return parts[0] if len(parts) == 1 else Condition(f"({sql})", tuple(v for one in parts for v in one.values))

    def _factor(self) -> Condition:
        word = self._take()
        if word not in ("not", "("):
            return self._comparison(word)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _wrong(f"it is nested more than {_DEEPEST} deep")
        inner = self._factor() if word == "not" else self.expression()
        if word == "(" and self._take() != ")":
            raise _wrong("a bracket is not closed")
        self._depth -= 1
        return Condition(f"(NOT {inner.sql})", inner.values) if word == "not" else inner

    def _comparison(self, name: str) -> Condition:
        if name not in self._properties:
            raise _wrong(f"{name!r} is not one of {', '.join(sorted(self._properties))}")
        operator = self._take()
        if operator not in _OPERATORS or (operator not in ("eq", "ne") and name not in DATES):
            raise _wrong(f"{operator!r} is not an operator for {name}")
        value = _literal(name, self._take())
        column = f"json_extract(document, '$.{name}')"
        comparison = f"{column} {_OPERATORS[operator]} ?"
        # IS and IS NOT never give NULL, and stand alone so that an index serves them.
        return Condition(comparison if operator in ("eq", "ne") else f"coalesce({comparison}, 0)", (value,))


def _literal(name: str, token: str) -> str:
    quoted = token.startswith("'")
    text = token[1:-1].replace("''", "'") if quoted else token
    if name not in DATES:
        if not quoted:
            raise _wrong(f"the value of {name} has no quotes")
        return text
    try:
        return stamp(moment(text))
    except (ValueError, OverflowError):
        raise _wrong(f"{text!r} is not a date and time") from None
