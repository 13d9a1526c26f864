"""What a rollout notes in the custom properties of its model: which copies were started, and why it went live.

The service cannot list copies that are running, so they are noted before they are started. Anybody may write into
these properties: they help to find a copy and explain a decision, and nothing is permitted or judged by them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.speech import schemas

PENDING_PROPERTY = "custom-speech-mcp-pending"
"""When copies were about to be started, to which resources; the answer may have been lost, or never awaited."""

COPIES_PROPERTY = "custom-speech-mcp-copies"
"""When copies were certainly started, and to which resources."""

GATE_PROPERTY = "custom-speech-mcp-gate"
"""The verdict of the gate, for people who ask later why a model is live."""

PENDING_LIFETIME = timedelta(minutes=2)
"""For this long a copy that may have been started is waited for, before it is started again."""

COPY_LIFETIME = timedelta(minutes=30)
"""For this long a copy that was started elsewhere is waited for, before it is started again."""

_TIME = "%Y-%m-%dT%H:%MZ"
_TAG_CHARACTERS = 6


@dataclass(frozen=True, slots=True)
class Record:
    """A time, and tags of the resources that something happened to then."""

    time: datetime
    tags: frozenset[str]

    @classmethod
    def read(cls, model: schemas.CustomModel, name: str) -> Self:
        """Return the record in a property; one of long ago without tags if there is none."""
        first, *tags = ((model.custom_properties or {}).get(name) or "").split() or [""]
        try:
            return cls(datetime.strptime(first, _TIME).replace(tzinfo=UTC), frozenset(tags))
        except ValueError:
            return cls(datetime.min.replace(tzinfo=UTC), frozenset())

    def recent(self, now: datetime, lifetime: timedelta) -> frozenset[str]:
        """Return the tags if the record is at most that old and not of the future, else none."""
        return self.tags if -timedelta(minutes=1) <= now - self.time <= lifetime else frozenset()


def tag(identity: str) -> str:
    """Return a few characters that stand for a resource."""
    return idempotency_key(identity)[:_TAG_CHARACTERS]


def record_of(now: datetime, tags: Iterable[str]) -> str:
    """Return the value of a property."""
    return " ".join([now.astimezone(UTC).strftime(_TIME), *sorted(tags)])
