"""Faults on request: rules that say which requests fail, when, and how.

    {"fault": "429", "operation": "Models_Create", "nth": 1, "retry_after": 3}
    {"fault": "close-after", "method": "POST", "probability": 0.5, "seed": 7, "times": 10}

A rule fits by `operation`, `method`, `account`, `api_version` and `path` (a part of it); all that are given must fit.
It strikes at the `nth` fitting request, or with a `probability` drawn from `seed`, or always; at most `times` times.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from custom_speech_emulator.http.errors import Refused

Name = Literal[
    "429",
    "500",
    "503",
    "close-before",
    "close-after",
    "slow-headers",
    "slow-body",
    "truncated",
    "not-json",
    "hostile-link",
]
_CODES = {"429": "TooManyRequests", "500": "InternalServerError", "503": "ServiceUnavailable"}


class Rule(BaseModel):
    """One rule. `retry_after`: seconds, None for no header; `retry_after_date` writes it as a date."""

    model_config = ConfigDict(extra="forbid", strict=True)

    fault: Name
    operation: str | None = None
    method: str | None = None
    account: str | None = None
    api_version: str | None = None
    path: str | None = None
    nth: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: int = 0
    times: Annotated[int, Field(ge=1)] | None = None
    retry_after: Annotated[int, Field(ge=0, le=100_000)] | None = None
    retry_after_date: bool = False
    seconds: Annotated[float, Field(ge=0, le=600)] = 1.0
    host: str = "https://elsewhere.example"


_RULES = TypeAdapter(list[Rule])


def rules(value: object) -> list[Rule]:
    """Parse rules from JSON; ValueError says what is wrong with which rule."""
    try:
        return _RULES.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


@dataclass
class Armed:
    """A rule with its counts and its own dice."""

    rule: Rule
    fitted: int = 0
    struck: int = 0
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.rule.seed)  # noqa: S311 - repeatable on purpose

    def strikes(self, request: dict[str, Any]) -> bool:
        """Return whether this rule strikes at a request, given as its entry in the log."""
        rule = self.rule
        for name in ("operation", "method", "account", "api_version"):
            if getattr(rule, name) not in (None, request[name]):
                return False
        if rule.path is not None and rule.path not in request["path"]:
            return False
        self.fitted += 1
        spent = rule.times is not None and self.struck >= rule.times
        is_drawn = rule.probability is None or self.dice.random() < rule.probability
        strikes = not spent and rule.nth in (None, self.fitted) and is_drawn
        self.struck += strikes
        return strikes


@dataclass
class Faults:
    """The rules of one emulator; they are no part of the state."""

    armed: list[Armed] = field(default_factory=list)

    @classmethod
    def of(cls, value: Sequence[dict[str, Any]]) -> Faults:
        """Create rules with fresh counts; ValueError when one is not a rule."""
        return cls([Armed(rule) for rule in rules(list(value))])

    def shown(self) -> list[dict[str, Any]]:
        """Return the rules and how often each fitted and struck."""
        return [
            {**one.rule.model_dump(exclude_defaults=True), "fitted": one.fitted, "struck": one.struck}
            for one in self.armed
        ]

    def strike(self, request: dict[str, Any]) -> Rule | None:
        """Return the first rule that strikes at a request. All that fit count it."""
        struck = [one.rule for one in self.armed if one.strikes(request)]
        return struck[0] if struck else None


def refusal(rule: Rule, now: datetime) -> Refused | None:
    """Return the error answer of a rule that answers one."""
    if rule.fault not in _CODES:
        return None
    headers = {}
    if rule.retry_after is not None:
        date = format_datetime(now + timedelta(seconds=rule.retry_after), usegmt=True)
        headers["Retry-After"] = date if rule.retry_after_date else str(rule.retry_after)
    message = "This answer was asked for by a fault rule."
    return Refused(int(rule.fault), _CODES[rule.fault], message, headers=headers)
