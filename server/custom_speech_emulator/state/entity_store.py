"""The state: entities as JSON documents in sqlite, one transaction for each request.

Nothing is kept in memory between requests, so that several processes can share one file.
"""

import contextlib
import json
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

SETTINGS = ("", "settings")  # account and owner of the data that are the emulator's own
_TRIES = 100  # of 50 ms each
_FORMAT = 20_265  # of the state; to be raised if the tables or the documents in them change

_SCHEMA = f"""
PRAGMA user_version = {_FORMAT};
CREATE TABLE entity (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    due REAL, reads INTEGER, moving INTEGER NOT NULL, document TEXT NOT NULL,
    UNIQUE (account, kind, id)
);
CREATE INDEX entity_due ON entity (due) WHERE due IS NOT NULL;
CREATE INDEX entity_locale ON entity (account, kind, json_extract(document, '$.locale'));
CREATE INDEX entity_kind ON entity (account, kind);
CREATE TABLE data (n INTEGER PRIMARY KEY, account TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL,
    content BLOB NOT NULL, UNIQUE (account, owner, name));
"""


class StateUnusableError(Exception):
    """The state file is damaged or of another version; it was renamed, nothing in it was changed."""


@dataclass
class Entity:
    """A stored thing. `due` is when it moves on (seconds since 1970), `reads` how many reads are left until then."""

    account: str
    kind: str
    id: str
    document: dict[str, Any] = field(default_factory=dict)
    due: float | None = None
    reads: int | None = None

    @property
    def status(self) -> str:
        """Its status; entities without a status are finished."""
        return str(self.document.get("status", "Succeeded"))

    @property
    def text(self) -> str:
        """Its document as it lies in the store."""
        return json.dumps(self.document)

    @property
    def finished(self) -> bool:
        """True if it is in a terminal state."""
        return self.status in ("Succeeded", "Failed")


class Row(NamedTuple):
    """An entity as it lies in the store, its document still text; `moving` while it has not ended."""

    id: str
    text: str
    moving: bool


class EntityStore:
    """The sqlite database, on disk or in memory; a `where` is SQL of this package, never a caller's text."""

    def __init__(self, path: Path | None):
        self._lock = threading.RLock()
        self._db = _opened(path)
        # Kept alive until then: in a cycle the connection could be collected first, unclosed.
        weakref.finalize(self, self._db.close)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens or nothing does; it waits for other threads and processes."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # If the file itself fails, sqlite has rolled back already.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def put(self, entity: Entity) -> None:
        """Add an entity, or replace the one with its id."""
        key = (entity.account, entity.kind, entity.id)
        self._db.execute(
            "INSERT INTO entity (account, kind, id, due, reads, moving, document) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (account, kind, id) DO UPDATE SET due = excluded.due, reads = excluded.reads,"
            " moving = excluded.moving, document = excluded.document",
            (*key, entity.due, entity.reads, not entity.finished, entity.text),
        )

    def put_all(self, account: str, kind: str, documents: Iterable[tuple[str, str]]) -> None:
        """Add finished entities of one kind by id and JSON text."""
        self._db.executemany(
            "INSERT INTO entity (account, kind, id, moving, document) VALUES (?, ?, ?, 0, ?)",
            ((account, kind, entity_id, text) for entity_id, text in documents),
        )

    def get(self, account: str, kind: str, entity_id: str) -> Entity | None:
        """Return one entity, or None."""
        return next(self.select("account = ? AND kind = ? AND id = ?", (account, kind, entity_id.lower())), None)

    def remove(self, entity: Entity) -> None:
        """Take an entity, its files and its data away."""
        account, files = entity.account, f"{entity.kind}/{entity.id}/files"
        of_kind = "DELETE FROM entity WHERE account = ? AND kind = ?"
        self._db.execute(f"{of_kind} AND id = ?", (account, entity.kind, entity.id))
        for kind in (files, f"{files}/logs"):
            self._db.execute(of_kind, (account, kind))
        self.drop_data(account, entity.id)
        self.drop_data(account, f"{entity.id}/blocks")

    def rows(self, account: str, kind: str, where: str, values: tuple[Any, ...], skip: int, top: int) -> list[Row]:
        """Return part of the list of one kind, oldest first."""
        # The inner query needs only an index; documents are read for the page alone.
        shown = f"SELECT n FROM entity WHERE account = ? AND kind = ? AND {where} ORDER BY n LIMIT ? OFFSET ?"  # noqa: S608 - see the class
        sql = f"SELECT id, document, moving FROM entity WHERE n IN ({shown}) ORDER BY n"  # noqa: S608 - see the class
        return list(map(Row._make, self._db.execute(sql, (account, kind, *values, top, skip))))

    def all(self, account: str, kind: str, where: str = "1", values: tuple[Any, ...] = ()) -> Iterator[Entity]:
        """Return every entity of a kind, oldest first."""
        return self.select(f"account = ? AND kind = ? AND {where}", (account, kind, *values))

    def count(self, account: str, kind: str, where: str = "1", values: tuple[Any, ...] = ()) -> int:
        """Count the entities of a kind."""
        sql = f"SELECT count(*) FROM entity WHERE account = ? AND kind = ? AND {where}"  # noqa: S608 - see the class
        return int(self._db.execute(sql, (account, kind, *values)).fetchone()[0])

    def select(self, where: str, values: tuple[Any, ...] = (), order: str = "n") -> Iterator[Entity]:
        """Return the entities that a condition is true for, in an order."""
        sql = f"SELECT account, kind, id, document, due, reads FROM entity WHERE {where} ORDER BY {order}"  # noqa: S608 - see the class
        for account, kind, entity_id, text, due, reads in self._db.execute(sql, values).fetchall():
            yield Entity(account, kind, entity_id, json.loads(text), due, reads)

    def put_data(self, account: str, owner: str, name: str, content: bytes) -> None:
        """Store bytes under a name of an owner; a name that is replaced keeps its place in the order."""
        self._db.execute(
            "INSERT INTO data (account, owner, name, content) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (account, owner, name) DO UPDATE SET content = excluded.content",
            (account, owner, name, content),
        )

    def data(self, account: str, owner: str, name: str) -> bytes | None:
        """Return bytes kept under a name, or None."""
        sql = "SELECT content FROM data WHERE account = ? AND owner = ? AND name = ?"
        row = self._db.execute(sql, (account, owner, name)).fetchone()
        return row[0] if row else None

    def data_sizes(self, account: str, owner: str) -> dict[str, int]:
        """Return names with their sizes, in the order in which they came."""
        sql = "SELECT name, length(content) FROM data WHERE account = ? AND owner = ? ORDER BY n"
        return dict(self._db.execute(sql, (account, owner)).fetchall())

    def drop_data(self, account: str, owner: str) -> None:
        """Forget the bytes of an owner."""
        self._db.execute("DELETE FROM data WHERE account = ? AND owner = ?", (account, owner))

    def clear(self) -> None:
        """Empty everything."""
        for table in ("entity", "data"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant


def _opened(path: Path | None) -> sqlite3.Connection:
    db = None
    try:
        db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=10)
        _prepare(db)
    except (sqlite3.DatabaseError, StateUnusableError) as error:
        if db:
            db.close()
        if path is None or isinstance(error, sqlite3.OperationalError):
            raise StateUnusableError(f"The state file {path} cannot be opened: {error}") from None
        raise StateUnusableError(_kept_aside(path, str(error))) from None
    return db


def _prepare(db: sqlite3.Connection) -> None:
    for attempt in range(_TRIES + 1):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            # sqlite waits for other processes everywhere but here.
            if attempt == _TRIES or error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            time.sleep(0.05)
    db.execute("PRAGMA synchronous = NORMAL")  # in WAL mode a crash loses at most the last requests
    db.execute("PRAGMA cache_size = -16384")  # KiB: a stocked state fits
    db.execute("BEGIN IMMEDIATE")
    if db.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        for statement in _SCHEMA.split(";\n"):
            db.execute(statement)
    db.execute("COMMIT")
    if db.execute("PRAGMA user_version").fetchone() != (_FORMAT,):
        raise StateUnusableError("it is not a state of this version of the emulator")
    # Damage in the middle would otherwise surface only in a request that reads there.
    if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise StateUnusableError("it is damaged")


def _kept_aside(path: Path, why: str) -> str:
    names = (f"{path.name}.unusable" + (f"-{n}" if n > 1 else "") for n in count(1))
    aside = next(one for one in map(path.with_name, names) if not one.exists())
    try:
        path.rename(aside)
        for journal in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + journal).rename(aside.with_name(aside.name + journal))
    except OSError as error:
        return f"The state file {path} cannot be used ({why}) nor renamed ({error.strerror}); name another one."
    renamed = f"It was renamed to {aside.name}; start again for a fresh state."
    return f"The state file {path} cannot be used ({why}). {renamed}"
