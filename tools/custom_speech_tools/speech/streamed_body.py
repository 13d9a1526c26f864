"""A request body that is read in parts while it is sent."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamedBody:
    """A body of known size; `parts` begins anew for each attempt."""

    content_type: str
    size: int
    parts: Callable[[], AsyncIterator[bytes]]
