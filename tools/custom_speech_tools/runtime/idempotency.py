"""A create happens once: the digest of a request, turns within one process, and doubt after a lost answer."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import chain, repeat
from typing import Any

import anyio
from pydantic import JsonValue

from custom_speech_tools.runtime.context import current
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import SpeechError

MARK = "custom-speech-mcp"
"""The key in `customProperties` under which a model carries the digest of its request."""

DOUBT_SECONDS = 25.0
"""For so long after a lost answer its request is looked for before it is sent again."""

_PAUSES = (0.0, 2.0, 3.0, 5.0)
"""Seconds before each look; the last one repeats."""

_KEPT_SECONDS = 3600.0

Action = Callable[[], Awaitable[Any]]

Look = Callable[[Any], Awaitable[Any]]
"""Finds what a request has made, given what this process got from it: None where its answer was lost."""


def digest(*request: JsonValue) -> str:
    """The same text for the same request, in any process."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


class IdempotentExecutor:
    """Takes turns: of several identical requests in this process one is carried out, the rest share its result.

    The service's own list decides between processes; this closes the gap in which it cannot yet know.
    `in_doubt` says how many seconds ago requests were sent whose end is not known; `pace` scales the looks.
    """

    def __init__(self, in_doubt: Mapping[str, float] | None = None, pace: float = 1.0) -> None:
        self._pace = pace
        self._turns: dict[str, anyio.Lock] = {}
        self._done: dict[str, tuple[float, Any]] = {}
        now = anyio.current_time() if in_doubt else 0.0
        self._doubts = {request: now - ago + DOUBT_SECONDS * pace for request, ago in (in_doubt or {}).items()}

    async def do(self, request: str, since: float, action: Action, look: Look) -> tuple[Any, bool]:
        """Carry out `action` and give its result and False.

        Where the same request was carried out after `since` (of `anyio.current_time`), or `look` finds what an
        earlier one has made, give that and True instead. Raises Refused while an earlier one is in doubt.
        """
        current().request = request
        turn = self._turns.setdefault(request, anyio.Lock())
        try:
            async with turn:
                when, result = self._done.get(request, (float("-inf"), None))
                if when > since:
                    return result, True
                earlier = await self._earlier(request, result, look)
                result = earlier or await self._acted(request, action, look)
                self._keep(request, result)
                return result, earlier is not None
        finally:
            self._forget(request, turn)

    async def _earlier(self, request: str, known: Any, look: Look) -> Any:
        """What the same request has made before; None where that is nothing, or where no doubt is left."""
        until = self._doubts.get(request)
        if until is None:
            return await look(known) if known else None
        found = await self._looked(look, until)
        if found is None and (left := until - anyio.current_time()) > 0:
            raise Refused("Nothing was sent again.", [_open(left)], f"Call again in {left:.0f} s.")
        return found or await look(None)  # which must succeed: what could not be looked for is not sent again

    async def _acted(self, request: str, action: Action, look: Look) -> Any:
        try:
            return await action()
        except BaseException as error:
            if isinstance(error, SpeechError | Refused) and not getattr(error, "outcome_unknown", False):
                raise
            now = anyio.current_time()
            self._doubts[request] = now + DOUBT_SECONDS * self._pace
            if isinstance(error, SpeechError) and (made := await self._looked(look, now + _PAUSES[1] * self._pace)):
                return made
            raise

    async def _looked(self, look: Look, until: float) -> Any:
        """What is found until then, or until the time of the call is over; None where it is nothing."""
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            await anyio.sleep(pause * self._pace)
            with suppress(SpeechError):
                if (found := await look(None)) is not None:
                    return found
            if anyio.current_time() >= until or current().seconds_left() < _PAUSES[-1] * 2:
                return None
            await current().says("Looking for what an earlier request has made.")
        return None

    def _keep(self, request: str, result: Any) -> None:
        self._doubts.pop(request, None)
        self._done[request] = (anyio.current_time(), result)

    def _forget(self, request: str, turn: anyio.Lock) -> None:
        """Keep no turn that nobody waits for, and nothing that is old."""
        if not turn.locked() and not turn.statistics().tasks_waiting:
            self._turns.pop(request, None)
        long_ago = anyio.current_time() - _KEPT_SECONDS
        self._done = {key: done for key, done in self._done.items() if done[0] > long_ago}
        self._doubts = {key: until for key, until in self._doubts.items() if until > long_ago}


def _open(left: float) -> Finding:
    return Finding(
        rule="already-exists",
        level="block",
        message="The same was asked for a moment ago, its answer was lost, and what it made is not to be seen yet.",
        fix=f"It may still appear; in {left:.0f} s the call looks for it again, and only then repeats it.",
    )
