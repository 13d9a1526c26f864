"""Concurrent tasks, and threads for blocking work."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import anyio
from anyio import from_thread, to_thread
from anyio.abc import TaskGroup
from anyio.lowlevel import RunVar

Result = TypeVar("Result")

MAX_THREADS = 4  # a computing thread blocks the event loop for 5 ms, the switch interval

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("limit of worker threads")


@asynccontextmanager
async def task_group() -> AsyncIterator[TaskGroup]:
    """Open a task group that raises its first error instead of an exception group."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


async def gather(*coroutines: Coroutine[Any, Any, Result]) -> list[Result]:
    """Run the coroutines concurrently and return their results in order."""
    async with task_group() as tasks:
        handles = [tasks.create_task(coroutine) for coroutine in coroutines]
    return [handle.return_value for handle in handles]


async def run_in_thread(work: Callable[[], Result], *, abandon_on_cancel: bool = False) -> Result:
    """Run blocking work in one of a few threads, apart from those that anyio uses, for example, for stdin.

    With `abandon_on_cancel`, a cancelled caller returns at once. The abandoned thread counts towards the limit until it
    ends, which anyio's own limit would not do.
    """
    limiter = _limiter.get(None) or anyio.CapacityLimiter(MAX_THREADS)
    _limiter.set(limiter)
    borrower = object()

    def release() -> None:
        with suppress(RuntimeError):  # released already, or the event loop has ended
            limiter.release_on_behalf_of(borrower)

    def run() -> Result:
        started.append(True)
        try:
            return work()
        finally:
            with suppress(RuntimeError):
                from_thread.run_sync(release)

    started: list[bool] = []
    await limiter.acquire_on_behalf_of(borrower)
    try:
        return await to_thread.run_sync(run, abandon_on_cancel=abandon_on_cancel)
    finally:
        if not started:
            release()
