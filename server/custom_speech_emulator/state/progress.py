"""Progress of work: NotStarted, Running, Succeeded or Failed, by seconds of the clock or by reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from custom_speech_emulator.state.clock import stamp
from custom_speech_emulator.state.entity_store import Entity

QUICK = 0.25
"""The share of the training time that importing, copying, testing and deploying take."""


@dataclass(frozen=True)
class ProgressMode:
    """Speed of progress: `mode` is seconds or reads, `amount` how many of them."""

    mode: str
    amount: float

    @classmethod
    def of(cls, text: str) -> ProgressMode:
        """Read `seconds:4` or `reads:2`; ValueError for anything else."""
        mode, _, amount = text.partition(":")
        if mode not in ("reads", "seconds") or not amount.replace(".", "", 1).isdigit():
            raise ValueError(f"training must be seconds:S or reads:N, not {text!r}")
        return cls(mode, float(amount))

    def start(self, entity: Entity, now: datetime, share: float = 1.0, status: str = "NotStarted") -> None:
        """Set an entity going; `share` is how much of the training time it takes."""
        entity.document |= {"status": status, "lastActionDateTime": stamp(now)}
        if self.mode == "reads":
            entity.reads = max(1, int(self.amount))
            return
        ends = now.timestamp() + self.amount * share
        entity.document["ends"] = ends
        entity.due = ends if status == "Running" else now.timestamp() + self.amount * share / 4


def retry_after(due: float | None, now: datetime) -> str:
    """Return the seconds to wait before the next read: a quarter of what is left, between 1 and 60."""
    left = 0 if due is None else due - now.timestamp()
    return str(max(1, min(60, math.ceil(left / 4))))
