"""The settings of an emulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from custom_speech_emulator.state.accounts import ACCOUNTS, Account
from custom_speech_emulator.state.clock import utc_now


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
    now: Callable[[], datetime] = utc_now
    seed: int | None = None
    faults: Sequence[dict[str, Any]] = ()
    accounts: Sequence[Account] = ACCOUNTS
    audio_training_elsewhere: bool = False
    allow_content_hosts: Sequence[str] = ()
    allow_hosts: Sequence[str] = ()
    rate_limit: bool = False
    stock: bool = True
