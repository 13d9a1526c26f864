"""Several requests at the same time."""

from collections.abc import Awaitable
from typing import TypeVar

import anyio

Result = TypeVar("Result")


async def side_by_side(*jobs: Awaitable[Result]) -> list[Result]:
    """Await all jobs at once; their results in order, or the first error, after which the others are cancelled."""
    results: dict[int, Result] = {}

    async def run(place: int, job: Awaitable[Result]) -> None:
        results[place] = await job

    try:
        async with anyio.create_task_group() as group:
            for place, job in enumerate(jobs):
                group.start_soon(run, place, job)
    except BaseExceptionGroup as several:
        raise _first(several) from None
    return [results[place] for place in range(len(jobs))]


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = several
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
