"""Waits that fit the client: how long its calls may take before it gives them up."""

import json
import os
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from mcp.server.context import ServerRequestContext

from custom_speech_tools.runtime.next_steps import Value, call_step

# The waits that next steps suggest (docs/clients.md).
DEFAULT_WAIT_SECONDS = 25  # many clients give up after 30 s
SHORT_WAIT_SECONDS = 4  # for clients that give up after 5 or 10 s

# Names with such a time-out by default; the first is what the Python SDK says, and with it most agent frameworks.
SHORT_TIMEOUT_CLIENTS = frozenset({"mcp 0.1.0", "openai-agents", "google-adk", "autogen", "agno"})

MAX_CLIENTS = 100
MAX_FILE_BYTES = 64 * 1024
MAX_NAME = 100

_suggested: ContextVar[int] = ContextVar("the wait that this call suggests", default=DEFAULT_WAIT_SECONDS)


def suggested_wait() -> int:
    """Return the seconds that the next steps of this call suggest."""
    return _suggested.get()


def wait_step(tool: str, again: int | None, resource: str, **entity: Value) -> str:
    """Return the call that waits for the end of something, or that asks again after more seconds than a call waits."""
    if again is None or again <= DEFAULT_WAIT_SECONDS:
        return call_step(tool, **entity, wait_seconds=suggested_wait(), resource=resource)
    later = f"{again / 3600:.1f} h" if again >= 5400 else f"{again / 60:.0f} min" if again >= 90 else f"{again} s"
    return f"{call_step(tool, **entity, resource=resource)} in about {later}"


def client_name(request: ServerRequestContext[Any, Any]) -> str:
    """Return the name and version of the client that called, empty if it did not say."""
    client = request.session.client_params
    return f"{client.client_info.name} {client.client_info.version}"[:MAX_NAME] if client else ""


def session_name(request: ServerRequestContext[Any, Any]) -> str:
    """Return the id of the session over HTTP, empty without one; over stdio a process has a single session."""
    return request.request.headers.get("mcp-session-id", "") if request.request else "stdio"


class ClientTimeLimits:
    """The time-outs of clients, learned by this process, or by all of this machine that share a file."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._longest: dict[str, int] = {}

    def longest(self, client: str, session: str, max_wait: int) -> int:
        """Return the longest that a call of this client waits, and let the next steps of this call suggest no more."""
        known = self._longest.get(session) or self._read().get(client)
        is_impatient = known is None and not SHORT_TIMEOUT_CLIENTS.isdisjoint((client, client.rpartition(" ")[0]))
        longest = min(max_wait, known or max_wait)
        _suggested.set(min(SHORT_WAIT_SECONDS if is_impatient else DEFAULT_WAIT_SECONDS, longest))
        return longest

    def record_timeout(self, client: str, session: str, seconds: float) -> None:
        """Keep later waits of the client below the time after which it gave up a call that waited."""
        longest = min(max(1, int(seconds) - 1), self._longest.get(session, DEFAULT_WAIT_SECONDS))
        if session:
            self._longest = dict(list(self._longest.items())[-MAX_CLIENTS:]) | {session: longest}
        if self._file is None:
            return
        known = {**self._read(), client: longest}
        with suppress(OSError):  # the time-out is learned again
            temporary = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            temporary.write_text(json.dumps(dict(list(known.items())[-MAX_CLIENTS:])), encoding="utf-8")
            temporary.replace(self._file)

    def _read(self) -> dict[str, int]:
        """Return what other processes have learned; what cannot be read was not learned."""
        try:
            if self._file is None or not self._file.is_file() or self._file.stat().st_size > MAX_FILE_BYTES:
                return {}
            known = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        kept = known.items() if isinstance(known, dict) else ()
        return {name: seconds for name, seconds in kept if type(seconds) is int and seconds > 0}
