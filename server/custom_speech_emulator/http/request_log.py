"""The log of requests: the last ten thousand requests, with keys masked."""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from custom_speech_emulator.http.request import IncomingRequest
from custom_speech_emulator.state.clock import stamp

_SECRET_HEADERS = {"ocp-apim-subscription-key", "authorization"}
_SECRET_PROPERTIES = {"targetSubscriptionKey", "secret"}
_MASK = "***"
_LONGEST = 64 * 1024


@dataclass
class RequestLog:
    """The log of one emulator; it is no part of the state."""

    count: int = 0
    entries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=10_000))

    def add(self, at: datetime, request: IncomingRequest) -> dict[str, Any]:
        """Note a request; the rest of the entry is filled in as it becomes known."""
        self.count += 1
        entry: dict[str, Any] = {"n": self.count, "time": stamp(at)}
        entry |= {name: getattr(request, name) for name in ("method", "path", "query")}
        entry |= dict.fromkeys(("account", "operation", "api_version", "status"))
        shown = {name: _MASK if name in _SECRET_HEADERS else text for name, text in request.headers.items()}
        entry |= {"headers": shown, "body": _shown(request.body or b"")}
        self.entries.append(entry)
        return entry


def _shown(body: bytes) -> Any:
    """Return a body as JSON with secrets masked, its length if it is no JSON or long, None if there is none."""
    if not body:
        return None
    try:
        return _masked(json.loads(body)) if len(body) <= _LONGEST else {"bytes": len(body)}
    except (ValueError, RecursionError):
        return {"bytes": len(body)}


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _MASK if name in _SECRET_PROPERTIES else _masked(part) for name, part in value.items()}
    return [_masked(part) for part in value] if isinstance(value, list) else value
