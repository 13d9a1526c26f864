"""The settings of an emulator, and its Speech resources: a key decides the resource."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


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
