"""What every request stands on: the settings, the store, the time and fresh ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from custom_speech_emulator.accounts import ACCOUNTS, Account
from custom_speech_emulator.clock import utc_now
from custom_speech_emulator.progress import Ending, Pace
from custom_speech_emulator.store import Entity, Store


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """How an emulator behaves.

    `state` is a sqlite file (None: memory); `training` is `looks:N`, `seconds:S` or `command`; `now` is the clock;
    `seed` makes ids repeatable; `faults` are rules as `/_emulator/faults` takes them; `audio_training_elsewhere` lets
    accounts outside the training regions train with audio; `allow_content_hosts` are hosts besides loopback from which
    `contentUrl` is read and to which webhooks are sent; `allow_hosts` are names besides loopback's under which it is
    reached, from elsewhere too; `rate_limit` answers 429 above 100 requests in 10 seconds; `stock` False starts empty.
    """

    state: Path | None = None
    training: str = "seconds:4"
    now: Callable[[], datetime] = utc_now
    seed: int | None = None
    faults: Sequence[dict[str, Any]] = ()
    accounts: Sequence[Account] = ACCOUNTS
    audio_training_elsewhere: bool = False
    allow_content_hosts: Sequence[str] = ()
    allow_hosts: Sequence[str] = ()
    rate_limit: bool = False
    stock: bool = True


@dataclass(frozen=True)
class Event:
    """Something that web hooks may be told: what happened to an entity (`Creation`, …), and what it was then."""

    entity: Entity
    name: str


@dataclass
class World:
    """One emulator's state and clock; `endings` is what happens besides when something of a kind ends."""

    settings: Emulator
    store: Store
    pace: Pace
    endings: Mapping[str, Ending]
    events: list[Event] = field(default_factory=list)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction of the store; events of one that was rolled back have not happened."""
        with self.store.transaction():
            self.events = []
            yield

    def now(self) -> datetime:
        """The emulator's time: the given clock and what it was moved on by."""
        offset = float(self.store.setting("offset") or 0)
        return self.settings.now() + timedelta(seconds=offset)

    def new_id(self) -> str:
        """A fresh id, repeatable when a seed is set."""
        if self.settings.seed is None:
            return str(uuid.uuid4())
        count = int(self.store.setting("ids") or 0) + 1
        self.store.set("ids", str(count))
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"custom-speech-emulator:{self.settings.seed}:{count}"))

    def account_of(self, resource_id: str) -> Account | None:
        """The account with an Azure Resource Manager id, which Azure compares without regard to case."""
        wanted = resource_id.strip().rstrip("/").lower()
        return next((one for one in self.settings.accounts if one.resource_id.lower() == wanted), None)

    def account(self, name: str) -> Account:
        """The account of a name."""
        return next(one for one in self.settings.accounts if one.name == name)

    def happened(self, entity: Entity, name: str) -> None:
        """Notes an event for the web hooks."""
        self.events.append(Event(replace(entity, document={**entity.document}), name))

    def taken_events(self) -> list[Event]:
        """What has happened since the last call."""
        events, self.events = self.events, []
        return events
