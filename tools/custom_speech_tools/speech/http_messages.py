"""HTTP requests and responses, as the pipeline and its transport exchange them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from pydantic import JsonValue, SecretStr

OPERATION_SECONDS = 14.0  # deadline of one operation with its retries, not counting the waits after a 429
_MIN_SECRET_LENGTH = 8  # masking a shorter secret would garble the response


@dataclass(frozen=True, slots=True)
class StreamedBody:
    """A request body of known size; every attempt calls `parts` again."""

    content_type: str
    size: int
    parts: Callable[[], AsyncIterator[bytes]]


Properties = dict[str, JsonValue]  # of an entity
Secrets = tuple[SecretStr, ...]
Body = Properties | list[JsonValue] | StreamedBody | None  # JSON, or a file block or form


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; its credential and `secrets` are masked if the response echoes them."""

    operation: str
    method: str
    path: str  # relative to the path of the API version, or a whole URL if `is_signed`
    body: Body = field(default=None, repr=False)
    query: str = ""
    secrets: Secrets = ()
    seconds: float = OPERATION_SECONDS  # deadline of the operation, including its retries
    is_signed: bool = False  # the URL is signed, so no credential is sent


@dataclass(frozen=True, slots=True)
class Response:
    """A complete HTTP response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def masked(self, *secrets: str) -> "Response":
        """Return the response with every echo of a secret replaced by asterisks."""
        headers, body = self.headers, self.body
        for secret in secrets:
            if len(secret) >= _MIN_SECRET_LENGTH:
                headers = {name: value.replace(secret, "***") for name, value in headers.items()}
                body = body.replace(secret.encode(), b"***")
        return Response(self.status, headers, body)
