"""Progress of work: NotStarted, Running, Succeeded or Failed, by looks, by seconds or at a command.

What an entity will end as is written into it when it starts (`outcome`), so that ending is the same for every kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from custom_speech_emulator.state.clock import stamp
from custom_speech_emulator.state.store import Entity

if TYPE_CHECKING:
    from custom_speech_emulator.state.emulator_state import EmulatorState

NEVER_RUNNING = frozenset({"evaluations"})
"""Kinds that were never seen Running, but NotStarted until they ended (recorded live)."""

# Importing, copying, testing and deploying are quicker than training.
QUICK = 0.25


# What happens besides when something of a kind has ended, well or not.
Ending = Callable[["EmulatorState", Entity, datetime], None]


@dataclass(frozen=True)
class ProgressMode:
    """Speed of progress: `mode` is looks, seconds or command, `amount` how many looks or seconds."""

    mode: str
    amount: float

    @classmethod
    def of(cls, text: str) -> ProgressMode:
        """Read `looks:2`, `seconds:4` or `command`; ValueError for anything else."""
        mode, _, amount = text.partition(":")
        if text == "command":
            return cls(mode, 0)
        if mode not in ("looks", "seconds") or not amount.replace(".", "", 1).isdigit():
            raise ValueError(f"training must be looks:N, seconds:S or command, not {text!r}")
        return cls(mode, float(amount))

    def start(self, entity: Entity, now: datetime, share: float = 1.0, status: str = "NotStarted") -> None:
        """Set an entity going; `share` is how much of the training time it takes."""
        entity.document |= {"status": status, "lastActionDateTime": stamp(now)}
        if self.mode == "looks":
            entity.looks = max(1, int(self.amount))
        if self.mode == "seconds":
            ends = now.timestamp() + self.amount * share
            entity.document["ends"] = ends
            entity.due = ends if status == "Running" else now.timestamp() + self.amount * share / 4


def settle(state: EmulatorState) -> None:
    """Move on everything whose time has come, in the order in which it would have happened.

    What has ended and is due again has reached the end of its life.
    """
    now = state.now().timestamp()
    while entity := state.store.due(now):
        at = datetime.fromtimestamp(entity.due or now, UTC)
        if entity.finished:
            state.store.remove(entity)
        elif entity.status == "NotStarted" and entity.kind not in NEVER_RUNNING:
            _run(state, entity, at)
        elif entity.status == "NotStarted" and at.timestamp() < entity.document.get("ends", 0):
            entity.due = entity.document["ends"]
            state.store.put(entity)
        else:
            finish(state, entity, at)


def look(state: EmulatorState, entity: Entity, now: datetime) -> None:
    """Somebody reads an entity: with `looks` it moves on, at a `command` it only starts."""
    if entity.looks is not None:
        entity.looks -= 1
        if entity.looks <= 0:
            finish(state, entity, now)
            return
    is_startable = entity.status == "NotStarted" and entity.due is None and "waits" not in entity.document
    if is_startable and entity.kind not in NEVER_RUNNING:
        _run(state, entity, now)
    elif entity.looks is not None:
        state.store.put(entity)


def finish(state: EmulatorState, entity: Entity, at: datetime, outcome: dict[str, Any] | None = None) -> None:
    """End an entity with `outcome` (document properties), or with the one that it was started with."""
    final = outcome or entity.document.get("outcome") or {"status": "Succeeded"}
    entity.document |= {"status": "Succeeded", **final, "lastActionDateTime": stamp(at)}
    for spent in ("outcome", "ends", "waits"):
        entity.document.pop(spent, None)
    entity.due = entity.looks = None
    if "lives" in entity.document:
        entity.due = at.timestamp() + entity.document["lives"]
    if entity.kind in state.endings:
        state.endings[entity.kind](state, entity, at)
    state.store.put(entity)
    state.happened(entity, "Completion")


def retry_after(due: float | None, now: datetime) -> str:
    """Seconds to wait before looking again: a quarter of what is left, between 1 and 60."""
    left = 0 if due is None else due - now.timestamp()
    return str(max(1, min(60, math.ceil(left / 4))))


def _run(state: EmulatorState, entity: Entity, at: datetime) -> None:
    entity.document |= {"status": "Running", "lastActionDateTime": stamp(at)}
    entity.due = entity.document.get("ends")
    state.store.put(entity)
    state.happened(entity, "Processing")
