"""Locks that keep several processes from sending identical requests.

The service has no atomic check; a shared lock closes the gap between the search for an entity and its creation. Each
completed request is recorded as an event for the lifetime of a confirmation.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import time
from typing import Any

import anyio
from filelock import AsyncFileLock, Timeout

from custom_speech_server.config_source import ConfigurationError
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import EVENT_SECONDS, LockUnavailableError, RequestLock
from custom_speech_tools.speech import SpeechError

_log = logging.getLogger(__name__)

LOCK_URL_VARIABLE = "CUSTOM_SPEECH_LOCK_URL"
LOCK_SECONDS = 60.0  # after which the lock of a process that has died expires; longer than any request
SWEEP_SECONDS = 60.0  # between removals of old files: a folder of recordings takes thousands of locks
ACQUIRE_SECONDS = 30.0  # the longest wait for an identical request
_PREFIX = "custom-speech-mcp:"


def lock_from_environment(environment: Mapping[str, str], state_directory: Path | None) -> RequestLock | None:
    """Return the configured lock, or a file lock in the state directory; raises ConfigurationError."""
    url = environment.get(LOCK_URL_VARIABLE)
    if not url:
        return FileLock(state_directory / "locks") if state_directory else None
    try:
        return RedisLock(url)
    except ImportError:
        needed = f"{LOCK_URL_VARIABLE} needs the extra redis: pip install 'custom-speech-mcp[redis]'."
        raise ConfigurationError(needed) from None
    except ValueError:
        raise ConfigurationError(f"{LOCK_URL_VARIABLE} must be the address of a store: redis://host:6379/0.") from None


@asynccontextmanager
async def _completion(lock: RequestLock, key: str) -> AsyncIterator[bool]:
    """Yield whether a request was completed recently, and record it on exit unless it certainly changed nothing."""
    is_done, is_unchanged = await lock.has_event(key), False
    try:
        yield is_done
    except (SpeechError, Refused) as error:
        is_unchanged = not getattr(error, "outcome_unknown", False)
        raise
    finally:
        if not is_unchanged:  # the next process looks for the result
            with anyio.CancelScope(shield=True):
                try:
                    await lock.record_event(key)
                except LockUnavailableError as error:
                    _log.warning("A request could not be marked as completed: %s", error.findings[0].message)


class FileLock:
    """Locks between processes on one machine, with a lock file and an event file for each recent request."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._swept = 0.0

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[bool]:
        """Hold the lock of a request and yield whether it was completed recently; raises LockUnavailableError."""
        lock = AsyncFileLock(self._directory / f"{key}.lock", timeout=ACQUIRE_SECONDS)
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            is_due = time() - self._swept > SWEEP_SECONDS
            self._swept = time() if is_due else self._swept
            for file in self._directory.iterdir() if is_due else ():
                with suppress(OSError):  # a folder, or a file of another user, can stay
                    if _age(file) > 2 * EVENT_SECONDS:
                        file.unlink()
            await lock.acquire()
        except (OSError, Timeout) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise LockUnavailableError(f"the lock in {self._directory} cannot be taken ({why}).") from None
        try:
            async with _completion(self, key) as is_done:
                yield is_done
        finally:
            await lock.release()

    async def record_event(self, name: str) -> None:
        """Record an event for the lifetime of a confirmation; raises LockUnavailableError."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self._directory / f"{name}.done").touch(mode=0o600)
        except OSError as error:
            raise LockUnavailableError(f"{self._directory} cannot be written ({error.strerror}).") from None

    async def has_event(self, name: str) -> bool:
        """Return whether a process on this machine has recorded the event; raises LockUnavailableError."""
        try:
            return _age(self._directory / f"{name}.done") < EVENT_SECONDS
        except OSError as error:
            raise LockUnavailableError(f"{self._directory} cannot be read ({error.strerror}).") from None


def _age(file: Path) -> float:
    """Return the seconds since a file was changed, infinity if there is no file; raises OSError."""
    try:
        return time() - file.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


class RedisLock:
    """Locks in Redis or Valkey; needs the extra `redis`."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis

        self._redis: Any = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[bool]:
        """Hold the lock of a request and yield whether it was completed recently; raises LockUnavailableError."""
        from redis.exceptions import LockError, RedisError

        lock = self._redis.lock(f"{_PREFIX}lock:{key}", timeout=LOCK_SECONDS, blocking_timeout=ACQUIRE_SECONDS)
        if not await self._ask(lock.acquire()):
            raise LockUnavailableError("an identical request takes too long.")
        try:
            async with _completion(self, key) as is_done:
                yield is_done
        finally:
            with anyio.CancelScope(shield=True):
                try:
                    await lock.release()
                except (LockError, RedisError, OSError) as error:
                    _log.warning("A lock will expire by itself: the store does not answer (%s).", type(error).__name__)

    async def record_event(self, name: str) -> None:
        """Record an event for the lifetime of a confirmation; raises LockUnavailableError."""
        await self._ask(self._redis.set(f"{_PREFIX}done:{name}", 1, px=int(EVENT_SECONDS * 1000)))

    async def has_event(self, name: str) -> bool:
        """Return whether a process on any machine has recorded the event; raises LockUnavailableError."""
        return bool(await self._ask(self._redis.exists(f"{_PREFIX}done:{name}")))

    async def _ask(self, request: Awaitable[Any]) -> Any:
        """Return the store's response; raises LockUnavailableError."""
        from redis.exceptions import RedisError

        try:
            return await request
        except (RedisError, OSError) as error:
            message = f"the store of {LOCK_URL_VARIABLE} does not answer ({type(error).__name__})."
            raise LockUnavailableError(message) from None
