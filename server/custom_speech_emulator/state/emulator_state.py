"""The state of one emulator: its settings, store, clock and ids."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from custom_speech_emulator.settings import EmulatorSettings
from custom_speech_emulator.state.accounts import Account
from custom_speech_emulator.state.progress import Ending, ProgressMode
from custom_speech_emulator.state.store import Entity, Store


@dataclass(frozen=True)
class Event:
    """Something that web hooks may be told: what happened to an entity (`Creation`, …), and what it was then."""

    entity: Entity
    name: str


@dataclass
class EmulatorState:
    """One emulator's state and clock; `endings` is what happens besides when something of a kind ends."""

    settings: EmulatorSettings
    store: Store
    pace: ProgressMode
    endings: Mapping[str, Ending]
    events: list[Event] = field(default_factory=list)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Return a transaction of the store; events of one that was rolled back have not happened."""
        with self.store.transaction():
            self.events = []
            yield

    def now(self) -> datetime:
        """Return the emulator's time: the given clock and what it was moved on by."""
        offset = float(self.store.setting("offset") or 0)
        return self.settings.now() + timedelta(seconds=offset)

    def new_id(self) -> str:
        """Return a fresh id, repeatable when a seed is set."""
        if self.settings.seed is None:
            return str(uuid.uuid4())
        count = int(self.store.setting("ids") or 0) + 1
        self.store.set("ids", str(count))
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"custom-speech-emulator:{self.settings.seed}:{count}"))

    def account_of(self, resource_id: str) -> Account | None:
        """Return the account with an Azure Resource Manager id, which Azure compares without regard to case."""
        wanted = resource_id.strip().rstrip("/").lower()
        return next((one for one in self.settings.accounts if one.resource_id.lower() == wanted), None)

    def account(self, name: str) -> Account:
        """Return the account of a name."""
        return next(one for one in self.settings.accounts if one.name == name)

    def happened(self, entity: Entity, name: str) -> None:
        """Note an event for the web hooks."""
        self.events.append(Event(replace(entity, document={**entity.document}), name))

    def taken_events(self) -> list[Event]:
        """Return what has happened since the last call."""
        events, self.events = self.events, []
        return events
