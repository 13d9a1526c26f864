"""The observer of a caller's requests: their attempts, retries and changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Change:
    """A request that changes something; `id` is that of the changed entity, or None until the service has responded."""

    id: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a request."""

    resource: str
    operation: str
    method: str
    number: int  # from 1
    waited: float  # seconds before the attempt
    seconds: float  # duration of the attempt
    status: int | None  # None without a response


class RequestObserver:
    """An observer of one caller's requests; this base class permits every change and has no time limit."""

    def seconds_left(self) -> float:
        """Return the seconds that the caller will still wait."""
        return float("inf")

    def attempted(self, attempt: Attempt, /) -> None:
        """Record an attempt that has ended."""

    async def waiting(self, seconds: float, reason: str) -> None:
        """Report that a request will be retried after a pause."""

    @contextmanager
    def change(self, resource: str, operation: str) -> Iterator[Change]:  # noqa: ARG002  # every change is permitted
        """Wrap a request that changes something; raises NotAllowedError if the request must not be sent."""
        yield Change()
