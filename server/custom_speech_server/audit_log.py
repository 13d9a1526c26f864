"""The audit log: every request that changed something, one JSON object a line, appended and never rewritten.

A line is on the disk before its request leaves, and another after it has ended. A server that was killed in between
finds the first without the second when it starts again, and looks for the result before it repeats the request.
"""

import errno
import json
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.resource_config import Resources
from custom_speech_server.state_directory import state_home
from custom_speech_tools.runtime.change_audit import Audit, Entry
from custom_speech_tools.runtime.idempotency import VISIBILITY_SECONDS

AUDIT_VARIABLE = "CUSTOM_SPEECH_AUDIT"
_MAX_TAIL_BYTES = 256 * 1024  # at the end of the file, searched for requests without an end and for their results
# Binary: no translation of line ends on Windows. Not blocking: a named pipe must not stop the server.
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


class AuditFile(Audit):
    """An audit log in a file that only its owner can read."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path, self._now = path, now

    def write(self, entry: Entry) -> None:
        """Append a line and wait until it is on the disk, or raise OSError if it cannot be kept."""
        line = json.dumps({"time": self._now().isoformat(), "pid": os.getpid(), **entry}).encode() + b"\n"
        descriptor = self._open()
        try:
            if os.lseek(descriptor, 0, os.SEEK_END):
                os.lseek(descriptor, -1, os.SEEK_END)
                line = line if os.read(descriptor, 1) == b"\n" else b"\n" + line  # the last one was cut off
            if os.write(descriptor, line) < len(line):  # one write, so that lines of several processes never mix
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def unresolved(self) -> Mapping[str, float]:
        """Return how many seconds ago requests were sent whose result may not be visible yet, by idempotency key."""
        sent: dict[str, float] = {}
        for entry in self._last_entries():
            key = str(entry["request"])
            sent.pop(key, None)
            is_copy = entry.get("operation") == "Models_Copy"  # takes a while to appear
            if entry.get("outcome") not in (("not done",) if is_copy else ("not done", "done")):
                sent[key] = (self._now() - datetime.fromisoformat(entry["time"])).total_seconds()
        return {key: max(0.0, ago) for key, ago in sent.items() if ago < VISIBILITY_SECONDS}

    def last_id(self, key: str) -> str | None:
        """Return the id of what the last request with this idempotency key has made."""
        made = [entry for entry in self._last_entries() if entry["request"] == key and entry.get("outcome") == "done"]
        return str(made[-1]["id"]) if made and made[-1].get("id") else None

    def problem(self) -> str | None:
        """Return why nothing can be written, None if it can; creates an empty file."""
        try:
            os.close(self._open())
        except OSError as error:
            return error.strerror or type(error).__name__
        return None

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, _FLAGS, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file")
        return descriptor

    def _last_entries(self) -> list[dict[str, Any]]:
        """Return the last entries about requests; lines of others, and damaged ones, are skipped."""
        try:
            with self.path.open("rb") as file:
                state = os.fstat(file.fileno())
                if not stat.S_ISREG(state.st_mode):
                    return []
                file.seek(max(0, state.st_size - _MAX_TAIL_BYTES))
                lines = file.read(_MAX_TAIL_BYTES).splitlines()
        except OSError:
            return []
        entries = []
        for line in lines:
            with suppress(ValueError, RecursionError):
                entry = json.loads(line)
                is_dated = isinstance(entry, dict) and datetime.fromisoformat(str(entry.get("time"))).tzinfo is not None
                if is_dated and isinstance(entry.get("request"), str):
                    entries.append(entry)
        return entries


def audit_from_environment(environment: Mapping[str, str], resources: Resources) -> tuple[Audit, list[str]]:
    """Return the audit log and what the operator should know about it.

    CUSTOM_SPEECH_AUDIT names a file or `off`; by default it is the user's own file. What changes nothing but the
    emulator in this process is kept beside its state, and without a state not at all. A named file that is a device or
    a pipe raises ConfigurationError.
    """
    named = environment.get(AUDIT_VARIABLE)
    home = None if named else state_home(resources)
    if named == "off" or not (named or home):
        return Audit(), []
    audit = AuditFile(Path(named).expanduser() if named else (home or Path()) / "audit.jsonl")
    return audit, audit_warnings(audit)


def audit_warnings(audit: AuditFile) -> list[str]:
    """Return what the operator should know about the file; raise ConfigurationError if it is a device or a pipe."""
    path = audit.path
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device or pipe"
        raise ConfigurationError(f"{AUDIT_VARIABLE}: {path} is {kind}. Name a regular file, or `off`.")
    if problem := audit.problem():
        return [f"the audit file {path} cannot be written ({problem}): no tool will change anything."]
    mode = path.stat().st_mode & 0o777
    if os.name != "nt" and mode & 0o077:
        return [f"the audit file {path} can be read by others (mode {mode:o}). Run: chmod 600 '{path}'"]
    return []
