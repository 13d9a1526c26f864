"""Looking at something that is running until it ends or the time is over."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import anyio
from mcp.server.mcpserver import Context

_PAUSES = (1.0, 2.0, 3.0)
"""Seconds between two looks; the last one repeats."""


class Running(Protocol):
    """What has a status."""

    @property
    def status(self) -> str: ...


Thing = TypeVar("Thing", bound=Running)


def has_ended(thing: Running) -> bool:
    """Whether the status is a last one; a status that nobody knows yet is taken for running."""
    return thing.status in ("Succeeded", "Failed")


async def until_ended(
    first: Thing, look: Callable[[], Awaitable[Thing]], wait_seconds: float, pace: float, ctx: Context
) -> Thing:
    """Look again until the thing has ended, at most `wait_seconds`; each look is reported as progress."""
    thing, start, looks = first, anyio.current_time(), 0
    while not has_ended(thing):
        waited = anyio.current_time() - start
        pause = _PAUSES[min(looks, len(_PAUSES) - 1)] * pace
        if waited + pause >= wait_seconds:
            break
        await ctx.report_progress(waited, wait_seconds, f"{thing.status} for {waited:.0f} s")
        await anyio.sleep(pause)
        thing, looks = await look(), looks + 1
    return thing
