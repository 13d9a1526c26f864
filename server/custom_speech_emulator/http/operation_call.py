"""One request as the resource modules see it, and their answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from custom_speech_emulator.http.errors import Refused, invalid
from custom_speech_emulator.http.links import Address, host_of
from custom_speech_emulator.http.versions import Version
from custom_speech_emulator.state.accounts import Account
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.store import Store

LARGEST_JSON = 1024 * 1024
_JSON = ("application/json",)
_PATCH = ("application/json", "application/merge-patch+json")


@dataclass(frozen=True)
class Answer:
    """Status, body (a JSON value, JSON text with placeholders for hosts, or bytes) and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """A signed-in request to one operation; `later` is done when the answer has been sent."""

    state: EmulatorState
    now: datetime
    account: Account
    version: Version
    address: Address
    method: str
    path: dict[str, str]
    query: dict[str, str]
    content_type: str
    body: bytes
    later: list[Callable[[], object]] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """The state."""
        return self.state.store

    def require_trust(self, name: str, url: str) -> None:
        """403 where a web page, or a caller on another machine, could make this one read or call something."""
        settings = self.state.settings
        if settings.allow_hosts and host_of(url) not in settings.allow_content_hosts:
            raise Refused(
                403, "Forbidden", f"{name} must be on an --allow-content-host where others reach the emulator."
            )
        if not settings.allow_hosts and not self.address.trusted:
            raise Refused(403, "Forbidden", f"{name} is taken only from callers that use a loopback or Azure name.")

    def json(self) -> Any:
        """Return the request body; 415 when it is not sent as JSON, 400 when it is not one."""
        accepted = _PATCH if self.method == "PATCH" else _JSON
        sent_as = self.content_type.partition(";")[0].strip().lower()
        if sent_as and sent_as not in accepted:  # programs of others leave it out
            raise Refused(415, "UnsupportedMediaType", f"The Content-Type must be {' or '.join(accepted)}.")
        if len(self.body) > LARGEST_JSON:
            raise Refused(413, "InvalidRequest", "The request body is too large.", "InvalidRequestBodyFormat")
        return parsed(self.body)


def parsed(body: bytes) -> Any:
    """JSON read strictly: no NaN, no unpaired surrogates, no endless nesting; 400 otherwise."""
    if not body.strip():
        raise invalid("EmptyRequest", "The request body is empty.")
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        where = f"{error.msg}, line {error.lineno} column {error.colno}"
        raise invalid("InvalidRequestBodyFormat", f"The request body is not valid JSON: {where}.") from None
    except (ValueError, RecursionError):
        raise invalid("InvalidRequestBodyFormat", "The request body is not valid JSON.") from None
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)
