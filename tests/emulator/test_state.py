"""The state of an emulator and its file."""

import gc
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from custom_speech_emulator import StateUnusableError, emulator
from custom_speech_emulator.state.entity_store import EntityStore, StoredEntity
from support.emulator_service import Service

Start = Callable[..., Service]
MODEL = {"displayName": "kept", "locale": "en-US"}
WRITER = """
import sys
from pathlib import Path
from custom_speech_emulator.state.entity_store import EntityStore, StoredEntity
store = EntityStore(Path(sys.argv[1]))
print("ready", flush=True)
n = 0
while True:
    with store.transaction():
        for part in ("a", "b", "c"):
            store.put(StoredEntity("x", "pair", f"{sys.argv[2]}-{part}", {"n": n, "padding": "." * 5000}))
    n += 1
"""


def test_state_survives_a_restart(start: Start, tmp_path: Path) -> None:
    """Models, blocks and the clock are kept; the seed data is not stored twice."""
    file = tmp_path / "state.db"
    first = start(state=file)
    model = first.resource().ask("POST", "/models", json=MODEL)
    first.control("POST", "clock", {"advance": "P1D"})
    stocked = len(first.resource().ask("GET", "/datasets")["values"])

    again = start(state=file)

    assert again.resource().ask("GET", model["self"])["displayName"] == "kept"
    assert again.control("GET", "clock")["offset_seconds"] == 86_400
    assert len(again.resource().ask("GET", "/datasets")["values"]) == stocked


def test_state_that_was_reset_is_stocked_once(start: Start, tmp_path: Path) -> None:
    """After a reset, a restart finds the seed data."""
    first = start(state=tmp_path / "state.db")
    first.control("POST", "reset")
    stocked = first.resource().ask("GET", "/datasets")["values"]

    assert start(state=tmp_path / "state.db").resource().ask("GET", "/datasets")["values"] == stocked


def test_state_is_shared_by_two_emulators(start: Start, tmp_path: Path) -> None:
    """Each process immediately reads what the other has written."""
    one, other = (
        start(state=tmp_path / "s", training="reads:1000000"),
        start(state=tmp_path / "s", training="reads:1000000"),
    )
    model = one.resource().ask("POST", "/models", json=MODEL)

    assert other.resource().ask("GET", model["self"])["status"] == "Running"
    other.control("POST", "finish")

    assert one.resource().ask("GET", model["self"])["status"] == "Succeeded"


def test_state_is_one_of_its_own_for_each_emulator_in_memory(start: Start) -> None:
    """No module has state of its own."""
    model = start().resource().ask("POST", "/models", json=MODEL)

    assert start(seed=2).resource().send("GET", model["self"]).status_code == 404


@pytest.mark.parametrize(
    "content", [b"this is no database, but longer than a header" * 9, b"SQLite format 3\0" + b"\xff" * 500]
)
def test_state_is_kept_aside_when_it_is_damaged(tmp_path: Path, content: bytes) -> None:
    """The error is clear, the file is kept under another name, and the next start has a new state."""
    file = tmp_path / "state.db"
    file.write_bytes(content)

    with pytest.raises(StateUnusableError, match=r"state\.db.*renamed to state\.db\.unusable"):
        emulator(state=file)

    assert (tmp_path / "state.db.unusable").read_bytes() == content
    assert emulator(state=file) is not None


def test_state_that_cannot_be_kept_aside_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a read-only folder, the error contains the file and the next step."""
    file = tmp_path / "state.db"
    file.write_bytes(b"no database, but long enough to be looked at" * 100)

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refused)

    with pytest.raises(StateUnusableError, match=r"state\.db cannot be used .* nor renamed .*; name another file"):
        emulator(state=file)


def test_state_is_kept_aside_when_it_is_damaged_in_the_middle(tmp_path: Path) -> None:
    """Damaged pages behind an intact header are detected at the start."""
    file = tmp_path / "state.db"
    emulator(state=file)
    gc.collect()  # closes the file
    pages = bytearray(file.read_bytes())
    pages[40_000:80_000] = b"\xff" * 40_000
    file.write_bytes(pages)

    with pytest.raises(StateUnusableError, match=r"renamed to state\.db\.unusable"):
        emulator(state=file)

    assert (tmp_path / "state.db.unusable").read_bytes() == pages


def test_state_tells_nothing_of_what_was_rolled_back(start: Start) -> None:
    """Web hooks are notified only of events that were committed."""
    state = start().app.state.emulator.state
    with suppress(LookupError), state.transaction():
        state.record_event(StoredEntity("x", "models", "one"), "Creation")
        raise LookupError

    with state.transaction():
        assert state.events == []


def test_state_is_kept_aside_when_it_is_of_another_version(tmp_path: Path) -> None:
    """An older format, or a database of another program; the second file gets a second name."""
    file = tmp_path / "state.db"
    for _ in range(2):
        EntityStore(file)
        with sqlite3.connect(file) as db:
            db.execute("PRAGMA user_version = 1")
        db.close()
        with pytest.raises(StateUnusableError, match="it is not a state of this version"):
            emulator(state=file)

    assert {path.name for path in tmp_path.iterdir()} >= {"state.db.unusable", "state.db.unusable-2"}


def test_state_is_refused_where_it_cannot_be_written(tmp_path: Path) -> None:
    """In a missing folder, the error names the file."""
    with pytest.raises(StateUnusableError, match="cannot be opened"):
        emulator(state=tmp_path / "nowhere" / "state.db")


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_state_has_no_half_written_entity_after_a_kill(tmp_path: Path) -> None:
    """Two writers are killed during their work; the state contains all or nothing of each transaction."""
    file = tmp_path / "state.db"
    for turn in range(3):
        writers = [_writer(file, f"{turn}-{n}") for n in range(2)]
        for writer in writers:
            assert writer.stdout is not None
            ready = writer.stdout.readline()
            assert ready == b"ready\n", writer.communicate()
        _wait_for_writes(file, [f"{turn}-{n}" for n in range(2)])
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.communicate()

    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = dict(db.execute("SELECT id, json_extract(document, '$.n') FROM entity"))
    db.close()
    assert len(found) == 18
    for name, count in found.items():
        assert {found[f"{name[:-1]}{part}"] for part in "abc"} == {count}


def _writer(file: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(file), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _wait_for_writes(file: Path, names: list[str]) -> None:
    store = EntityStore(file)
    while True:
        with store.transaction():
            if all(store.get("x", "pair", f"{name}-c") for name in names):
                return


def test_state_is_written_by_many_threads_without_a_loss(tmp_path: Path) -> None:
    """Transactions are isolated from those of other processes."""
    store = EntityStore(tmp_path / "state.db")

    def work() -> None:
        for _ in range(20):
            with store.transaction():
                found = store.get("x", "counter", "one") or StoredEntity("x", "counter", "one", {"n": 0})
                found.document["n"] += 1
                store.put(found)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.transaction():
        counter = store.get("x", "counter", "one")
    assert counter is not None
    assert json.dumps(counter.document) == '{"n": 100}'
