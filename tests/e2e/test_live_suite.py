"""The contract tests of tests/live, against the emulator over HTTP and against a service that deviates from it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from custom_speech_emulator import account, emulator
from support.live_service import Redaction

ROOT = Path(__file__).parents[2]
EMULATOR_PAGE = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")


class Deviating:
    """The emulator, but for one answer."""

    def __init__(self, app: Any, code: bytes, other: bytes) -> None:
        self.app, self.code, self.other = app, code, other

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as the emulator does, with another code of the same length."""

        async def deviate(message: Any) -> None:
            if "body" in message:
                message = message | {"body": message["body"].replace(self.code, self.other)}
            await send(message)

        await self.app(scope, receive, deviate)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application on a free port of loopback."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    started = threading.Event()
    startup = server.startup

    async def start(sockets: Any = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = start  # type: ignore[method-assign]  # uvicorn has no event for that
    thread = threading.Thread(target=server.run)
    thread.start()
    started.wait()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def run(folder: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the contract tests against two resources of an emulator."""
    config = folder / "resources.toml"
    tables = [
        f'[resources.{region}]\nregion = "{region}"\nendpoint = "{url}/{region}"\n'
        f'resource_id = "{account(region).resource_id}"\nkey = {{ env = "LIVE_{number}" }}\n'
        for number, region in enumerate(("eastus", "westeurope"))
    ]
    config.write_text("\n".join(tables), encoding="utf-8")
    keys = {f"LIVE_{number}": f"emulator-{region}-key" for number, region in enumerate(("eastus", "westeurope"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "tests" / "live"), *options]
    environment = os.environ | {"SPEECH_LIVE_CONFIG": str(config)} | keys
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_contract_tests_pass_against_the_emulator_and_delete_what_they_made(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    with served(emulator(training="reads:2")) as url:
        done = run(tmp_path, url, "--live-write", f"--record={record}")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "costs nothing" in done.stdout
    assert "skipped" not in done.stdout
    rows = [line[9:] for line in done.stdout.splitlines() if line.startswith(("agrees", "DIFFERS"))]
    assert len(rows) >= 20
    assert [row for row in rows if f"| {row} |" not in EMULATOR_PAGE] == []
    exchanges = json.loads(record.read_text(encoding="utf-8"))
    made = sum(one["request"]["method"] == "POST" and one["response"]["status"] == 201 for one in exchanges)
    deleted = sum(one["request"]["method"] == "DELETE" and one["response"]["status"] == 204 for one in exchanges)
    assert 0 < made <= deleted + 1
    text = record.read_text(encoding="utf-8")
    assert not any(
        secret in text
        for secret in ("emulator-eastus-key", "127.0.0.1", account("eastus").resource_id, "contract test")
    )


@pytest.mark.long
def test_contract_tests_fail_against_a_service_that_deviates(tmp_path: Path) -> None:
    with served(Deviating(emulator(training="reads:2"), b"UnsupportedFilter", b"UnsupportedThings")) as url:
        done = run(tmp_path, url)

    assert done.returncode == 1
    assert "DIFFERS  A filter outside the grammar" in done.stdout
    assert "service:  400 InvalidRequest / UnsupportedThings" in done.stdout


def test_contract_tests_are_skipped_without_a_configuration() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "tests" / "live")]
    environment = {name: value for name, value in os.environ.items() if name != "SPEECH_LIVE_CONFIG"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert "passed" not in done.stdout
    assert "skipped" in done.stdout


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        (
            {
                "self": "https://secret.cognitiveservices.azure.com/speechtotext/models/5d5d9a5d-0000-4000-8000-000000000001?api-version=2025-10-15"
            },
            {"self": "https://host/speechtotext/models/id-1?api-version=2025-10-15"},
        ),
        (
            {"links": {"contentUrl": "https://a.blob.core.windows.net/x/y?sv=1&sig=abc"}},
            {"links": {"contentUrl": "https://host/x/y"}},
        ),
        (
            {"displayName": "Clinic", "customProperties": {"owner": "Clinic"}},
            {"displayName": "name-1", "customProperties": {"owner": "name-1"}},
        ),
        ({"sourceResourceId": "/subscriptions/a/resourceGroups/b"}, {"sourceResourceId": "/subscriptions/replaced"}),
        ({"status": "Succeeded", "count": 3}, {"status": "Succeeded", "count": 3}),
    ],
    ids=["id and host", "signature", "names", "resource id", "facts"],
)
def test_record_names_no_host_id_name_or_signature(value: Any, redacted: Any) -> None:
    assert Redaction().of(value) == redacted
