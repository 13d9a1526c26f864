"""Who is told of what a resource's requests do."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Change:
    """A request that changes something, once it was carried out: the id of what the service answered."""

    id: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a request: which (from 1), after how long a wait, in how many seconds, and its status.

    `status` is None where no answer came.
    """

    resource: str
    operation: str
    method: str
    number: int
    waited: float
    seconds: float
    status: int | None


class RequestObserver(Protocol):
    """Told of every attempt, of every wait for the next, and of every request that changes something."""

    def seconds_left(self) -> float:
        """How long whoever asked for the request will still wait."""
        ...

    def attempted(self, attempt: Attempt) -> None:
        """An attempt has ended."""
        ...

    async def waits(self, seconds: float, why: str) -> None:
        """A request goes again after so many seconds."""
        ...

    def change(self, resource: str, operation: str) -> AbstractContextManager[Change]:
        """Entered before the request leaves, left after its answer or error; raises NotAllowedError to stop it."""
        ...


class NullObserver:
    """Nobody is told."""

    def seconds_left(self) -> float:
        """For ever."""
        return float("inf")

    def attempted(self, attempt: Attempt) -> None:
        """Nothing."""

    async def waits(self, seconds: float, why: str) -> None:
        """Nothing."""

    @contextmanager
    def change(self, resource: str, operation: str) -> Iterator[Change]:
        """Nothing is recorded and nothing stopped."""
        yield Change()
