"""Several processes on one socket: started together, stopped together, each replaced when it dies.

However the one that started them ends, they stop: nobody would replace them, and they would keep the port.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from threading import Thread
from types import FrameType

SHORTEST_LIFE_SECONDS = 5.0
"""A worker that dies younger would die again: then all stop."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Workers:
    """The processes. `work` serves until a signal; POSIX only, because they are forked."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._born: dict[int, float] = {}
        self._stopping = False
        self._line = os.pipe()

    def run(self, count: int, announce: Callable[[], None]) -> int:
        """Start them, say so, and stay until the last has ended; gives the exit status."""
        for name in _SIGNALS:
            signal.signal(name, self._stop)
        for _ in range(count):
            self._start()
        announce()
        status = 0
        while self._born:
            died, _ = os.wait()
            status |= self._succeed(self._born.pop(died))
        return status

    def _start(self) -> None:
        sys.stderr.flush()
        process = os.fork()
        if process == 0:
            self._be_a_worker()
        self._born[process] = time.monotonic()

    def _be_a_worker(self) -> None:
        for name in _SIGNALS:
            signal.signal(name, signal.SIG_DFL)
        listening, speaking = self._line
        os.close(speaking)
        Thread(target=_stop_when_alone, args=(listening,), daemon=True).start()
        self._work()
        sys.exit(0)

    def _succeed(self, born: float) -> int:
        """Replace one that died; gives 1 where that is no use."""
        if self._stopping:
            return 0
        if time.monotonic() - born < SHORTEST_LIFE_SECONDS:
            self._stop(signal.SIGTERM, None)
            return 1
        self._start()
        return 0

    def _stop(self, name: int, frame: FrameType | None) -> None:
        self._stopping = True
        for process in self._born:
            os.kill(process, name)


def _stop_when_alone(line: int) -> None:
    os.read(line, 1)  # nothing is ever said: it returns when the last that could speak has ended
    os.kill(os.getpid(), signal.SIGTERM)
