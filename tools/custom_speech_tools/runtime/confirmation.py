"""Spending needs a yes: the confirm token and the policy. Pure but for the tokens already used."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

LIFE = timedelta(minutes=10)
"""How long a yes holds."""


@dataclass(frozen=True, slots=True)
class Spending:
    """How this server asks for a yes.

    `key` binds tokens to the servers that share it. `used` says when a yes, a token or a question, bought a training.
    """

    policy: Literal["ask", "never"]
    key: bytes = field(repr=False)
    used: dict[str, datetime] = field(default_factory=dict, repr=False)

    def token(self, request: str, now: datetime) -> str:
        """A token for exactly this request, good for ten minutes."""
        end = str(int((now + LIFE).timestamp()))
        return f"{end}-{self._seal(end, request)}"

    def is_confirmed(self, token: str, request: str, now: datetime) -> bool:
        """Whether the token is this server's, for this request, neither expired nor used."""
        end, _, seal = token.partition("-")
        genuine = hmac.compare_digest(seal.encode(), self._seal(end, request).encode())
        return genuine and end.isdecimal() and now.timestamp() <= int(end) and token not in self.used

    def use(self, yes: str, now: datetime) -> None:
        """Let a yes buy nothing more; those that no longer hold need not be kept."""
        for old in [old for old, when in self.used.items() if now - when > LIFE]:
            del self.used[old]
        self.used[yes] = now

    def _seal(self, end: str, request: str) -> str:
        return hmac.new(self.key, f"{end}:{request}".encode(), hashlib.sha256).hexdigest()[:40]
