"""Authentication by the key of an account, or in v3.2 by a token of the token service.

A token is signed with the key of its account and valid for ten minutes.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from custom_speech_emulator.http.error_responses import GatewayRefused
from custom_speech_emulator.state.settings import Account, of_key

KEY = "ocp-apim-subscription-key"
LIFE = timedelta(minutes=10)
# Programs write it in both cases.
_PATH = re.compile(r"^(?P<prefix>/[a-z0-9-]+)?/sts/v1\.0/issuetoken$", re.IGNORECASE)


def token_service(path: str) -> str | None:
    """Return the region prefix of a path of the token service, which may be empty; None for any other path."""
    found = _PATH.match(path)
    return None if found is None else (found["prefix"] or "").lower()


def signed_in(
    accounts: Sequence[Account], headers: Mapping[str, str], place: str | None, now: datetime | None
) -> Account:
    """Return the account that a request authenticates as; 401 for none, or for an address of another account.

    `now` is None if only a key is accepted: in the specifications of the dated versions nothing else is.
    """
    if KEY in headers or now is None:
        found = of_key(accounts, headers.get(KEY, ""))
    else:
        found = holder(accounts, headers.get("authorization", ""), now)
    if found is None or place not in (None, found.region, found.name):
        raise GatewayRefused(
            401,
            "Access denied due to invalid subscription key or wrong API endpoint. "
            "Use a key of a Speech resource and the endpoint of that resource's region.",
        )
    return found


def issued(account: Account, now: datetime) -> str:
    """Return a token of an account, in the form of a JWT."""
    claims = {"account": account.name, "region": account.region, "exp": int((now + LIFE).timestamp())}
    head = ".".join(_part(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{head}.{_signature(account, head)}"


def holder(accounts: Sequence[Account], authorization: str, now: datetime) -> Account | None:
    """Return the account that an Authorization header speaks for; None if its token is not ours, or has expired."""
    scheme, _, token = authorization.partition(" ")
    head, _, signature = token.strip().rpartition(".")
    fits = (one for one in accounts if hmac.compare_digest(_signature(one, head).encode(), signature.encode()))
    found = next(fits, None) if scheme.lower() == "bearer" else None
    if found is None:
        return None
    expires = int(json.loads(base64.urlsafe_b64decode(head.rpartition(".")[2] + "=="))["exp"])
    return found if expires > now.timestamp() else None


def _signature(account: Account, head: str) -> str:
    return _part(hmac.new(account.key.encode(), head.encode(), hashlib.sha256).digest())


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
