"""The state of an emulator: settings, accounts, clock, ids, simulated work, and time formats.

The result of simulated work is stored as `outcome` when the work starts, so that completion is the same for all kinds.
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

from custom_speech_emulator.state.entity_store import SETTINGS, EntityStore, StoredEntity

DURATION = TypeAdapter(timedelta)  # reads and writes ISO 8601
_SHORT_WORK_SHARE = 0.25  # the share of the training time that imports, copies, evaluations and deployments take


@dataclass(frozen=True)
class EmulatedAccount:
    """A Speech resource."""

    name: str
    region: str
    key: str
    resource_id: str  # of Azure Resource Manager
    tier: str = "S0"  # or F0
    trains_audio: bool = True


def account(region: str, name: str = "", key: str = "", tier: str = "S0", trains_audio: bool = True) -> EmulatedAccount:
    """Return an account whose name, key and resource id are derived from its region, unless they are given."""
    name = name or f"emulator-{region}"
    group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator"
    resource_id = f"{group}/providers/Microsoft.CognitiveServices/accounts/{name}"
    return EmulatedAccount(name, region, key or f"{name}-key", resource_id, tier, trains_audio)


ACCOUNTS = (account("eastus"), account("westeurope"), account("brazilsouth", trains_audio=False))


@dataclass(frozen=True, kw_only=True)
class EmulatorSettings:
    """The options of an emulator."""

    state: Path | None = None  # a sqlite file; None keeps the state in memory
    training: str = "seconds:4"  # the duration of simulated work: `seconds:S` or `reads:N`
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    seed: int | None = None  # makes ids reproducible
    faults: Sequence[dict[str, Any]] = ()  # rules in the format of `/_emulator/faults`
    accounts: Sequence[EmulatedAccount] = ACCOUNTS
    audio_training_elsewhere: bool = False  # accounts outside the training regions train with audio
    allow_content_hosts: Sequence[str] = ()  # hosts besides loopback for `contentUrl` and web hooks
    allow_hosts: Sequence[str] = ()  # Host headers besides loopback names, also from other machines
    rate_limit: bool = False  # respond with 429 above 100 requests in 10 seconds
    stock: bool = True  # start with base models, projects, datasets and models

    def find_account(self, key: str) -> EmulatedAccount | None:
        """Return the account with a key, or None."""
        return next((one for one in self.accounts if key and one.key == key), None)

    def find_account_by_resource_id(self, resource_id: str) -> EmulatedAccount | None:
        """Return the account with an Azure Resource Manager id in any letter case, or None."""
        normalized = resource_id.strip().rstrip("/").lower()
        return next((one for one in self.accounts if one.resource_id.lower() == normalized), None)


@dataclass
class EmulatorState:
    """The entities, the clock and the simulated work of one emulator."""

    settings: EmulatorSettings
    store: EntityStore
    completion_hooks: Mapping[str, "CompletionHook"]  # by kind
    # The events of the current transaction, for web hooks: an entity, and `Creation`, `Processing`, …
    events: list[tuple[StoredEntity, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Parse the `training` setting."""
        self._unit, _, amount = self.settings.training.partition(":")
        if self._unit not in ("reads", "seconds") or not amount.replace(".", "", 1).isdigit():
            raise ValueError(f"training must be seconds:S or reads:N, not {self.settings.training!r}")
        self._amount = float(amount)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a transaction of the store, which starts with an empty list of events."""
        with self.store.transaction():
            self.events = []
            yield

    @property
    def offset(self) -> timedelta:
        """The time by which the clock has been moved forward."""
        return timedelta(seconds=float(self.store.data(*SETTINGS, "offset") or 0))

    def now(self) -> datetime:
        """Return the emulator's time."""
        return self.settings.now() + self.offset

    def new_id(self) -> str:
        """Return a new id, which is reproducible if the settings have a seed."""
        if self.settings.seed is None:
            return str(uuid.uuid4())
        count = int(self.store.data(*SETTINGS, "ids") or 0) + 1
        self.store.put_data(*SETTINGS, "ids", str(count).encode())
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"custom-speech-emulator:{self.settings.seed}:{count}"))

    def record_event(self, entity: StoredEntity, name: str) -> None:
        """Record an event for the web hooks."""
        self.events.append((replace(entity, document={**entity.document}), name))

    def start(
        self, entity: StoredEntity, now: datetime, *, takes_full_time: bool = False, status: str = "NotStarted"
    ) -> None:
        """Start the simulated work of an entity, which by default takes a quarter of the training time."""
        entity.document |= {"status": status, "lastActionDateTime": format_time(now)}
        if self._unit == "reads":
            entity.reads = max(1, int(self._amount))
            return
        seconds = self._amount * (1 if takes_full_time else _SHORT_WORK_SHARE)
        entity.document["endsAt"] = ends_at = now.timestamp() + seconds
        entity.due = ends_at if status == "Running" else now.timestamp() + seconds / 4

    def advance(self) -> datetime:
        """Apply all status changes and expirations that are due, in chronological order, and return the time."""
        now = self.now()
        while entity := next(self.store.select("due <= ?", (now.timestamp(),), "due, n LIMIT 1"), None):
            at = datetime.fromtimestamp(entity.due or 0, UTC)
            if entity.is_terminal:
                self.store.remove(entity)  # its time to live is over
            elif entity.status == "NotStarted":
                self._run(entity, at)
            else:
                self.finish(entity, at)
        return now

    def count_read(self, entity: StoredEntity) -> None:
        """Count a read of an unfinished entity. With `reads:N`, the first read starts it and the last finishes it."""
        if entity.reads is None:
            return
        entity.reads -= 1
        if entity.reads <= 0:
            self.finish(entity, self.now())
        elif entity.status == "NotStarted":
            self._run(entity, self.now())
        else:
            self.store.put(entity)

    def finish(self, entity: StoredEntity, at: datetime, outcome: dict[str, Any] | None = None) -> None:
        """Finish the work of an entity with the given document properties, or else with its stored outcome."""
        if entity.status == "NotStarted":
            self._run(entity, at)
        final = outcome or entity.document.get("outcome") or {}
        entity.document |= {"status": "Succeeded", **final, "lastActionDateTime": format_time(at)}
        for name in ("outcome", "endsAt", "waitsFor"):
            entity.document.pop(name, None)
        entity.due = entity.reads = None
        if "timeToLiveSeconds" in entity.document:
            entity.due = at.timestamp() + entity.document["timeToLiveSeconds"]
        if entity.kind in self.completion_hooks:
            self.completion_hooks[entity.kind](self, entity, at)
        self.store.put(entity)
        self.record_event(entity, "Completion")

    def _run(self, entity: StoredEntity, at: datetime) -> None:
        entity.document |= {"status": "Running", "lastActionDateTime": format_time(at)}
        entity.due = entity.document.get("endsAt")
        self.store.put(entity)
        self.record_event(entity, "Processing")


# Runs when an entity has reached a final status, before it is stored.
CompletionHook = Callable[[EmulatorState, StoredEntity, datetime], None]


def retry_after(entity: StoredEntity, now: datetime) -> dict[str, str]:
    """Return a `Retry-After` of a quarter of the remaining time (1 to 60 s), or no header for finished work."""
    if entity.is_terminal:
        return {}
    left = 0 if entity.due is None else entity.due - now.timestamp()
    return {"Retry-After": str(max(1, min(60, math.ceil(left / 4))))}


def format_time(moment: datetime) -> str:
    """Return a timestamp in the format of the service, such as `2019-01-07T11:34:12Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse_time(text: str) -> datetime:
    """Parse a timestamp, whose default time zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_duration(text: str) -> timedelta | None:
    """Return an ISO 8601 duration such as `P400D` or `PT1H30M`, or None for other text."""
    try:
        return DURATION.validate_python(text) if text.startswith("P") else None
    except ValidationError:
        return None


def quarter_close(day: datetime, years: int = 0) -> datetime:
    """Return the next retirement day of models (15 January, April, July or October) plus a number of years."""
    closes = [datetime(year, month, 15, tzinfo=UTC) for year in (day.year, day.year + 1) for month in (1, 4, 7, 10)]
    close = next(close for close in closes if close >= day.replace(hour=0, minute=0, second=0, microsecond=0))
    return close.replace(year=close.year + years)
