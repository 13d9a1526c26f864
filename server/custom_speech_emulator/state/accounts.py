"""The Speech resources of the emulator: a key decides the resource."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/emulator"


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
    resource_id = f"{SUBSCRIPTION}/providers/Microsoft.CognitiveServices/accounts/{name}"
    return Account(name, region, key or f"{name}-key", resource_id, tier, trains_audio)


ACCOUNTS = (account("eastus"), account("westeurope"), account("brazilsouth", trains_audio=False))


def of_key(accounts: Sequence[Account], key: str) -> Account | None:
    """Return the account of a key, None when it is unknown."""
    return next((one for one in accounts if key and one.key == key), None)
