"""The contract with the real service. It is skipped unless `SPEECH_LIVE_CONFIG` names a resources.toml."""

import os
from pathlib import Path
from typing import Any

import pytest

from custom_speech_server.resource_config import from_file
from support.live_service import Decision, LiveService, write_record

DECISIONS = pytest.StashKey[list[Decision]]()
EXCHANGES = pytest.StashKey[list[dict[str, Any]]]()

COST = """\
The read-only part sends GET requests only and costs nothing. With --live-write one text dataset of a few lines and one
of four seconds of audio are imported, a model is trained on a base model that is not charged, tested on the four
seconds (which the service may bill as transcribed audio), and copied if a second resource is configured. Nothing is
deployed. Everything that was made is deleted at the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep what is found until the end of the run."""
    config.stash[DECISIONS], config.stash[EXCHANGES] = [], []


def pytest_runtestloop(session: pytest.Session) -> None:
    """State the cost before anything is sent."""
    if "SPEECH_LIVE_CONFIG" in os.environ:
        session.config.pluginmanager.get_plugin("terminalreporter").write_line(COST)


@pytest.fixture
def services(request: pytest.FixtureRequest) -> list[LiveService]:
    """The configured resources, the default one first."""
    if "SPEECH_LIVE_CONFIG" not in os.environ:
        pytest.skip("set SPEECH_LIVE_CONFIG to the resources.toml of a resource that may be asked")
    stash = request.config.stash
    resources = from_file(Path(os.environ["SPEECH_LIVE_CONFIG"]), os.environ)
    ordered = sorted(resources.all, key=lambda one: one.name != resources.default)
    return [LiveService(resource, stash[DECISIONS], stash[EXCHANGES]) for resource in ordered]


@pytest.fixture
def service(services: list[LiveService]) -> LiveService:
    """The default resource."""
    return services[0]


@pytest.fixture
def write(request: pytest.FixtureRequest) -> None:
    """Skip the test unless the run may write."""
    if not request.config.getoption("--live-write"):
        pytest.skip("--live-write allows it")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what the emulator does and what the service did, side by side, and write the record."""
    for decision in config.stash[DECISIONS]:
        terminalreporter.write_line(f"{'agrees ' if decision.agrees else 'DIFFERS'}  {decision.row}")
        terminalreporter.write_line(f"         emulator: {decision.expected}")
        terminalreporter.write_line(f"         service:  {decision.found}")
    record = config.getoption("--record")
    if record and config.stash[EXCHANGES]:
        write_record(Path(record), config.stash[EXCHANGES])
        terminalreporter.write_line(
            f"Wrote {len(config.stash[EXCHANGES])} exchanges to {record}; read it before you share it."
        )
