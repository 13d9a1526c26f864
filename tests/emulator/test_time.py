"""The clock, and the progress of simulated work."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from support.emulator_service import Resource, Service

Start = Callable[..., Service]
TEXT = {"displayName": "x", "locale": "en-US"}


class Clock:
    """A clock that a test can move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def statuses(resource: Resource, link: str, reads: int) -> list[str]:
    """The statuses in a number of reads."""
    return [resource.ask("GET", link)["status"] for _ in range(reads)]


def test_progress_passes_by_reads(start: Start) -> None:
    """Three reads: Running, Running, Succeeded; lists do not count."""
    resource = start(training="reads:3").resource()
    model = resource.ask("POST", "/models", json=TEXT)

    for _ in range(5):
        resource.ask("GET", "/models")

    assert statuses(resource, model["self"], 4) == ["Running", "Running", "Succeeded", "Succeeded"]


def test_progress_passes_by_seconds(start: Start) -> None:
    """Work other than training takes a quarter of the time, and a quarter of that until it is Running."""
    service = start(training="seconds:8", now=Clock())
    resource = service.resource()
    model = resource.send("POST", "/models", json=TEXT)
    endpoint = resource.ask("POST", "/endpoints", json=TEXT)

    seen = []
    for _ in range(5):
        seen.append(
            (resource.ask("GET", model.json()["self"])["status"], resource.ask("GET", endpoint["self"])["status"])
        )
        service.control("POST", "clock", {"advance_seconds": 2})

    assert seen[:3] == [("Running", "NotStarted"), ("Running", "Succeeded"), ("Running", "Succeeded")]
    assert seen[4] == ("Succeeded", "Succeeded")


def test_progress_stamps_what_ended_unseen_with_the_moment_at_which_it_ended(start: Start) -> None:
    """The time of completion does not depend on the time of reading."""
    service = start(training="seconds:60", now=Clock())
    model = service.resource().ask("POST", "/models", json=TEXT)

    service.control("POST", "clock", {"advance": "PT10H"})

    assert service.resource().ask("GET", model["self"])["lastActionDateTime"] == "2026-11-23T12:01:00Z"


def test_progress_says_how_long_to_wait(start: Start) -> None:
    """`Retry-After` is a quarter of the remaining time, at least a second, and missing for finished work."""
    service = start(training="seconds:40", now=Clock())
    resource = service.resource()
    model = resource.ask("POST", "/models", json=TEXT)
    waits = []
    for _ in range(3):
        waits.append(resource.send("GET", model["self"]).headers.get("retry-after"))
        service.control("POST", "clock", {"advance_seconds": 20})

    assert waits == ["10", "5", None]


def test_progress_stands_still_until_a_command(start: Start) -> None:
    """The command finishes everything, or one entity with the given outcome."""
    service = start(training="reads:1000000")
    resource = service.resource()
    first, second = (resource.ask("POST", "/models", json=TEXT) for _ in range(2))
    assert statuses(resource, first["self"], 9)[-1] == "Running"

    failed = {"id": first["self"].split("/")[-1].partition("?")[0], "status": "Failed"}
    failed["error"] = {"code": "OutOfLuck", "message": "out of luck"}
    service.control("POST", "finish", failed)
    assert resource.ask("GET", first["self"])["properties"]["error"]["message"] == "out of luck"
    assert resource.ask("GET", second["self"])["status"] == "Running"

    service.control("POST", "finish")
    assert resource.ask("GET", second["self"])["status"] == "Succeeded"


def test_progress_never_ends_the_import_that_is_always_running(start: Start) -> None:
    """The seed data contains an import that never finishes by itself."""
    service = start(training="seconds:1", now=Clock())

    service.control("POST", "clock", {"advance": "P300D"})

    running = service.resource().stocked("datasets", "import still running en-US")
    assert running["status"] == "Running"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"advance": "soon"},
        {"advance": "P99999999D"},
        {"advance_seconds": -1},
        {"advance_seconds": "5"},
        {"x": 1},
        [],
    ],
)
def test_progress_is_not_moved_by_nonsense(service: Service, body: Any) -> None:
    """The response is 400, and the clock is unchanged."""
    before = service.control("GET", "clock")["offset_seconds"]

    assert service.send("POST", "http://localhost/_emulator/clock", json=body).status_code == 400
    assert service.control("GET", "clock")["offset_seconds"] == before


def test_progress_is_repeatable_with_a_seed(start: Start) -> None:
    """The same requests result in the same ids and dates."""
    clock = Clock()

    first, second = (start(seed=7, now=clock).resource().model() for _ in range(2))

    assert first == second
    assert start(seed=8, now=clock).resource().model()["self"] != first["self"]


@pytest.mark.parametrize("training", ["", "reads", "reads:x", "seconds:-1", "command", "hours:3"])
def test_progress_is_refused_in_other_words(start: Start, training: str) -> None:
    """An invalid option is a ValueError."""
    with pytest.raises(ValueError, match="seconds:S or reads:N"):
        start(training=training)
