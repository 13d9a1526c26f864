"""Waiting for something that is running, and estimating how long it takes."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import anyio

from custom_speech_tools.speech import SpeechError, schemas
from custom_speech_tools.speech.sanitize import word

POLL_INTERVALS = (1.0, 2.0, 3.0)  # seconds between two requests for the status; the last one repeats
WATCHED_AT_FULL_RATE = 10  # with more things at the same time the intervals are longer

# The article on training a custom speech model: hours of audio that a training uses at most, and that a day takes.
MAX_AUDIO_HOURS, AUDIO_HOURS_PER_DAY = 100.0, 10.0

EMULATED_SECONDS = 5.0  # for whatever runs on an emulated resource, however much data it has

TERMINAL_STATUSES = frozenset({"Succeeded", "Failed"})


class RunningCall(Protocol):
    """A call that is being answered, as far as waiting and carrying out need to know it."""

    facts_since: float  # `anyio.current_time` before the first of its facts was read

    def seconds_left(self) -> float:
        """Return how long the call may still take."""

    async def report_progress(self, message: str) -> None:
        """Tell clients that show progress."""


Pollable = TypeVar("Pollable", bound=schemas.StatefulEntity | schemas.CopyOperation)


def is_terminal(entity: schemas.StatefulEntity | schemas.CopyOperation) -> bool:
    """Return whether the status is final; an unknown status counts as running."""
    return entity.status in TERMINAL_STATUSES


async def poll_until_terminal(
    call: RunningCall,
    first: Pollable,
    read: Callable[[str], Awaitable[Pollable]],
    wait_seconds: float,
    at_once: int = 1,
) -> Pollable:
    """Read the entity again until its status is final, the wait is over or the call must end.

    Each wait is reported as progress. If the service does not answer, the last known state is returned; a SpeechError
    that will not go away is raised.

    Args:
        at_once: How many things the caller waits for at the same time; more of them are read less often, because a
            resource answers 100 requests in ten seconds.
    """
    entity, start, reads = first, anyio.current_time(), 0
    slower = max(1.0, at_once / WATCHED_AT_FULL_RATE)
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
    """Estimate how long something takes: as earlier ones did, else as documented for audio, 0 for a few minutes.

    Args:
        earlier: Alike, and of the same resource. The shortest counts: an edit moves the date of the last action.
    """
    if is_emulated:
        return EMULATED_SECONDS
    dates = [(one.created_date_time, one.last_action_date_time) for one in earlier if one.status == "Succeeded"]
    taken = [(last - created).total_seconds() for created, last in dates if created and last]
    return min(taken, default=min(audio_hours, MAX_AUDIO_HOURS) / AUDIO_HOURS_PER_DAY * 86_400)


def check_again_after(begun: datetime | None, now: datetime, expected: float = 0.0) -> int:
    """Estimate the seconds after which it is worth asking again.

    Until the expected end what is left, of more than a minute a quarter. Then a third of the age, because the longer
    something has been running, the less likely its end is within the next seconds.
    """
    age = max(timedelta(), now - begun).total_seconds() if begun else 0.0
    left = expected - age
    if left > 0:
        return int(min(max(left / 4, min(left + 1, 60)), 6 * 3600))
    return int(min(max(age / 3, expected or 15), 600))
