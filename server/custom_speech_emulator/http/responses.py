"""Responses, and the errors of the service and of the gateway in front of the service.

An error of the service is `{"code", "message", "target", "details", "innerError"}` without an enclosing object
(specification). An error of the gateway is `{"error": {"code", "message"}}` (reports of users of Azure AI services).
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ApiResponse:
    """A response of the emulator; links in its body and headers contain placeholders for hosts."""

    status: int
    body: Any = None  # a JSON value, JSON text or bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class ServiceError(Exception):
    """An error response."""

    status: int
    code: str  # ErrorCode of the specification
    message: str
    inner: str | None = None  # DetailedErrorCode of the specification
    target: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    by_gateway: bool = False  # True for errors of keys, addresses and quotas

    def body(self) -> dict[str, Any]:
        """Return the error in the format of the service or of the gateway."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target:
            body["target"] = self.target
        if self.inner:
            body["innerError"] = {"code": self.inner, "message": self.message}
        return {"error": body} if self.by_gateway else body


def gateway_error(status: int, message: str, headers: dict[str, str] | None = None) -> ServiceError:
    """Return an error of the gateway in front of the service."""
    return ServiceError(status, str(status), message, headers=headers or {}, by_gateway=True)


def too_many_requests(headers: dict[str, str]) -> ServiceError:
    """Return a 429 error whose message contains the seconds of `Retry-After`, as in the gateway's message."""
    seconds = headers.get("Retry-After", "1")
    message = f"Requests have exceeded the call rate limit of the pricing tier. Please retry after {seconds} seconds."
    return gateway_error(429, message, headers)


def invalid(inner: str, message: str, target: str | None = None) -> ServiceError:
    """Return a 400 `InvalidRequest` error."""
    return ServiceError(400, "InvalidRequest", message, inner, target)


def forbidden(message: str) -> ServiceError:
    """Return a 403 `Forbidden` error."""
    return ServiceError(403, "Forbidden", message)


def not_allowed(methods: set[str]) -> ServiceError:
    """Return a 405 error with the allowed methods."""
    allowed = ", ".join(sorted(methods))
    message = f"The method is not allowed here; allowed: {allowed}."
    return ServiceError(405, "NotAllowed", message, headers={"Allow": allowed})


def not_found(word: str) -> ServiceError:
    """Return a 404 `NotFound` error."""
    return ServiceError(404, "NotFound", f"The specified {word} cannot be found.")


def conflict(inner: str, message: str) -> ServiceError:
    """Return a 409 `Conflict` error."""
    return ServiceError(409, "Conflict", message, inner)
