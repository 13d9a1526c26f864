"""Several processes on one socket: started together, stopped together, each replaced when it dies.

However the one that started them ends, they stop: nobody would replace them, and they would keep the port.
"""

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Thread

SHORTEST_LIFE_SECONDS = 5.0
"""A worker that dies younger would die again: then all stop."""

_MEND = "The lines above say why (signal 9: mostly a lack of memory); mend that and start again."
_STOPS = frozenset({signal.SIGTERM, signal.SIGINT})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Worker:
    own: socket.socket
    born: float = field(default_factory=time.monotonic)


class Workers:
    """The processes. `work` serves until a signal; POSIX only, because they are forked.

    Each has a socket of its own beside the one they share. All keep all of these: nobody else can take the port of one
    that died, and be told what is meant for its successor.
    """

    def __init__(
        self, work: Callable[[socket.socket], None], shared: socket.socket, owns: Sequence[socket.socket]
    ) -> None:
        self._work, self._shared, self._owns = work, shared, owns
        self._born: dict[int, _Worker] = {}
        self._stopping = False
        self._status = 0
        self._line = os.pipe()

    def run(self, announce: Callable[[], None]) -> int:
        """Start them, say so, and stay until the last has ended; gives the exit status."""
        signals = _signals()
        for own in self._owns:
            self._start(own)
        announce()
        while self._born:
            if _STOPS.intersection(os.read(signals, 1024)):
                self._stop()
            self._bury()
        return self._status

    def _start(self, own: socket.socket) -> None:
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # one that comes early waits until the worker is one
        process = os.fork()
        if process == 0:
            self._be_a_worker(own)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        self._born[process] = _Worker(own)

    def _be_a_worker(self, own: socket.socket) -> None:
        signal.set_wakeup_fd(-1)
        for name in (*_STOPS, signal.SIGCHLD):
            signal.signal(name, signal.SIG_DFL)
        listening, speaking = self._line
        os.close(speaking)
        Thread(target=_stop_when_alone, args=(listening,), daemon=True).start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        self._work(own)
        sys.exit(0)

    def _bury(self) -> None:
        """See who has ended. As process 1 it is told of orphans, too, whom it does not know."""
        while self._born:
            process, how = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            if worker := self._born.pop(process, None):
                self._succeed(worker, f"Worker {process} ended ({_ending(how)})")

    def _succeed(self, worker: _Worker, news: str) -> None:
        if not self._stopping and time.monotonic() - worker.born < SHORTEST_LIFE_SECONDS:
            _log.error("%s as soon as it began, and so would another: all stop. %s", news, _MEND)
            self._status = 1
            self._stop()
        if self._stopping:
            Thread(target=_hang_up, args=(worker.own,), daemon=True).start()
        else:
            _log.warning("%s; another takes its place.", news)
            self._start(worker.own)

    def _stop(self) -> None:
        self._stopping = True
        self._shared.close()  # or callers would still be let in when no worker answers them
        for process in self._born:
            os.kill(process, signal.SIGTERM)


def _signals() -> int:
    """Where signals can be read from now on, one byte each: whenever they come, they are dealt with in turn."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for name in (*_STOPS, signal.SIGCHLD):
        signal.signal(name, lambda *_: None)
    return reading


def _ending(how: int) -> str:
    status = os.waitstatus_to_exitcode(how)
    return f"signal {-status}" if status < 0 else f"status {status}"


def _hang_up(own: socket.socket) -> None:
    own.setblocking(True)
    while True:  # whoever passes a request on to one that has stopped would wait for it
        own.accept()[0].close()


def _stop_when_alone(line: int) -> None:
    os.read(line, 1)  # nothing is ever said: it returns when the last that could speak has ended
    os.kill(os.getpid(), signal.SIGTERM)
