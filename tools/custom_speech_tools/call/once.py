"""A create happens once: the digest of a request, and turns within one process."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from pydantic import JsonValue

MARK = "custom-speech-mcp"
"""The key in `customProperties` under which a model carries the digest of its request."""

_KEPT_SECONDS = 3600.0


def digest(*request: JsonValue) -> str:
    """The same text for the same request, in any process."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


class Once:
    """Takes turns: of several identical requests in this process one is carried out, the rest share its result.

    The service's own list decides between processes; this closes the gap in which it cannot yet know.
    """

    def __init__(self) -> None:
        self._turns: dict[str, anyio.Lock] = {}
        self._done: dict[str, tuple[float, Any]] = {}

    async def do(self, request: str, since: float, action: Callable[[], Awaitable[Any]]) -> tuple[Any, bool]:
        """Carry out `action` and give its result and False; where the same request was carried out
        after `since` (of `anyio.current_time`), give that result and True instead.
        """
        async with self._turns.setdefault(request, anyio.Lock()):
            when, result = self._done.get(request, (float("-inf"), None))
            if when >= since:
                return result, True
            result = await action()
            self._keep(request, result)
            return result, False

    def _keep(self, request: str, result: Any) -> None:
        now = anyio.current_time()
        self._done[request] = (now, result)
        for old in [key for key, (when, _) in self._done.items() if now - when > _KEPT_SECONDS]:
            del self._done[old], self._turns[old]
