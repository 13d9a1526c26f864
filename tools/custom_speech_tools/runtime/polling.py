"""Looking at something that is running until it ends or the time is over."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import anyio

from custom_speech_tools.runtime.context import current
from custom_speech_tools.speech import SpeechError
from custom_speech_tools.speech.sanitize import plain

_PAUSES = (1.0, 2.0, 3.0)
"""Seconds between two looks; the last one repeats."""


class Running(Protocol):
    """What has a status."""

    @property
    def status(self) -> str: ...


Thing = TypeVar("Thing", bound=Running)


def is_terminal(thing: Running) -> bool:
    """Whether the status is a last one; a status that nobody knows yet is taken for running."""
    return thing.status in ("Succeeded", "Failed")


async def poll_until_terminal(
    first: Thing, look: Callable[[], Awaitable[Thing]], wait_seconds: float, pace: float
) -> Thing:
    """Look again until the thing has ended, at most `wait_seconds` or as long as the call may take.

    Each look is reported as progress; where the service does not answer one, what is known is the answer.
    """
    thing, start, looks = first, anyio.current_time(), 0
    end = start + min(wait_seconds, current().seconds_left())
    while not is_terminal(thing):
        waited, pause = anyio.current_time() - start, _PAUSES[min(looks, len(_PAUSES) - 1)] * pace
        if start + waited + pause >= end:
            break
        await current().says(f"{plain(thing.status, 40)} for {waited:.0f} s")
        await anyio.sleep(pause)
        try:
            thing, looks = await look(), looks + 1
        except SpeechError as error:
            if not error.is_transient:
                raise
            break
    return thing
