"""HTTP/1.1 connections that keep nobody waiting: limits for a whole request, for a slow reader, for their number."""

import asyncio
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from custom_speech_server.http.host_validation import HEAD_BYTES

REQUEST_SECONDS = 20.0
"""The longest that a request may take to arrive whole, from the connection or its first byte on."""

READING_SECONDS = 30.0
"""The longest that a caller may leave an answer unread."""

MOST_CONNECTIONS = 2000
"""AppContext at once."""


class PatientProtocol(H11Protocol):
    """uvicorn's protocol on h11, closing connections that keep it waiting."""

    _arrival: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take the connection; where there are too many, one that is served nothing gives way, or else this one."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            others = (other for other in self.connections if isinstance(other, PatientProtocol) and other is not self)
            next((other for other in others if other.is_waiting), self).give_way()
        if not transport.is_closing():
            self._arrival = self.loop.call_later(REQUEST_SECONDS, transport.abort)

    @property
    def is_waiting(self) -> bool:
        """Whether it is open, and no whole request of it is being answered."""
        is_served = self._arrival is None and self.cycle is not None and not self.cycle.response_complete
        return not is_served and not self.transport.is_closing()

    def give_way(self) -> None:
        """Close at once."""
        _stop(self._arrival)
        self._arrival = None
        self.transport.abort()

    def handle_events(self) -> None:
        """Take what came of a request, also behind another; its first part starts the clock, its last stops it."""
        super().handle_events()
        if not self._is_arriving():
            _stop(self._arrival)
            self._arrival = None
        elif self._arrival is None:
            self._arrival = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _is_arriving(self) -> bool:
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def pause_writing(self) -> None:
        """The caller does not read."""
        super().pause_writing()
        self._reading = self.loop.call_later(READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The caller reads again."""
        super().resume_writing()
        _stop(self._reading)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clocks."""
        _stop(self._arrival)
        _stop(self._reading)
        super().connection_lost(exc)


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer:
        timer.cancel()


def allow_as_many_files() -> None:
    """Raise the limit of open files, often 1024, so that the connections fit beside those to Azure."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MOST_CONNECTIONS * 2
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def limits() -> dict[str, Any]:
    """What uvicorn is told of it."""
    return {
        "http": PatientProtocol,
        "h11_max_incomplete_event_size": HEAD_BYTES,
        "timeout_keep_alive": 75,
        "backlog": 256,
    }
