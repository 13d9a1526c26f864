"""The sqlite file of the state: opened, checked, and kept aside when it cannot be used."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

_TRIES = 100
_FORMAT = "custom-speech-emulator 2"

_SCHEMA = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entity (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    due REAL, reads INTEGER, moving INTEGER NOT NULL, document TEXT NOT NULL,
    UNIQUE (account, kind, id)
);
CREATE INDEX entity_due ON entity (due) WHERE due IS NOT NULL;
CREATE INDEX entity_locale ON entity (account, kind, json_extract(document, '$.locale'));
CREATE INDEX entity_kind ON entity (account, kind);
CREATE TABLE data (account TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, place INTEGER NOT NULL,
    content BLOB NOT NULL, PRIMARY KEY (account, owner, name)) WITHOUT ROWID;
"""


class StateUnusableError(Exception):
    """The state file is damaged or of another version; it was renamed, nothing in it was changed."""


def opened(path: Path | None) -> sqlite3.Connection:
    """Return a connection to the state; StateUnusableError when the file is damaged or is not a state file."""
    try:
        db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=10)
    except sqlite3.OperationalError as error:
        raise StateUnusableError(f"The state file {path} cannot be opened: {error}") from None
    try:
        _write_ahead(db)
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -16384")
        _prepare(db)
    except (sqlite3.DatabaseError, StateUnusableError) as error:
        db.close()
        if path is None or isinstance(error, sqlite3.OperationalError):
            raise StateUnusableError(f"The state file {path} cannot be opened: {error}") from None
        raise StateUnusableError(_kept_aside(path, str(error))) from None
    return db


def _write_ahead(db: sqlite3.Connection) -> None:
    """Several processes may open a file at once; sqlite does not wait for the others here, so this does."""
    for _ in range(_TRIES):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) and "busy" not in str(error):
                raise
            time.sleep(0.05)
    db.execute("PRAGMA journal_mode = WAL")


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        for statement in _SCHEMA.split(";\n"):
            db.execute(statement)
        db.execute("INSERT INTO setting VALUES ('format', ?)", (_FORMAT,))
    found = (
        db.execute("SELECT value FROM setting WHERE name = 'format'").fetchone()
        if "setting" in tables or not tables
        else None
    )
    db.execute("COMMIT")
    if found is None or found[0] != _FORMAT:
        raise StateUnusableError(f"it is no state of {_FORMAT}")
    # Damage in the middle would else be met only by the request that reads there.
    if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise StateUnusableError("it is damaged")


def _kept_aside(path: Path, why: str) -> str:
    aside = path.with_name(f"{path.name}.unusable")
    count = 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{path.name}.unusable-{count}")
    try:
        path.rename(aside)
    except OSError as error:
        return f"The state file {path} cannot be used ({why}) nor renamed ({error.strerror}); name another one."
    for journal in ("-wal", "-shm"):
        part = path.with_name(path.name + journal)
        if part.exists():
            part.rename(aside.with_name(aside.name + journal))
    return (
        f"The state file {path} cannot be used ({why}). It was renamed to {aside.name}; start again for a fresh state."
    )
