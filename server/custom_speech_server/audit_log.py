"""The audit: every request that changed something, one JSON object a line, added and never rewritten.

A line is on the disk before its request leaves, and another after it has ended. A server that was killed
in between finds the first without the second when it starts again, and looks before it repeats the request.
"""

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from custom_speech_server import emulated_resources
from custom_speech_server.config import Resources
from custom_speech_tools.runtime.auditing import Audit, Entry, NullAudit
from custom_speech_tools.runtime.idempotency import VISIBILITY_SECONDS

OFF = "off"
_TAIL = 256 * 1024
"""Bytes at the end of the file in which requests without an end are looked for."""


class AuditFile:
    """An audit in a file that only its owner can read."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = path
        self._now = now

    def write(self, entry: Entry) -> None:
        """Add a line and wait until it is on the disk."""
        line = json.dumps({"time": self._now().isoformat(), "pid": os.getpid(), **entry})
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _append(descriptor, line.encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def unresolved(self) -> Mapping[str, float]:
        """Requests that left before now and whose work may not be seen yet: how many seconds ago."""
        doubts: dict[str, float] = {}
        for entry in filter(lambda entry: entry.get("request"), self._last()):
            doubts.pop(entry["request"], None)
            if not _is_settled(entry):
                doubts[entry["request"]] = (self._now() - datetime.fromisoformat(entry["time"])).total_seconds()
        return {request: max(0.0, ago) for request, ago in doubts.items() if ago < VISIBILITY_SECONDS}

    def last_id(self, key: str) -> str | None:
        """Return the id of what the last request with this idempotency key has made."""
        made = [entry for entry in self._last() if entry.get("request") == key and entry.get("outcome") == "done"]
        return str(made[-1]["id"]) if made and made[-1].get("id") else None

    def problem(self) -> str | None:
        """Why nothing can be written, None where it can; an empty file is made on the way."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600))
        except OSError as error:
            return error.strerror or type(error).__name__
        return None

    def _last(self) -> list[dict[str, Any]]:
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - _TAIL))
                lines = file.read().splitlines()
        except OSError:
            return []
        return [entry for entry in map(_read, lines) if entry]


def of_environment(environment: Mapping[str, str], resources: Resources) -> Audit:
    """The audit that CUSTOM_SPEECH_AUDIT names, a file or `off`; where it is not set the user's own file.

    What changes nothing but the emulator in this process is kept beside its state, and with no state not at all.
    """
    named = environment.get("CUSTOM_SPEECH_AUDIT")
    if named:
        return NullAudit() if named == OFF else AuditFile(Path(named).expanduser())
    state = emulated_resources.state_file() if resources.in_process else user_file()
    return AuditFile(state.with_name(user_file().name)) if state else NullAudit()


def state_directory(resources: Resources) -> Path | None:
    """Return the folder for locks and keys; None where the emulator in this process keeps its state in memory."""
    state = emulated_resources.state_file() if resources.in_process else user_file()
    return state.parent if state else None


def cautions(audit: Audit) -> Iterator[str]:
    """What whoever started the server should know and mend."""
    if isinstance(audit, AuditFile) and (problem := audit.problem()):
        yield f"the audit file {audit.path} cannot be written ({problem}): no tool will change anything."


def user_file() -> Path:
    """Where the audit is kept unless somebody names another place."""
    return user_state_path("custom-speech-mcp", appauthor=False) / "audit.jsonl"


def _append(descriptor: int, line: bytes) -> None:
    """One write, so that lines of several processes never mix; on a line of its own, even after one that was cut."""
    if os.lseek(descriptor, 0, os.SEEK_END):
        os.lseek(descriptor, -1, os.SEEK_END)
        line = line if os.read(descriptor, 1) == b"\n" else b"\n" + line
    if os.write(descriptor, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _is_settled(entry: dict[str, Any]) -> bool:
    """Whether the service shows by now what the request has made; a copy is on its way for a while."""
    outcome = str(entry.get("outcome", ""))
    return outcome.startswith("not done") or (outcome == "done" and entry.get("operation") != "Models_Copy")


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "time" in entry else None
