"""Concurrent requests."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup

Result = TypeVar("Result")


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
