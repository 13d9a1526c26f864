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
    """The options of an emulator.

    Attributes:
        state: A sqlite file; None keeps the state in memory.
        training: How work progresses: `seconds:S` or `reads:N`.
        now: The clock.
        seed: Makes ids repeatable.
        faults: Rules, as `/_emulator/faults` takes them.
        audio_training_elsewhere: Lets accounts outside the training regions train with audio.
        allow_content_hosts: Hosts besides loopback from which `contentUrl` is read and to which web hooks are sent.
        allow_hosts: Names besides loopback's under which the emulator is reached, also from other machines.
        rate_limit: Answers 429 above 100 requests in 10 seconds.
        stock: Whether it starts with base models, projects, datasets and models.
    """

    state: Path | None = None
    training: str = "seconds:4"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    seed: int | None = None
    faults: Sequence[dict[str, Any]] = ()
    accounts: Sequence[Account] = ACCOUNTS
    audio_training_elsewhere: bool = False
    allow_content_hosts: Sequence[str] = ()
    allow_hosts: Sequence[str] = ()
    rate_limit: bool = False
    stock: bool = True
