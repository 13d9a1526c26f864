"""Time limits of MCP clients: how long a call may wait before its client gives up."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcp.server.context import ServerRequestContext

from custom_speech_tools.runtime.next_steps import DEFAULT_WAIT_SECONDS

SHORT_WAIT_SECONDS = 4  # the wait to suggest to clients that give up after 5 or 10 s

# Names of clients with such a timeout by default. The Python SDK calls itself "mcp 0.1.0", as do most agent frameworks.
SHORT_TIMEOUT_CLIENTS = frozenset({"mcp 0.1.0", "openai-agents", "google-adk", "autogen", "agno"})

MAX_CLIENTS = 100
MAX_FILE_BYTES = 64 * 1024
MAX_NAME = 100


def identify_client(request: ServerRequestContext[Any, Any]) -> tuple[str, str]:
    """Return the client's name and version, and the session id; unknown values are empty."""
    client = request.session.client_params
    name = f"{client.client_info.name} {client.client_info.version}"[:MAX_NAME] if client else ""
    return name, request.request.headers.get("mcp-session-id", "") if request.request else "stdio"


class ClientTimeLimits:
    """Observed timeouts of clients, optionally shared with other processes through a file."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._longest: dict[str, int] = {}

    def waits(self, client: str, session: str, max_wait: int) -> tuple[int, int]:
        """Return the longest wait of a client's calls and the wait to suggest to the client, in seconds."""
        known = self._longest.get(session) or self._read_file().get(client)
        longest, suggested = min(max_wait, known or max_wait), DEFAULT_WAIT_SECONDS
        if known is None and not SHORT_TIMEOUT_CLIENTS.isdisjoint((client, client.rpartition(" ")[0])):
            suggested = SHORT_WAIT_SECONDS
        return longest, min(suggested, longest)

    def record_timeout(self, client: str, session: str, seconds: float) -> None:
        """Record that a client gave up on a waiting call after `seconds`, so that its later waits are shorter."""
        longest = min(max(1, int(seconds) - 1), self._longest.get(session, DEFAULT_WAIT_SECONDS))
        if session:
            self._longest = dict(list(self._longest.items())[-MAX_CLIENTS:]) | {session: longest}
        if self._file is None:
            return
        known = {**self._read_file(), client: longest}
        with suppress(OSError):  # the timeout will be observed again
            temporary = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            temporary.write_text(json.dumps(dict(list(known.items())[-MAX_CLIENTS:])), encoding="utf-8")
            temporary.replace(self._file)

    def _read_file(self) -> dict[str, int]:
        """Return the longest waits by client, or an empty mapping if the file is missing or unreadable."""
        try:
            if self._file is None or not self._file.is_file() or self._file.stat().st_size > MAX_FILE_BYTES:
                return {}
            content = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        known = content.items() if isinstance(content, dict) else ()
        return {name: seconds for name, seconds in known if type(seconds) is int and seconds > 0}
