"""The state: entities as JSON documents in sqlite, one transaction for each request.

Nothing is kept in memory between requests, so that several processes can share one file.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from custom_speech_emulator.state.state_file import opened


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
        """Its status; things without one are finished."""
        return str(self.document.get("status", "Succeeded"))

    @property
    def finished(self) -> bool:
        """True if it is in a terminal state."""
        return self.status in ("Succeeded", "Failed")


class Row(NamedTuple):
    """An entity as it lies in the store, its document still text; `moving` while it has not ended."""

    id: str
    text: str
    moving: bool

    def with_properties(self, properties: dict[str, Any]) -> Row:
        """Return the row with more properties in its document."""
        return self._replace(text=json.dumps(json.loads(self.text) | properties))


class EntityStore:
    """The sqlite database, on disk or in memory."""

    def __init__(self, path: Path | None):
        self._lock = threading.RLock()
        self._db = opened(path)
        # Kept alive until then: in a cycle the connection could be collected first, unclosed.
        weakref.finalize(self, self._db.close)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens or nothing does; it waits for other threads and processes."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # Where the file itself fails, sqlite has rolled back already.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def setting(self, name: str) -> str | None:
        """Return a value kept by name."""
        row = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set(self, name: str, value: str) -> None:
        """Keep a value by name."""
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def put(self, entity: Entity) -> None:
        """Add an entity, or replaces the one with its id."""
        key = (entity.account, entity.kind, entity.id)
        self._db.execute(
            "INSERT INTO entity (account, kind, id, due, reads, moving, document) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (account, kind, id) DO UPDATE SET due = excluded.due, reads = excluded.reads,"
            " moving = excluded.moving, document = excluded.document",
            (*key, entity.due, entity.reads, not entity.finished, json.dumps(entity.document)),
        )

    def get(self, account: str, kind: str, entity_id: str) -> Entity | None:
        """Return one entity, or None."""
        return next(self._entities("account = ? AND kind = ? AND id = ?", (account, kind, entity_id.lower())), None)

    def remove(self, entity: Entity) -> None:
        """Take an entity, its files and its data away."""
        self._db.execute(
            "DELETE FROM entity WHERE account = ? AND kind = ? AND id = ?", (entity.account, entity.kind, entity.id)
        )
        files = f"{entity.kind}/{entity.id}/files"
        for kind in (files, f"{files}/logs"):
            self._db.execute("DELETE FROM entity WHERE account = ? AND kind = ?", (entity.account, kind))
        self.drop_data(entity.account, entity.id)
        self.drop_data(entity.account, f"{entity.id}/blocks")

    def rows(self, account: str, kind: str, where: str, values: tuple[Any, ...], skip: int, top: int) -> list[Row]:
        """Return part of the list of one kind, oldest first; `where` is SQL of this package, never a caller's text."""
        # The inner query walks an index alone; only what is shown is read.
        shown = f"SELECT n FROM entity WHERE account = ? AND kind = ? AND {where} ORDER BY n LIMIT ? OFFSET ?"  # noqa: S608 - see above
        sql = f"SELECT id, document, moving FROM entity WHERE n IN ({shown}) ORDER BY n"  # noqa: S608 - see above
        found = self._db.execute(sql, (account, kind, *values, top, skip))
        return list(map(Row._make, found))

    def all(self, account: str, kind: str, where: str = "1", values: tuple[Any, ...] = ()) -> Iterator[Entity]:
        """Return every entity of a kind, oldest first. `where` as in `rows`."""
        return self._entities(f"account = ? AND kind = ? AND {where}", (account, kind, *values))

    def count(self, account: str, kind: str, where: str = "1", values: tuple[Any, ...] = ()) -> int:
        """Return how many entities of a kind there are. `where` as in `rows`."""
        sql = f"SELECT count(*) FROM entity WHERE account = ? AND kind = ? AND {where}"  # noqa: S608 - see `rows`
        return int(self._db.execute(sql, (account, kind, *values)).fetchone()[0])

    def due(self, now: float) -> Entity | None:
        """Return the entity that is to move on first, if its time has come."""
        return next(self._entities("due <= ?", (now,), "due, n LIMIT 1"), None)

    def unfinished(self) -> list[Entity]:
        """Everything that has not ended."""
        return list(self._entities("moving", ()))

    def _entities(self, where: str, values: tuple[Any, ...], order: str = "n") -> Iterator[Entity]:
        sql = f"SELECT account, kind, id, document, due, reads FROM entity WHERE {where} ORDER BY {order}"  # noqa: S608 - see `rows`
        for account, kind, entity_id, text, due, reads in self._db.execute(sql, values).fetchall():
            yield Entity(account, kind, entity_id, json.loads(text), due, reads)

    def put_data(self, account: str, owner: str, name: str, content: bytes, place: int = 0) -> None:
        """Keep bytes under a name of an owning entity."""
        self._db.execute("INSERT OR REPLACE INTO data VALUES (?, ?, ?, ?, ?)", (account, owner, name, place, content))

    def data(self, account: str, owner: str, name: str) -> bytes | None:
        """Bytes kept under a name, or None."""
        row = self._db.execute(
            "SELECT content FROM data WHERE account = ? AND owner = ? AND name = ?", (account, owner, name)
        ).fetchone()
        return row[0] if row else None

    def data_sizes(self, account: str, owner: str) -> dict[str, tuple[int, int]]:
        """Names with their place and size, in their order."""
        found = self._db.execute(
            "SELECT name, place, length(content) FROM data WHERE account = ? AND owner = ? ORDER BY place, name",
            (account, owner),
        )
        return {name: (place, size) for name, place, size in found}

    def drop_data(self, account: str, owner: str) -> None:
        """Forget the bytes of an owner."""
        self._db.execute("DELETE FROM data WHERE account = ? AND owner = ?", (account, owner))

    def clear(self) -> None:
        """Empty everything but the format mark."""
        for table in ("entity", "data"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant
        self._db.execute("DELETE FROM setting WHERE name != 'format'")
