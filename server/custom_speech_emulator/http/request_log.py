"""The log of received requests, with keys masked."""

import contextlib
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from custom_speech_emulator.http.request import IncomingRequest
from custom_speech_emulator.state.emulator_state import format_time

_SECRET_HEADERS = {"ocp-apim-subscription-key", "authorization"}
_SECRETS = {"targetSubscriptionKey", "secret"}
_MASK = "***"  # the log can be read without a key


@dataclass
class RequestLog:
    """The last 10,000 requests, which are not part of the emulator's state."""

    count: int = 0
    entries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=10_000))

    def add(self, at: datetime, request: IncomingRequest) -> dict[str, Any]:
        """Add an entry for a request and return it, so that the caller can set the account, operation and status."""
        self.count += 1
        address = {name: getattr(request, name) for name in ("method", "path", "query")}
        unknown = dict.fromkeys(("account", "operation", "api_version", "status"))
        headers = {name: _MASK if name in _SECRET_HEADERS else text for name, text in request.headers.items()}
        body = request.body or b""
        logged: Any = {"bytes": len(body)} if body else None  # of long bodies and of other formats, only the length
        with contextlib.suppress(ValueError, RecursionError):
            if len(body) <= 64 * 1024:
                logged = json.loads(body, object_hook=lambda part: part | dict.fromkeys(_SECRETS & part.keys(), _MASK))
        entry = {"n": self.count, "time": format_time(at), **address, **unknown, "headers": headers, "body": logged}
        self.entries.append(entry)
        return entry
