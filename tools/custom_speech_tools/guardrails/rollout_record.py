"""The records that a rollout keeps in the custom properties of its model, so that any process on any machine can go on.

The service is the only memory that all processes share. It cannot list copies that are running, nor does it know what
a user has agreed to; so both are noted on the model before anything is sent. A value has at most 256 characters.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import sanitize

PENDING_PROPERTY = "custom-speech-mcp-pending"
"""When copies were about to be started, to which resources; the answer may have been lost, or never awaited."""

COPIES_PROPERTY = "custom-speech-mcp-copies"
"""When copies were certainly started, and to which resources."""

AGREED_PROPERTY = "custom-speech-mcp-agreed"
"""When the user agreed to which new endpoints."""

GATE_PROPERTY = "custom-speech-mcp-gate"
"""The verdict of the gate, with its evaluation."""

PENDING_LIFETIME = timedelta(minutes=2)
"""For this long a copy that may have been started is waited for, before it is started again."""

COPY_LIFETIME = timedelta(minutes=30)
"""For this long a copy that was started elsewhere is waited for, before it is started again."""

AGREEMENT_LIFETIME = timedelta(hours=24)
"""For this long the user's agreement to a whole rollout lasts: training of the target's copies takes a while."""

MAX_TARGETS = 30
"""Targets of one rollout: more do not fit into a property."""

_MAX_VALUE = 256
_TAG_CHARACTERS = 6
_TIME = "%Y-%m-%dT%H:%MZ"


@dataclass(frozen=True, slots=True)
class Record:
    """A time, and tags of what happened then."""

    time: datetime
    tags: frozenset[str]

    @classmethod
    def read(cls, model: schemas.CustomModel, name: str) -> Self:
        """Return the record in a property; one of long ago without tags where there is none."""
        first, *tags = ((model.custom_properties or {}).get(name) or "").split() or [""]
        try:
            return cls(datetime.strptime(first, _TIME).replace(tzinfo=UTC), frozenset(tags))
        except ValueError:
            return cls(datetime.min.replace(tzinfo=UTC), frozenset())

    def recent(self, now: datetime, lifetime: timedelta) -> frozenset[str]:
        """Return the tags if the record is at most that old, else none."""
        return self.tags if now - self.time <= lifetime else frozenset()

    def __str__(self) -> str:
        return " ".join([self.time.astimezone(UTC).strftime(_TIME), *sorted(self.tags)])


def tag(*parts: str | None) -> str:
    """Return a few characters that stand for the parts."""
    return idempotency_key(*parts)[:_TAG_CHARACTERS]


def record_of(now: datetime, tags: Iterable[str]) -> str:
    """Return the value of a property."""
    return str(Record(now, frozenset(tags)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the model may go live; `passed` is None as long as the gate is not judged.

    Attributes:
        conditions: A tag of what was asked of the model.
        evaluation: The id of the evaluation; None without a test.
    """

    passed: bool | None
    reason: str
    conditions: str = ""
    evaluation: str | None = None

    def __str__(self) -> str:
        outcome = {True: "passed", False: "not-passed", None: "untested"}[self.passed]
        text = f"{outcome} {self.conditions or '-'} {self.evaluation or '-'} {sanitize(self.reason)}"
        return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…"

    @classmethod
    def read(cls, model: schemas.CustomModel) -> Self | None:
        """Return the verdict that stands in the model's properties."""
        parts = ((model.custom_properties or {}).get(GATE_PROPERTY) or "").split(" ", 3)
        if len(parts) != 4 or parts[0] not in ("passed", "not-passed", "untested"):
            return None
        passed = {"passed": True, "not-passed": False}.get(parts[0])
        return cls(passed, parts[3], parts[1], None if parts[2] == "-" else parts[2])


def missing_properties(model: schemas.CustomModel, wanted: dict[str, str]) -> dict[str, str]:
    """Return the properties that the model does not have with these values."""
    present = model.custom_properties or {}
    return {name: value for name, value in wanted.items() if present.get(name) != value}
