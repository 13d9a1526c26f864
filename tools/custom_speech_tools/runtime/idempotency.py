"""Carry out a request once: keys, locks for identical requests, and unknown outcomes after a lost answer.

The service takes no request id. A key, the digest of what is to be made, is therefore kept in the entity's
`customProperties`; before anything is created, and again after a lost answer, the entity with the key is searched.
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

KEY_PROPERTY = "custom-speech-mcp"  # the name in `customProperties` under which an entity carries its idempotency key

VISIBILITY_SECONDS = 25.0  # an entity is searched so long after a lost answer, before its request is sent again
SEARCH_INTERVALS = (0.0, 2.0, 3.0, 5.0)  # seconds before each search; the last one repeats
EVENT_SECONDS = 600.0  # the time for which events are recorded, and the lifetime of a confirmation
_REMEMBERED_SECONDS = 3600.0
_NOTHING = (float("-inf"), None)

Made = TypeVar("Made")
Keyed = TypeVar("Keyed", bound=schemas.Entity)
Create = Callable[[], Awaitable[Made]]
Find = Callable[[], Awaitable[Made | None]]


class LockUnavailableError(Refused):
    """The lock that processes share cannot be taken or asked; `why` says for what reason."""

    def __init__(self, why: str) -> None:
        message = f"Another process might be making the same at this moment: {why}"
        finding = block("already-exists", message, "Whoever runs the server must repair it.")
        super().__init__("Nothing was created.", [finding], "The same call can be repeated afterwards.")


class RequestLock(Protocol):
    """Locks and marks that several processes share; each method may raise LockUnavailableError."""

    def hold(self, key: str) -> AbstractAsyncContextManager[bool]:
        """Hold a request's lock; yields True if another process completed it within the lifetime of a confirmation."""

    async def record_event(self, name: str) -> None:
        """Mark a name for the lifetime of a confirmation."""

    async def has_event(self, name: str) -> bool:
        """Return whether a process has marked the name within the lifetime of a confirmation."""


def idempotency_key(*request: JsonValue) -> str:
    """Return the same key for the same request, in any process."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def find_by_key(key: str, entities: Iterable[Keyed], ignored: Collection[str] = ()) -> Keyed | None:
    """Return the entity that carries the key, alone or with a suffix of a deliberate duplicate, and is not ignored."""
    for entity in entities:
        carried = (entity.custom_properties or {}).get(KEY_PROPERTY)
        if carried and f"{carried}-".startswith(f"{key}-") and entity.id not in ignored:
            return entity
    return None


def ids_of_failed(key: str, entities: Iterable[schemas.Entity]) -> list[str]:
    """Return the ids of failed entities that carry the key: these are never the same as what is asked for."""
    failed = (entity for entity in entities if getattr(entity, "status", None) == "Failed")
    return sorted(entity.id for entity in failed if find_by_key(key, [entity]))


class IdempotentExecutor:
    """Carries out one of several identical requests, also of other processes that share the lock.

    Args:
        unresolved: Seconds since requests were sent whose outcome is not known, by key.
        lock: None if this process is the only one.
    """

    def __init__(self, unresolved: Mapping[str, float] | None = None, lock: RequestLock | None = None) -> None:
        self._lock = lock
        self._locks: dict[str, anyio.Lock] = {}
        self._made: dict[str, tuple[float, Any]] = {}  # what was made, and when, by key or by the name of a mark
        now = anyio.current_time() if unresolved else 0.0
        self._unresolved = {key: now - ago + VISIBILITY_SECONDS for key, ago in (unresolved or {}).items()}

    async def create_once(
        self,
        call: RunningCall,
        key: str,
        create: Create[Keyed],
        list_candidates: Callable[[], Awaitable[Listing[Keyed]]],
        known: Sequence[Keyed] | None = None,
    ) -> tuple[Keyed, bool]:
        """Create an entity unless the same request has created it before, in any process; see `run`.

        Args:
            list_candidates: Lists the entities that could carry the key: those of the same name.
            known: The candidates, if the plan has listed them.
        """
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
        find: Find[Made],
        failed: Sequence[str] = (),
    ) -> tuple[Made, bool]:
        """Create an entity once; return it, and whether it existed already.

        Args:
            find: Looks for the entity on the service.
            failed: The ids of what the same request created before and has failed.

        Raises:
            Refused: An earlier request has an unknown outcome, or the shared lock cannot be taken.
        """
        # Another lock after each failure: what a process has completed under it is not what failed.
        async with self._hold(key, idempotency_key(key, *failed) if failed else key) as is_made_elsewhere:
            made_at, made = self._made.get(key, _NOTHING)
            if made_at > call.facts_since:  # which may lack it
                return made, True
            found = await self._find_earlier(call, key, find, elsewhere=is_made_elsewhere)
            result = found if found is not None else await self._create(call, key, create, find)
            self._unresolved.pop(key, None)
            self._made[key] = (anyio.current_time(), result)
            return result, found is not None

    async def share_result(self, key: str, make: Create[Made], *, since: float) -> Made:
        """Make what the service does not keep, unless the same request makes it at the same moment.

        Args:
            since: When the call began (`anyio.current_time`).

        Raises:
            Refused: Another process has what was made, or the shared lock cannot be taken.
        """
        was_made = await self.has_event(key)
        async with self._hold(key, key) as is_made:
            made_at, made = self._made.get(key, _NOTHING)
            if made_at <= since:
                if is_made and not was_made:
                    message = "Another call has sent the same at this moment, and its answer has the result."
                    finding = block("already-exists", message, "Repeat this call only if that answer was lost.")
                    raise Refused("Nothing was sent again.", [finding], "Use the other answer.")
                try:
                    made = await make()
                except SpeechError as error:
                    if not error.outcome_unknown:
                        raise
                    made = error  # it may be billed: a call that waited for it does not send it again
                self._made[key] = (anyio.current_time(), made)
            if isinstance(made, SpeechError):
                raise made
            return made  # type: ignore[no-any-return]  # one key stands for one type

    def exclusive(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Exclude other calls that use the same name, also in other processes."""
        return self._hold(name, idempotency_key("alone", name))  # its release must not mark the name itself

    @asynccontextmanager
    async def _hold(self, key: str, shared_key: str) -> AsyncIterator[bool]:
        """Exclude the same request, here and in other processes; yield whether another one has completed it lately."""
        lock = self._locks.setdefault(key, anyio.Lock())
        try:
            shared = self._lock.hold(shared_key) if self._lock else nullcontext(False)
            async with lock, shared as is_made_elsewhere:
                yield is_made_elsewhere
        finally:  # drop a lock that nobody waits for, and everything that is old
            if not lock.locked() and not lock.statistics().tasks_waiting:
                self._locks.pop(key, None)
            oldest = anyio.current_time() - _REMEMBERED_SECONDS
            self._made = {key: made for key, made in self._made.items() if made[0] > oldest}
            self._unresolved = {key: until for key, until in self._unresolved.items() if until > oldest}

    async def record_event(self, name: str, made: str | None = None) -> None:
        """Mark a name for the lifetime of a confirmation, in every process that shares the lock.

        Args:
            made: What `last_result` returns for the name; other processes do not learn it.
        """
        self._made[name] = (anyio.current_time(), made)
        with suppress(LockUnavailableError):  # the write has been done by then, and must not be reported as failed
            if self._lock:
                await self._lock.record_event(name)

    async def has_event(self, name: str) -> bool:
        """Return whether a name was marked within the lifetime of a confirmation; Refused if that cannot be asked."""
        is_recent = anyio.current_time() - self._made.get(name, _NOTHING)[0] <= EVENT_SECONDS
        return is_recent or (self._lock is not None and await self._lock.has_event(name))

    def last_result(self, key: str) -> Any:
        """Return what this process got for the key before, None if it got nothing."""
        return self._made.get(key, _NOTHING)[1]

    async def _find_earlier(self, call: RunningCall, key: str, find: Find[Made], *, elsewhere: bool) -> Made | None:
        until = self._unresolved.get(key)
        if until is None:
            found = await find() if elsewhere or key in self._made else None
            if found is None and elsewhere:  # made a moment ago and perhaps not visible yet
                found = await _search(call, find, anyio.current_time() + VISIBILITY_SECONDS)
            return found
        found = await _search(call, find, until)
        if found is None and (left := until - anyio.current_time()) > 0:
            message = "The same request was sent a moment ago and its answer was lost; what it may have created is not"
            fix = f"In {left:.0f} s the call searches again, and only then repeats the request."
            unknown = block("already-exists", f"{message} visible yet.", fix)
            raise Refused("Nothing was sent again.", [unknown], f"Call again in {left:.0f} s.", is_transient=True)
        return found or await find()  # must succeed: without a search nothing is sent again

    async def _create(self, call: RunningCall, key: str, create: Create[Made], find: Find[Made]) -> Made:
        try:
            return await create()
        except BaseException as error:
            if isinstance(error, SpeechError | Refused) and not getattr(error, "outcome_unknown", False):
                raise
            now = anyio.current_time()
            self._unresolved[key] = now + VISIBILITY_SECONDS
            if isinstance(error, SpeechError) and (made := await _search(call, find, now + SEARCH_INTERVALS[1])):
                return made
            raise


async def _search(call: RunningCall, find: Find[Made], until: float) -> Made | None:
    """Search for what an earlier request made, until then or until the call must end."""
    for pause in chain(SEARCH_INTERVALS, repeat(SEARCH_INTERVALS[-1])):
        await anyio.sleep(pause)
        with suppress(SpeechError):
            if (found := await find()) is not None:
                return found
        if anyio.current_time() >= until or call.seconds_left() < SEARCH_INTERVALS[-1] * 2:
            return None
        await call.report_progress("Looking for what an earlier request has created.")
    return None
