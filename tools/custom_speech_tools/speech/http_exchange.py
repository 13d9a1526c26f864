"""HTTP requests and answers as the pipeline and its transport exchange them, and who observes the requests."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import JsonValue, SecretStr

OPERATION_SECONDS = 14.0  # for one operation with its retries, without the waits that a 429 asks for
_SHORTEST_SECRET = 8  # characters; masking a shorter one would spoil the answer


@dataclass(frozen=True, slots=True)
class StreamedBody:
    """A body of known size; `parts` begins anew for each attempt."""

    content_type: str
    size: int
    parts: Callable[[], AsyncIterator[bytes]]


Body = dict[str, JsonValue] | list[JsonValue] | StreamedBody | None  # JSON, or a block of a file or a form


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `secrets` in its body are masked, like the credential, if an answer echoes them."""

    operation: str
    method: str
    path: str  # below that of the API version; if `is_signed`, a whole address
    body: Body = field(default=None, repr=False)
    query: str = ""
    secrets: tuple[SecretStr, ...] = ()
    seconds: float = OPERATION_SECONDS  # the longest that the operation may take, including its retries
    is_signed: bool = False  # the address is signed, so the request carries no credential


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def without(self, *secrets: str) -> "Answer":
        """Return the answer with every echo of a secret masked, so that nothing that reads it can pass one on."""
        headers, body = self.headers, self.body
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                headers = {name: value.replace(secret, "***") for name, value in headers.items()}
                body = body.replace(secret.encode(), b"***")
        return Answer(self.status, headers, body)


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

    def attempted(self, attempt: Attempt, /) -> None:
        """Note that an attempt has ended."""

    async def waiting(self, seconds: float, reason: str) -> None:
        """Note that a request will be sent again after a pause."""

    @contextmanager
    def change(self, resource: str, operation: str) -> Iterator[Change]:  # noqa: ARG002  # this one permits all
        """Enclose a request that changes something; raises NotAllowedError if it must not be sent."""
        yield Change()
