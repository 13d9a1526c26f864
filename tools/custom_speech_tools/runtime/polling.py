"""Polling of running operations, and estimates of their duration."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import anyio

from custom_speech_tools.speech import SpeechError, schemas
from custom_speech_tools.speech.sanitize import word

POLL_INTERVALS = (1.0, 2.0, 3.0)  # seconds between two requests for the status; the last interval repeats
MAX_FULL_RATE = 10  # operations that are polled at these intervals; with more operations the intervals are longer

# Source: the article on training a custom speech model. Hours of audio that a training uses at most, and per day.
MAX_AUDIO_HOURS, AUDIO_HOURS_PER_DAY = 100.0, 10.0

EMULATED_SECONDS = 5.0  # of every operation on an emulated resource, regardless of its data

TERMINAL_STATUSES = frozenset({"Succeeded", "Failed"})


class RunningCall(Protocol):
    """The part of a tool call that polling and idempotent execution use."""

    facts_since: float  # the time at which the call began to read its facts (`anyio.current_time`)

    def seconds_left(self) -> float:
        """Return the seconds until the time limit of the call."""

    async def report_progress(self, message: str) -> None:
        """Send a progress notification."""


Pollable = TypeVar("Pollable", bound=schemas.StatefulEntity | schemas.CopyOperation)


def is_terminal(entity: schemas.StatefulEntity | schemas.CopyOperation) -> bool:
    """Return whether the status is final. An unknown status counts as running."""
    return entity.status in TERMINAL_STATUSES


async def poll_until_terminal(
    call: RunningCall,
    first: Pollable,
    read: Callable[[str], Awaitable[Pollable]],
    wait_seconds: float,
    concurrent: int = 1,
) -> Pollable:
    """Read the entity repeatedly until its status is final, the wait is over, or the call must end.

    Each pause is reported as progress. If the service does not answer, the last known state is returned.

    Args:
        concurrent: The number of operations that the caller polls at the same time. The intervals grow with it,
            because a resource answers 100 requests in ten seconds.

    Raises:
        SpeechError: An error that is not transient.
    """
    entity, start, reads = first, anyio.current_time(), 0
    slower = max(1.0, concurrent / MAX_FULL_RATE)
    end = start + min(wait_seconds, call.seconds_left())
    while not is_terminal(entity):
        waited, pause = anyio.current_time() - start, slower * POLL_INTERVALS[min(reads, len(POLL_INTERVALS) - 1)]
        if start + waited + pause >= end:
            break
        await call.report_progress(f"{word(entity.status)} for {waited:.0f} s")
        await anyio.sleep(pause)
        try:
            entity, reads = await read(first.id), reads + 1
        except SpeechError as error:
            if not error.is_transient:
                raise
            break
    return entity


def expected_seconds(
    earlier: Iterable[schemas.StatefulEntity] = (), *, is_emulated: bool = False, audio_hours: float = 0.0
) -> float:
    """Estimate the duration of an operation in seconds; 0 means a few minutes.

    The estimate is the shortest duration of earlier entities with the same data on the same resource, because an edit
    moves the date of the last action, or else the documented rate for audio.
    """
    if is_emulated:
        return EMULATED_SECONDS
    dates = [(one.created_date_time, one.last_action_date_time) for one in earlier if one.status == "Succeeded"]
    taken = [(last - created).total_seconds() for created, last in dates if created and last]
    return min(taken, default=min(audio_hours, MAX_AUDIO_HOURS) / AUDIO_HOURS_PER_DAY * 86_400)


def check_again_after(begun: datetime | None, now: datetime, expected: float = 0.0) -> int:
    """Estimate after how many seconds an operation should be read again.

    Before the expected end this is the remaining time, or a quarter of it if it is long. After the expected end it is a
    third of the operation's age, because the end of an old operation is less likely within the next seconds.
    """
    age = max(timedelta(), now - begun).total_seconds() if begun else 0.0
    left = expected - age
    if left > 0:
        return int(min(max(left / 4, min(left + 1, 60)), 6 * 3600))
    return int(min(max(age / 3, expected or 15), 600))
