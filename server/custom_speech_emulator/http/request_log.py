"""The log of requests: the last ten thousand requests, with keys masked."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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

    def add(self, at: datetime, method: str, path: str, query: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """Note a request; the rest of the entry is filled in as it becomes known."""
        self.count += 1
        shown = {name: _MASK if name in _SECRET_HEADERS else text for name, text in headers.items()}
        entry: dict[str, Any] = {
            "n": self.count,
            "time": stamp(at),
            "method": method,
            "path": path,
            "query": query,
            "account": None,
            "operation": None,
            "api_version": None,
            "status": None,
            "headers": shown,
            "body": None,
        }
        self.entries.append(entry)
        return entry


def shown_body(body: bytes) -> Any:
    """Return a body as JSON with secrets masked, as its length when it is no JSON or long, None when there is none."""
    if not body:
        return None
    if len(body) > _LONGEST:
        return {"bytes": len(body)}
    try:
        return _masked(json.loads(body))
    except (ValueError, RecursionError):
        return {"bytes": len(body)}


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _MASK if name in _SECRET_PROPERTIES else _masked(part) for name, part in value.items()}
    return [_masked(part) for part in value] if isinstance(value, list) else value
