"""Several requests at the same time."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

Result = TypeVar("Result")


class Later(Generic[Result]):
    """A result that is there when its group has ended."""

    result: Result


class Group:
    """Jobs that run side by side."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks

    def start(self, job: Awaitable[Result]) -> Later[Result]:
        """Start a job; its result is there when the group has ended."""
        later = Later[Result]()

        async def run() -> None:
            later.result = await job

        self._tasks.start_soon(run)
        return later


@asynccontextmanager
async def together() -> AsyncIterator[Group]:
    """A group that ends when all its jobs have; the first error cancels the others and is raised alone."""
    try:
        async with anyio.create_task_group() as tasks:
            yield Group(tasks)
    except BaseExceptionGroup as several:
        raise _first(several) from None


async def gather(*jobs: Awaitable[Result]) -> list[Result]:
    """Await all jobs at once; their results in order."""
    async with together() as group:
        results = [group.start(job) for job in jobs]
    return [later.result for later in results]


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = several
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
