"""Answers, and errors as answers: the service's own, and those of the gateway in front of it.

An error of the service is `{"code", "message", "target", "details", "innerError"}` with no wrapper around it
(specification), an error of the gateway `{"error": {"code", "message"}}` (reports of users of Speech and its sisters).
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """Status, body (a JSON value, JSON text with placeholders for hosts, or bytes) and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Refused(Exception):
    """A request that is answered with an error: status, ErrorCode, message, DetailedErrorCode, and the target."""

    status: int
    code: str
    message: str
    inner: str | None = None
    target: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    by_gateway: bool = False  # the gateway knows keys, addresses and quotas, and nests its errors

    def body(self) -> dict[str, Any]:
        """Return the `Error` object of the specification, with the properties that are known."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target:
            body["target"] = self.target
        if self.inner:
            body["innerError"] = {"code": self.inner, "message": self.message}
        return {"error": body} if self.by_gateway else body


def gateway_refused(status: int, message: str, headers: dict[str, str] | None = None) -> Refused:
    """Return an error of the gateway in front of the service."""
    return Refused(status, str(status), message, headers=headers or {}, by_gateway=True)


def too_many_requests(headers: dict[str, str]) -> Refused:
    """Return 429 with the seconds in the text, as the gateway words it for sister services."""
    seconds = headers.get("Retry-After", "1")
    message = f"Requests have exceeded the call rate limit of the pricing tier. Please retry after {seconds} seconds."
    return gateway_refused(429, message, headers)


def invalid(inner: str, message: str, target: str | None = None) -> Refused:
    """Return 400 `InvalidRequest` with a detailed code."""
    return Refused(400, "InvalidRequest", message, inner, target)


def not_allowed(methods: set[str]) -> Refused:
    """Return 405 with the methods that are allowed."""
    allowed = ", ".join(sorted(methods))
    message = f"The method is not allowed here; allowed: {allowed}."
    return Refused(405, "NotAllowed", message, headers={"Allow": allowed})


def not_found(word: str) -> Refused:
    """Return 404 `NotFound`."""
    return Refused(404, "NotFound", f"The specified {word} cannot be found.")


def conflict(inner: str, message: str) -> Refused:
    """Return 409 `Conflict` with a detailed code."""
    return Refused(409, "Conflict", message, inner)
