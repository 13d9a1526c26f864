"""Idempotent requests: keys, locks against identical requests, and recovery from lost responses.

The service accepts no request id. Therefore each created entity stores the idempotency key, a digest of the request, in
its `customProperties`. Before an entity is created, and after a lost response, the entity with the key is searched for.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from itertools import chain, repeat
from typing import Any, Protocol, TypeVar

import anyio
from pydantic import JsonValue

from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.polling import RunningCall
from custom_speech_tools.runtime.results import block
from custom_speech_tools.speech import SpeechError, schemas
from custom_speech_tools.speech.paging import Listing

KEY_PROPERTY = "custom-speech-mcp"  # the custom property with the idempotency key of an entity

VISIBILITY_SECONDS = 25.0  # of searching for an entity after a lost response, before the request is sent again
SEARCH_INTERVALS = (0.0, 2.0, 3.0, 5.0)  # seconds before each search; the last interval repeats
EVENT_SECONDS = 600.0  # the time for which events are recorded, and the lifetime of a confirmation
_RESULT_SECONDS = 3600.0  # for which results are kept in memory
_NOTHING = (float("-inf"), None)

Made = TypeVar("Made")
Keyed = TypeVar("Keyed", bound=schemas.Entity)
Create = Callable[[], Awaitable[Made]]
Find = Callable[[], Awaitable[Made | None]]


class LockUnavailableError(Refused):
    """The lock that processes share is not available; `why` is the reason."""

    def __init__(self, why: str) -> None:
        message = f"Another process may be carrying out the same request: {why}"
        finding = block("already-exists", message, "The operator of the server must repair it.")
        super().__init__("Nothing was created.", [finding], "The same call can be repeated afterwards.")


class RequestLock(Protocol):
    """Locks and events that processes share. All methods may raise LockUnavailableError."""

    def hold(self, key: str) -> AbstractAsyncContextManager[bool]:
        """Hold the lock of a request; yields whether a process has completed it in the last EVENT_SECONDS."""

    async def record_event(self, name: str) -> None:
        """Record an event for EVENT_SECONDS."""

    async def has_event(self, name: str) -> bool:
        """Return whether a process has recorded the event in the last EVENT_SECONDS."""


def idempotency_key(*request: JsonValue) -> str:
    """Return a digest that is the same for equal requests in every process."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def find_by_key(key: str, entities: Iterable[Keyed], ignored: Collection[str] = ()) -> Keyed | None:
    """Return the first entity with the idempotency key, skipping the ids in `ignored`, or None."""
    for entity in entities:
        carried = (entity.custom_properties or {}).get(KEY_PROPERTY)
        # The key of a deliberate duplicate has a suffix.
        if carried and f"{carried}-".startswith(f"{key}-") and entity.id not in ignored:
            return entity
    return None


def ids_of_failed(key: str, entities: Iterable[schemas.Entity]) -> list[str]:
    """Return the ids of failed entities with the key, which never count as the requested entity."""
    failed = (entity for entity in entities if getattr(entity, "status", None) == "Failed")
    return sorted(entity.id for entity in failed if find_by_key(key, [entity]))


class IdempotentExecutor:
    """Executes each request once, even if identical requests arrive concurrently or in other processes.

    Args:
        unresolved: The age in seconds of each request with an unknown outcome, by key.
        lock: None for a single process.
    """

    def __init__(self, unresolved: Mapping[str, float] | None = None, lock: RequestLock | None = None) -> None:
        self._lock = lock
        self._locks: dict[str, anyio.Lock] = {}
        self._results: dict[str, tuple[float, Any]] = {}  # time and result by idempotency key or name of an event
        now = anyio.current_time() if unresolved else 0.0
        self._unresolved = {key: now - ago + VISIBILITY_SECONDS for key, ago in (unresolved or {}).items()}

    async def create_once(
        self,
        call: RunningCall,
        key: str,
        create: Create[Keyed],
        list_candidates: Callable[[], Awaitable[Listing[Keyed]]],  # the entities of the same name
        known: Sequence[Keyed] | None = None,  # the candidates, if the plan has listed them already
    ) -> tuple[Keyed, bool]:
        """Create an entity, or return the entity of an earlier identical request; also return whether it existed."""
        before = (await list_candidates()).entities if known is None else known
        failed = ids_of_failed(key, before)

        async def find() -> Keyed | None:
            return find_by_key(key, (await list_candidates()).entities, failed)

        if (existing := find_by_key(key, before, failed)) is not None:
            return existing, True
        return await self.run(call, key, create, find, failed)

    async def run(
        self,
        call: RunningCall,
        key: str,
        create: Create[Made],
        find: Find[Made],  # searches the service for the entity
        failed: Sequence[str] = (),  # ids of failed entities that the same request has created
    ) -> tuple[Made, bool]:
        """Create an entity once; return the entity, and whether it existed already.

        Raises:
            Refused: An earlier request has an unknown outcome, or the shared lock is not available.
        """
        # After each failure another lock is used, under which no process has completed the request.
        async with self.exclusive(key, idempotency_key(key, *failed) if failed else key) as is_done_elsewhere:
            made_at, made = self._results.get(key, _NOTHING)
            if made_at > call.facts_since:  # the plan's facts may lack the entity
                return made, True
            result = await self._find_earlier(call, key, find, elsewhere=is_done_elsewhere)
            existed = result is not None
            if result is None:
                try:
                    result = await create()
                except BaseException as error:
                    if isinstance(error, SpeechError | Refused) and not getattr(error, "outcome_unknown", False):
                        raise
                    now = anyio.current_time()
                    self._unresolved[key] = now + VISIBILITY_SECONDS
                    if isinstance(error, SpeechError):
                        result = await _search(call, find, now + SEARCH_INTERVALS[1])
                    if result is None:
                        raise
            self._unresolved.pop(key, None)
            self._results[key] = (anyio.current_time(), result)
            return result, existed

    async def share_result(self, key: str, make: Create[Made], *, since: float) -> Made:
        """Share one result of `make`, which the service does not store, between identical concurrent requests.

        Args:
            since: The time at which the call began (`anyio.current_time`).

        Raises:
            Refused: Another process has the result, or the shared lock is not available.
        """
        was_done = await self.has_event(key)
        async with self.exclusive(key, key) as is_done:
            made_at, made = self._results.get(key, _NOTHING)
            if made_at <= since:
                if is_done and not was_done:
                    message = "Another call has just sent the same request, and its answer contains the result."
                    finding = block("already-exists", message, "Repeat this call only if that answer was lost.")
                    raise Refused("Nothing was sent again.", [finding], "Use the other answer.")
                try:
                    made = await make()
                except SpeechError as error:
                    if not error.outcome_unknown:
                        raise
                    made = error  # the request may be billed, so a call that waited for it does not send it again
                self._results[key] = (anyio.current_time(), made)
            if isinstance(made, SpeechError):
                raise made
            return made  # type: ignore[no-any-return]  # a key has results of one type

    @asynccontextmanager
    async def exclusive(self, key: str, shared_key: str) -> AsyncIterator[bool]:
        """Hold the locks of a request; yields whether a process has completed it in the last EVENT_SECONDS.

        Other processes see `shared_key`, which the release of the lock records as an event.
        """
        lock = self._locks.setdefault(key, anyio.Lock())
        try:
            shared = self._lock.hold(shared_key) if self._lock else nullcontext(False)
            async with lock, shared as is_done_elsewhere:
                yield is_done_elsewhere
        finally:  # drop the lock if no call waits for it, and everything that is old
            if not lock.locked() and not lock.statistics().tasks_waiting:
                self._locks.pop(key, None)
            oldest = anyio.current_time() - _RESULT_SECONDS
            self._results = {key: result for key, result in self._results.items() if result[0] > oldest}
            self._unresolved = {key: until for key, until in self._unresolved.items() if until > oldest}

    async def record_event(self, name: str, result: str | None = None) -> None:
        """Record an event for EVENT_SECONDS, in every process that shares the lock.

        Args:
            result: The value of `last_result` for the event; it is not shared with other processes.
        """
        self._results[name] = (anyio.current_time(), result)
        with suppress(LockUnavailableError):  # the write is complete by now, and must not be reported as failed
            if self._lock:
                await self._lock.record_event(name)

    async def has_event(self, name: str) -> bool:
        """Return whether an event was recorded in the last EVENT_SECONDS; raises LockUnavailableError."""
        is_recent = anyio.current_time() - self._results.get(name, _NOTHING)[0] <= EVENT_SECONDS
        return is_recent or (self._lock is not None and await self._lock.has_event(name))

    def last_result(self, key: str) -> Any:
        """Return the last result of this process for a key or an event, or None."""
        return self._results.get(key, _NOTHING)[1]

    async def _find_earlier(self, call: RunningCall, key: str, find: Find[Made], *, elsewhere: bool) -> Made | None:
        until = self._unresolved.get(key)
        if until is None:
            found = await find() if elsewhere or key in self._results else None
            if found is None and elsewhere:  # created a moment ago, and perhaps not visible yet
                found = await _search(call, find, anyio.current_time() + VISIBILITY_SECONDS)
            return found
        found = await _search(call, find, until)
        if found is None and (left := until - anyio.current_time()) > 0:
            lost = "The same request was sent a moment ago and its answer was lost; its entity may not be visible yet."
            fix = f"In {left:.0f} s the call searches for the entity again, and only then repeats the request."
            unknown = block("already-exists", lost, fix)
            raise Refused("Nothing was sent again.", [unknown], f"Call again in {left:.0f} s.", is_transient=True)
        return found or await find()  # must succeed: without a search nothing is sent again


async def _search(call: RunningCall, find: Find[Made], until: float) -> Made | None:
    """Search for the entity of an earlier request until the given time, or until the call is about to end."""
    for pause in chain(SEARCH_INTERVALS, repeat(SEARCH_INTERVALS[-1])):
        await anyio.sleep(pause)
        with suppress(SpeechError):
            if (found := await find()) is not None:
                return found
        if anyio.current_time() >= until or call.seconds_left() < SEARCH_INTERVALS[-1] * 2:
            return None
        await call.report_progress("Looking for what an earlier request has created.")
    return None
