"""Virtual time: an event loop that never waits, so that minutes of faults pass in milliseconds.

Whoever sleeps, waits for a limit or asks for the time sees the loop's clock, which jumps to the next appointment
as soon as nobody has anything else to do. It stands still while a worker thread runs; nothing else outside this thread
can be waited for.
"""

import asyncio
import selectors
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio.to_thread

START = datetime(2026, 11, 2, tzinfo=UTC)


_run_sync = anyio.to_thread.run_sync


async def _counted_run_sync(*arguments: Any, **options: Any) -> Any:
    """Run a function in a thread, for which virtual time stands still."""
    selector = getattr(asyncio.get_running_loop(), "skipping", None)
    if selector is None:
        return await _run_sync(*arguments, **options)
    selector.threads += 1
    try:
        return await _run_sync(*arguments, **options)
    finally:
        selector.threads -= 1


anyio.to_thread.run_sync = _counted_run_sync


class SkippingSelector(selectors.DefaultSelector):
    """A selector that lets time pass instead of waiting."""

    waits_for_threads = True
    """False in tests of threads that never end."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; where nothing is, the time that would have been waited has passed."""
        ready = super().select(0 if timeout else timeout)
        if timeout and not ready and self.threads and self.waits_for_threads:  # time stands still while a thread works
            return super().select()
        if timeout and not ready:
            self.passed += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, which begins at nought seconds."""

    def __init__(self) -> None:
        self.skipping = SkippingSelector()
        super().__init__(self.skipping)

    def time(self) -> float:
        """Seconds since the loop began."""
        return self.skipping.passed


BACKEND = ("asyncio", {"loop_factory": VirtualLoop})
"""For the `anyio_backend` fixture."""


def clock(ahead: timedelta = timedelta()) -> Callable[[], datetime]:
    """A clock that moves with the loop."""
    return lambda: START + ahead + timedelta(seconds=_elapsed())


def _elapsed() -> float:
    try:
        loop: Any = asyncio.get_running_loop()
    except RuntimeError:
        return 0.0
    return float(loop.time())
