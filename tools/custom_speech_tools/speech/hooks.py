"""Hooks through which a caller of the client learns about its requests, and may forbid them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Change:
    """A request that changes something; `id` names the created or changed entity once the service has answered."""

    id: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a request."""

    resource: str
    operation: str
    method: str
    number: int  # counts from 1
    waited: float  # seconds before the attempt
    seconds: float  # duration of the attempt
    status: int | None  # None if no answer came


class RequestObserver:
    """Observes the requests of one caller; this one ignores and permits everything."""

    def seconds_left(self) -> float:
        """Return how long the caller will still wait."""
        return float("inf")

    def attempted(self, attempt: Attempt) -> None:
        """Note that an attempt has ended."""

    async def waiting(self, seconds: float, reason: str) -> None:
        """Note that a request will be sent again after a pause."""

    @contextmanager
    def change(self, resource: str, operation: str) -> Iterator[Change]:  # noqa: ARG002  # this one permits all
        """Enclose a request that changes something; raises NotAllowedError if it must not be sent."""
        yield Change()
