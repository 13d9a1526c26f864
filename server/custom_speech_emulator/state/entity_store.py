"""The sqlite database of the emulator's entities, with one transaction for each request.

Nothing is cached in memory between requests, because several processes can share one file.
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

SETTINGS = ("", "settings")  # account and owner under which the emulator stores its own data
_MAX_TRIES = 100  # with pauses of 50 ms
_STATE_FORMAT = 20_266  # raise it when the tables or the stored documents change

_SCHEMA = f"""
PRAGMA user_version = {_STATE_FORMAT};
CREATE TABLE entity (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    due REAL, reads INTEGER, is_terminal INTEGER NOT NULL, document TEXT NOT NULL,
    UNIQUE (account, kind, id)
);
CREATE INDEX entity_due ON entity (due) WHERE due IS NOT NULL;
CREATE INDEX entity_locale ON entity (account, kind, json_extract(document, '$.locale'));
CREATE INDEX entity_kind ON entity (account, kind);
CREATE TABLE data (n INTEGER PRIMARY KEY, account TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL,
    content BLOB NOT NULL, UNIQUE (account, owner, name));
"""


class StateUnusableError(Exception):
    """A state file that is damaged or of another version; it has been renamed and is unchanged."""


@dataclass
class StoredEntity:
    """A resource of the API, such as a model, with its properties as a JSON document."""

    account: str
    kind: str
    id: str
    document: dict[str, Any] = field(default_factory=dict)
    due: float | None = None  # when its status changes or it expires, in seconds since 1970
    reads: int | None = None  # the number of reads left until its final status

    @property
    def status(self) -> str:
        """The status; `Succeeded` for entities without a status."""
        return str(self.document.get("status", "Succeeded"))

    @property
    def json_text(self) -> str:
        """The document as JSON text."""
        return json.dumps(self.document)

    @property
    def is_terminal(self) -> bool:
        """True if the status is final."""
        return self.status in ("Succeeded", "Failed")


class ListedEntity(NamedTuple):
    """An entity in a listing, with its document as JSON text."""

    id: str
    json_text: str
    is_terminal: bool


class EntityStore:
    """The sqlite database, on disk or in memory; a `where` is always SQL of this package, never text of a caller."""

    def __init__(self, path: Path | None):
        self._lock = threading.RLock()
        db = None
        try:
            db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=10)
            _prepare(db)
        except (sqlite3.DatabaseError, StateUnusableError) as error:
            if db:
                db.close()
            if path is None or isinstance(error, sqlite3.OperationalError):
                raise StateUnusableError(f"The state file {path} cannot be opened: {error}") from None
            raise StateUnusableError(_set_aside(path, str(error))) from None
        self._db = db
        # Without the finalizer, garbage collection could drop an unclosed connection.
        weakref.finalize(self, db.close)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Run an exclusive transaction, which waits for other threads and processes."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # After an error of the file itself, sqlite has already rolled back.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def put(self, entity: StoredEntity) -> None:
        """Add an entity, or replace the entity with the same id."""
        key = (entity.account, entity.kind, entity.id)
        self._db.execute(
            "INSERT INTO entity (account, kind, id, due, reads, is_terminal, document) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (account, kind, id) DO UPDATE SET due = excluded.due, reads = excluded.reads,"
            " is_terminal = excluded.is_terminal, document = excluded.document",
            (*key, entity.due, entity.reads, entity.is_terminal, entity.json_text),
        )

    def put_all(self, account: str, kind: str, documents: Iterable[tuple[str, str]]) -> None:
        """Add entities of one kind, given by id and JSON text, that have a final status."""
        self._db.executemany(
            "INSERT INTO entity (account, kind, id, is_terminal, document) VALUES (?, ?, ?, 1, ?)",
            ((account, kind, entity_id, text) for entity_id, text in documents),
        )

    def get(self, account: str, kind: str, entity_id: str) -> StoredEntity | None:
        """Return the entity with this id, ignoring case, or None."""
        return next(self.select("account = ? AND kind = ? AND id = ?", (account, kind, entity_id.lower())), None)

    def remove(self, entity: StoredEntity) -> None:
        """Delete an entity with its files and its data."""
        account, files = entity.account, f"{entity.kind}/{entity.id}/files"
        of_kind = "DELETE FROM entity WHERE account = ? AND kind = ?"
        self._db.execute(f"{of_kind} AND id = ?", (account, entity.kind, entity.id))
        for kind in (files, f"{files}/logs"):
            self._db.execute(of_kind, (account, kind))
        self.drop_data(account, entity.id)
        self.drop_data(account, f"{entity.id}/blocks")

    def rows(
        self, account: str, kind: str, where: str, values: tuple[Any, ...], skip: int, top: int
    ) -> list[ListedEntity]:
        """Return a page of the entities of one kind, oldest first."""
        # The inner query uses only an index, so that no documents outside the page are read.
        page = f"SELECT n FROM entity WHERE account = ? AND kind = ? AND {where} ORDER BY n LIMIT ? OFFSET ?"  # noqa: S608 - see the class
        sql = f"SELECT id, document, is_terminal FROM entity WHERE n IN ({page}) ORDER BY n"  # noqa: S608 - see the class
        return list(map(ListedEntity._make, self._db.execute(sql, (account, kind, *values, top, skip))))

    def all(self, account: str, kind: str, where: str = "1", values: tuple[Any, ...] = ()) -> Iterator[StoredEntity]:
        """Return all matching entities of a kind, oldest first."""
        return self.select(f"account = ? AND kind = ? AND {where}", (account, kind, *values))

    def count(self, account: str, kind: str, where: str = "1", values: tuple[Any, ...] = ()) -> int:
        """Return the number of matching entities of a kind."""
        sql = f"SELECT count(*) FROM entity WHERE account = ? AND kind = ? AND {where}"  # noqa: S608 - see the class
        return int(self._db.execute(sql, (account, kind, *values)).fetchone()[0])

    def select(self, where: str, values: tuple[Any, ...] = (), order: str = "n") -> Iterator[StoredEntity]:
        """Return the entities that match an SQL condition, sorted by `order`."""
        sql = f"SELECT account, kind, id, document, due, reads FROM entity WHERE {where} ORDER BY {order}"  # noqa: S608 - see the class
        for account, kind, entity_id, text, due, reads in self._db.execute(sql, values).fetchall():
            yield StoredEntity(account, kind, entity_id, json.loads(text), due, reads)

    def put_data(self, account: str, owner: str, name: str, content: bytes) -> None:
        """Store bytes under an owner and a name. Replaced bytes keep their position in `data_sizes`."""
        self._db.execute(
            "INSERT INTO data (account, owner, name, content) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (account, owner, name) DO UPDATE SET content = excluded.content",
            (account, owner, name, content),
        )

    def data(self, account: str, owner: str, name: str) -> bytes | None:
        """Return the bytes stored under an owner and a name, or None."""
        sql = "SELECT content FROM data WHERE account = ? AND owner = ? AND name = ?"
        row = self._db.execute(sql, (account, owner, name)).fetchone()
        return row[0] if row else None

    def data_sizes(self, account: str, owner: str) -> dict[str, int]:
        """Return the sizes of an owner's data by name, in the order in which the names were first stored."""
        sql = "SELECT name, length(content) FROM data WHERE account = ? AND owner = ? ORDER BY n"
        return dict(self._db.execute(sql, (account, owner)).fetchall())

    def drop_data(self, account: str, owner: str) -> None:
        """Delete all bytes of an owner."""
        self._db.execute("DELETE FROM data WHERE account = ? AND owner = ?", (account, owner))

    def clear(self) -> None:
        """Delete all entities and data."""
        self._db.execute("DELETE FROM entity")
        self._db.execute("DELETE FROM data")


def _prepare(db: sqlite3.Connection) -> None:
    """Configure a connection, create missing tables, and check the file."""
    for attempt in range(_MAX_TRIES + 1):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            # The timeout of the connection does not apply to this statement.
            if attempt == _MAX_TRIES or error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            time.sleep(0.05)
    db.execute("PRAGMA synchronous = NORMAL")  # in WAL mode, a crash loses at most the last transactions
    db.execute("PRAGMA cache_size = -16384")  # KiB, enough for the seed data
    db.execute("BEGIN IMMEDIATE")
    if db.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        for statement in _SCHEMA.split(";\n"):
            db.execute(statement)
    db.execute("COMMIT")
    if db.execute("PRAGMA user_version").fetchone() != (_STATE_FORMAT,):
        raise StateUnusableError("it is not a state of this version of the emulator")
    # Without this check, damage is found only by the first request that reads the damaged page.
    if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise StateUnusableError("it is damaged")


def _set_aside(path: Path, why: str) -> str:
    """Rename an unusable state file and return the error message."""
    names = (f"{path.name}.unusable" + (f"-{n}" if n > 1 else "") for n in count(1))
    aside = next(one for one in map(path.with_name, names) if not one.exists())
    try:
        path.rename(aside)
        for journal in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + journal).rename(aside.with_name(aside.name + journal))
    except OSError as error:
        return f"The state file {path} cannot be used ({why}) nor renamed ({error.strerror}); name another file."
    renamed = f"It was renamed to {aside.name}; start again for a fresh state."
    return f"The state file {path} cannot be used ({why}). {renamed}"
