"""Authentication by the key of an account, or in v3.2 by a token of the token service; and the rate of its requests."""

import re
import secrets
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from custom_speech_emulator.http.request import IncomingRequest
from custom_speech_emulator.http.responses import Answer, gateway_refused, not_allowed, too_many_requests
from custom_speech_emulator.state.emulator_state import Account, EmulatorState, of_key
from custom_speech_emulator.state.entity_store import Entity

_KEY = "ocp-apim-subscription-key"
_TOKENS = "tokens"  # a kind of entity that no operation shows
_REQUESTS, _SECONDS = 100, 10.0  # quotas and limits page
# Programs write it in both cases.
TOKEN_PATH = re.compile(r"^(?P<prefix>/[a-z0-9-]+)?/sts/v1\.0/issuetoken$", re.IGNORECASE)


def signed_in(state: EmulatorState, headers: Mapping[str, str], place: str | None, *, takes_tokens: bool) -> Account:
    """Return the account that a request authenticates as; 401 for no account and at the address of another one."""
    if _KEY in headers or not takes_tokens:
        found = of_key(state.settings.accounts, headers.get(_KEY, ""))
    else:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        kept = state.store.get("", _TOKENS, token.strip()) if scheme.lower() == "bearer" else None
        found = of_key(state.settings.accounts, kept.document["key"]) if kept else None
    if found is None or place not in (None, found.region, found.name):
        raise gateway_refused(
            401,
            "Access denied due to invalid subscription key or wrong API endpoint. "
            "Use a key of a Speech resource and the endpoint of that resource's region.",
        )
    return found


def token_answer(state: EmulatorState, request: IncomingRequest, place: str | None, entry: dict[str, Any]) -> Answer:
    """Return a token of the account whose key was sent; the state keeps it for ten minutes."""
    if request.method != "POST":
        raise not_allowed({"POST"})
    account = signed_in(state, request.headers, place, takes_tokens=False)
    entry["account"] = account.name
    ends = state.now() + timedelta(minutes=10)
    token = Entity("", _TOKENS, secrets.token_hex(32), {"key": account.key}, due=ends.timestamp())
    state.store.put(token)
    return Answer(200, token.id.encode(), {"Content-Type": "text/plain; charset=us-ascii"})


def count_request(times: deque[float], now: datetime) -> None:
    """Count a request of an account; 429 with `Retry-After` above 100 requests in ten seconds."""
    at = now.timestamp()
    while times and times[0] <= at - _SECONDS:
        times.popleft()
    if len(times) >= _REQUESTS:
        raise too_many_requests({"Retry-After": str(max(1, round(times[0] + _SECONDS - at)))})
    times.append(at)
