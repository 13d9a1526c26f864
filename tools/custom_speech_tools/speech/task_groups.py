"""Concurrent requests, and blocking work in threads."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import anyio
from anyio import from_thread, to_thread
from anyio.abc import TaskGroup
from anyio.lowlevel import RunVar

Result = TypeVar("Result")

MAX_THREADS = 4  # each one holds the interpreter's lock for 5 ms, during which no request is read

_places: RunVar[anyio.CapacityLimiter] = RunVar("places of threads that compute")


@asynccontextmanager
async def task_group() -> AsyncIterator[TaskGroup]:
    """Open a task group that raises the first error itself instead of a group of errors."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


async def gather(*coroutines: Coroutine[Any, Any, Result]) -> list[Result]:
    """Run all coroutines at once and return their results in order."""
    async with task_group() as tasks:
        handles = [tasks.create_task(coroutine) for coroutine in coroutines]
    return [handle.return_value for handle in handles]


async def run_in_thread(work: Callable[[], Result], *, abandon_on_cancel: bool = False) -> Result:
    """Run work that reads files or computes in one of a few threads; reading stdin does not wait for them.

    Args:
        abandon_on_cancel: Let a cancelled caller go at once. The thread goes on and keeps its place until it has
            ended: anyio alone would start another one for the next caller.
    """
    places = _places.get(None) or anyio.CapacityLimiter(MAX_THREADS)
    _places.set(places)
    place = object()

    def release() -> None:
        with suppress(RuntimeError):  # released already, or the event loop has ended
            places.release_on_behalf_of(place)

    def run() -> Result:
        started.append(True)
        try:
            return work()
        finally:
            with suppress(RuntimeError):
                from_thread.run_sync(release)

    started: list[bool] = []
    await places.acquire_on_behalf_of(place)
    try:
        return await to_thread.run_sync(run, abandon_on_cancel=abandon_on_cancel)
    finally:
        if not started:
            release()
