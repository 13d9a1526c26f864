"""Authentication by the key of an account, or in v3.2 by a token of the token service."""

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from custom_speech_emulator.http.request import IncomingRequest
from custom_speech_emulator.http.responses import ApiResponse, gateway_error, not_allowed
from custom_speech_emulator.state.emulator_state import EmulatedAccount, EmulatorState
from custom_speech_emulator.state.entity_store import StoredEntity

_KEY = "ocp-apim-subscription-key"
_TOKENS = "tokens"  # a kind of entity without operations
# Clients use both `issueToken` and `issuetoken`.
TOKEN_PATH = re.compile(r"^(?P<prefix>/[a-z0-9-]+)?/sts/v1\.0/issuetoken$", re.IGNORECASE)


def authenticate(
    state: EmulatorState, headers: Mapping[str, str], account_or_region: str | None, *, accept_token: bool
) -> EmulatedAccount:
    """Return the account of the key or token in the headers, or raise a 401 error."""
    if _KEY in headers or not accept_token:
        account = state.settings.find_account(headers.get(_KEY, ""))
    else:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        stored = state.store.get("", _TOKENS, token.strip()) if scheme.lower() == "bearer" else None
        account = state.settings.find_account(stored.document["key"]) if stored else None
    if account is None or account_or_region not in (None, account.region, account.name):
        raise gateway_error(
            401,
            "Access denied due to invalid subscription key or wrong API endpoint. "
            "Use a key of a Speech resource and the endpoint of that resource's region.",
        )
    return account


def issue_token(
    state: EmulatorState, request: IncomingRequest, account_or_region: str | None, entry: dict[str, Any]
) -> ApiResponse:
    """Return a token for the account of the request's key, valid for ten minutes."""
    if request.method != "POST":
        raise not_allowed({"POST"})
    account = authenticate(state, request.headers, account_or_region, accept_token=False)
    entry["account"] = account.name
    expires = state.now() + timedelta(minutes=10)
    token = StoredEntity("", _TOKENS, secrets.token_hex(32), {"key": account.key}, due=expires.timestamp())
    state.store.put(token)
    return ApiResponse(200, token.id.encode(), {"Content-Type": "text/plain; charset=us-ascii"})
