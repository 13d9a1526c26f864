"""The audit log: one JSON object per line for every request that changes something; append-only.

A line is flushed to disk before a request is sent, and another line is written when the request has ended. After a
restart, a request without the second line is not repeated before the server has looked for its result.
"""

import errno
import json
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.resource_config import Resources
from custom_speech_server.state_directory import state_home
from custom_speech_tools.runtime.change_control import Audit, Entry
from custom_speech_tools.runtime.idempotency import VISIBILITY_SECONDS

AUDIT_VARIABLE = "CUSTOM_SPEECH_AUDIT"
_MAX_TAIL_BYTES = 256 * 1024  # the part at the end of the file in which requests and their results are searched
# Binary: no translation of line ends on Windows. Not blocking: a named pipe must not stop the server.
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class AuditFile(Audit):
    """An audit log in a file that only the owner can read."""

    path: Path
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def write(self, entry: Entry) -> None:
        """Append a line and flush it to disk; raises OSError."""
        line = json.dumps({"time": self.now().isoformat(), "pid": os.getpid(), **entry}).encode() + b"\n"
        descriptor = self.open()
        try:
            if os.lseek(descriptor, 0, os.SEEK_END):
                os.lseek(descriptor, -1, os.SEEK_END)
                line = line if os.read(descriptor, 1) == b"\n" else b"\n" + line  # the last line is incomplete
            if os.write(descriptor, line) < len(line):  # one write, so that lines of several processes never mix
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def unresolved(self) -> Mapping[str, float]:
        """Return the age in seconds, by idempotency key, of the requests whose results may not be visible yet."""
        sent: dict[str, float] = {}
        for entry in self._last_entries():
            key = str(entry["request"])
            sent.pop(key, None)
            is_copy = entry.get("operation") == "Models_Copy"  # a started copy is not visible before it has finished
            if entry.get("outcome") not in (("not done",) if is_copy else ("not done", "done")):
                sent[key] = (self.now() - datetime.fromisoformat(entry["time"])).total_seconds()
        return {key: max(0.0, ago) for key, ago in sent.items() if ago < VISIBILITY_SECONDS}

    def last_id(self, key: str) -> str | None:
        """Return the id of the entity that the last request with this idempotency key created, or None."""
        made = [entry for entry in self._last_entries() if entry["request"] == key and entry.get("outcome") == "done"]
        return str(made[-1]["id"]) if made and made[-1].get("id") else None

    def open(self) -> int:
        """Return a descriptor of the file, which is created if it does not exist; raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, _FLAGS, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file")
        return descriptor

    def _last_entries(self) -> list[dict[str, Any]]:
        """Return the entries at the end of the file that describe requests; damaged lines are skipped."""
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
    """Return the audit log and warnings for the operator; raises ConfigurationError.

    CUSTOM_SPEECH_AUDIT is the path of a regular file or `off`; the default is a file in the state directory. If only
    the in-process emulator is used, the file is next to the emulator's state; there is none if that is in memory.
    """
    named = environment.get(AUDIT_VARIABLE)
    home = None if named else state_home(resources)
    if named == "off" or not (named or home):
        return Audit(), []
    path = Path(named).expanduser() if named else (home or Path()) / "audit.jsonl"
    audit = AuditFile(path)
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device or pipe"
        raise ConfigurationError(f"{AUDIT_VARIABLE}: {path} is {kind}. Name a regular file, or `off`.")
    try:
        os.close(audit.open())
    except OSError as error:
        why = error.strerror or type(error).__name__
        return audit, [f"the audit file {path} cannot be written ({why}): no tool will change anything."]
    mode = path.stat().st_mode & 0o777
    if os.name == "nt" or not mode & 0o077:
        return audit, []
    return audit, [f"the audit file {path} can be read by others (mode {mode:o}). Run: chmod 600 '{path}'"]
