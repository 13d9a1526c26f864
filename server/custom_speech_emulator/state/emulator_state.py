"""The state of one emulator: its settings, store, clock and ids, the progress of everything in it, and time stamps.

How an entity will end is written into it when it starts (`outcome`), so that ending is the same for every kind.
"""

import math
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from custom_speech_emulator.state.entity_store import SETTINGS, Entity, EntityStore

DURATION = TypeAdapter(timedelta)  # reads and writes ISO 8601
_QUICK = 0.25  # the share of the training time that importing, copying, testing and deploying take


@dataclass(frozen=True)
class Account:
    """One Speech resource; `resource_id` is its Azure Resource Manager id, `tier` F0 or S0."""

    name: str
    region: str
    key: str
    resource_id: str
    tier: str = "S0"
    trains_audio: bool = True


def account(region: str, name: str = "", key: str = "", tier: str = "S0", trains_audio: bool = True) -> Account:
    """Return an account whose name, key and resource id follow from its region, as those of the built-in ones do."""
    name = name or f"emulator-{region}"
    group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator"
    resource_id = f"{group}/providers/Microsoft.CognitiveServices/accounts/{name}"
    return Account(name, region, key or f"{name}-key", resource_id, tier, trains_audio)


ACCOUNTS = (account("eastus"), account("westeurope"), account("brazilsouth", trains_audio=False))


def of_key(accounts: Sequence[Account], key: str) -> Account | None:
    """Return the account of a key, None if it is unknown."""
    return next((one for one in accounts if key and one.key == key), None)


@dataclass(frozen=True, kw_only=True)
class EmulatorSettings:
    """The options of an emulator."""

    state: Path | None = None  # a sqlite file; None keeps the state in memory
    training: str = "seconds:4"  # how work progresses: `seconds:S` or `reads:N`
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    seed: int | None = None  # makes ids repeatable
    faults: Sequence[dict[str, Any]] = ()  # rules, as `/_emulator/faults` takes them
    accounts: Sequence[Account] = ACCOUNTS
    audio_training_elsewhere: bool = False  # accounts outside the training regions train with audio
    allow_content_hosts: Sequence[str] = ()  # besides loopback, hosts to read `contentUrl` from and send web hooks to
    allow_hosts: Sequence[str] = ()  # besides loopback's, names under which it is reached, also from other machines
    rate_limit: bool = False  # answer 429 above 100 requests in 10 seconds
    stock: bool = True  # start with base models, projects, datasets and models


@dataclass
class EmulatorState:
    """One emulator's state and clock."""

    settings: EmulatorSettings
    store: EntityStore
    endings: Mapping[str, "Ending"]  # by kind: runs when an entity has ended, Succeeded or Failed
    events: list[tuple[Entity, str]] = field(default_factory=list)  # of this transaction: `Creation`, … of an entity

    def __post_init__(self) -> None:
        """Read how work progresses."""
        self._unit, _, amount = self.settings.training.partition(":")
        if self._unit not in ("reads", "seconds") or not amount.replace(".", "", 1).isdigit():
            raise ValueError(f"training must be seconds:S or reads:N, not {self.settings.training!r}")
        self._amount = float(amount)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Return a transaction of the store; the events of a transaction that is rolled back are forgotten."""
        with self.store.transaction():
            self.events = []
            yield

    @property
    def offset(self) -> timedelta:
        """The time by which the clock was moved forward."""
        return timedelta(seconds=float(self.store.data(*SETTINGS, "offset") or 0))

    def now(self) -> datetime:
        """Return the emulator's time."""
        return self.settings.now() + self.offset

    def new_id(self) -> str:
        """Return a fresh id, repeatable if a seed is set."""
        if self.settings.seed is None:
            return str(uuid.uuid4())
        count = int(self.store.data(*SETTINGS, "ids") or 0) + 1
        self.store.put_data(*SETTINGS, "ids", str(count).encode())
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"custom-speech-emulator:{self.settings.seed}:{count}"))

    def account_of(self, resource_id: str) -> Account | None:
        """Return the account with an Azure Resource Manager id, which Azure compares without regard to case."""
        wanted = resource_id.strip().rstrip("/").lower()
        return next((one for one in self.settings.accounts if one.resource_id.lower() == wanted), None)

    def record_event(self, entity: Entity, name: str) -> None:
        """Note an event for the web hooks."""
        self.events.append((replace(entity, document={**entity.document}), name))

    def start(self, entity: Entity, now: datetime, *, is_quick: bool = True, status: str = "NotStarted") -> None:
        """Start the work of an entity."""
        entity.document |= {"status": status, "lastActionDateTime": stamp(now)}
        if self._unit == "reads":
            entity.reads = max(1, int(self._amount))
            return
        takes = self._amount * (_QUICK if is_quick else 1)
        entity.document["ends"] = ends = now.timestamp() + takes
        entity.due = ends if status == "Running" else now.timestamp() + takes / 4

    def advance(self) -> datetime:
        """Move on everything whose time has come, in the order in which it would have happened; return the time."""
        now = self.now()
        while entity := next(self.store.select("due <= ?", (now.timestamp(),), "due, n LIMIT 1"), None):
            at = datetime.fromtimestamp(entity.due or 0, UTC)
            if entity.finished:
                self.store.remove(entity)  # it has reached the end of its life
            elif entity.status == "NotStarted":
                self._run(entity, at)
            else:
                self.finish(entity, at)
        return now

    def read(self, entity: Entity) -> None:
        """Count a read of an entity that has not ended: with `reads` it runs at the first, and ends at the last."""
        if entity.reads is None:
            return
        entity.reads -= 1
        if entity.reads <= 0:
            self.finish(entity, self.now())
        elif entity.status == "NotStarted":
            self._run(entity, self.now())
        else:
            self.store.put(entity)

    def finish(self, entity: Entity, at: datetime, outcome: dict[str, Any] | None = None) -> None:
        """End an entity with `outcome` (document properties), or with the outcome that it was started with."""
        if entity.status == "NotStarted":
            self._run(entity, at)
        final = outcome or entity.document.get("outcome") or {}
        entity.document |= {"status": "Succeeded", **final, "lastActionDateTime": stamp(at)}
        for spent in ("outcome", "ends", "waits"):
            entity.document.pop(spent, None)
        entity.due = entity.reads = None
        if "lives" in entity.document:
            entity.due = at.timestamp() + entity.document["lives"]
        if entity.kind in self.endings:
            self.endings[entity.kind](self, entity, at)
        self.store.put(entity)
        self.record_event(entity, "Completion")

    def _run(self, entity: Entity, at: datetime) -> None:
        entity.document |= {"status": "Running", "lastActionDateTime": stamp(at)}
        entity.due = entity.document.get("ends")
        self.store.put(entity)
        self.record_event(entity, "Processing")


Ending = Callable[[EmulatorState, Entity, datetime], None]


def retry_after(entity: Entity, now: datetime) -> dict[str, str]:
    """Return the header with the seconds until the next read: a quarter of what is left, between 1 and 60."""
    if entity.finished:
        return {}
    left = 0 if entity.due is None else entity.due - now.timestamp()
    return {"Retry-After": str(max(1, min(60, math.ceil(left / 4))))}


def stamp(moment: datetime) -> str:
    """Return a time stamp as the service writes it: `2019-01-07T11:34:12Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def moment(text: str) -> datetime:
    """Return the moment of a time stamp, in UTC if it has no zone; raises ValueError."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def duration(text: str) -> timedelta | None:
    """Return an ISO 8601 duration such as `P400D` or `PT1H30M`; None for other text."""
    try:
        return DURATION.validate_python(text) if text.startswith("P") else None
    except ValidationError:
        return None


def quarter_close(day: datetime, years: int = 0) -> datetime:
    """Return the next 15 January, April, July or October, when a quarter of model releases closes, or years later."""
    closes = [datetime(year, month, 15, tzinfo=UTC) for year in (day.year, day.year + 1) for month in (1, 4, 7, 10)]
    close = next(close for close in closes if close >= day.replace(hour=0, minute=0, second=0, microsecond=0))
    return close.replace(year=close.year + years)
