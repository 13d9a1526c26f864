"""Hooks through which a caller of the client learns about its requests, and may forbid them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Change:
    """A request that changes something; `id` names the created or changed entity once the service has answered."""

    id: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a request.

    Attributes:
        number: Counts from 1.
        waited: Seconds of waiting before the attempt.
        seconds: Duration of the attempt.
        status: HTTP status; None where no answer came.
    """

    resource: str
    operation: str
    method: str
    number: int
    waited: float
    seconds: float
    status: int | None


class RequestObserver(Protocol):
    """Observes the requests of one caller."""

    def seconds_left(self) -> float:
        """Return how long the caller will still wait."""
        ...

    def attempted(self, attempt: Attempt) -> None:
        """Note that an attempt has ended."""
        ...

    async def waiting(self, seconds: float, reason: str) -> None:
        """Note that a request will be sent again after a pause."""
        ...

    def change(self, resource: str, operation: str) -> AbstractContextManager[Change]:
        """Enclose a request that changes something.

        Raises:
            NotAllowedError: The request must not be sent.
        """
        ...


class NullObserver:
    """Observes nothing and forbids nothing."""

    def seconds_left(self) -> float:
        """Return infinity."""
        return float("inf")

    def attempted(self, attempt: Attempt) -> None:
        """Ignore the attempt."""

    async def waiting(self, seconds: float, reason: str) -> None:
        """Ignore the pause."""

    @contextmanager
    def change(self, resource: str, operation: str) -> Iterator[Change]:  # noqa: ARG002  # a null object
        """Permit the request."""
        yield Change()
