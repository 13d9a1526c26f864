"""Error answers: the service's own, and those of the gateway in front of it.

The service answers `{"code", "message", "target", "details", "innerError"}` with no wrapper around it (specification);
the gateway answers `{"error": {"code", "message"}}` (reports of users of Speech and its sister services).
"""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """The request is answered with an error: HTTP status, ErrorCode, DetailedErrorCode, and a message."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        inner: str | None = None,
        target: str | None = None,
        headers: dict[str, str] | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self.target = target
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """Return the `Error` object of the specification; what is not known is left out."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target:
            body["target"] = self.target
        if self.inner:
            body["innerError"] = {"code": self.inner, "message": self.message}
        return body


class GatewayRefused(Refused):
    """The gateway in front of the service answers: it knows keys, addresses and quotas, and nests its errors."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, str(status), message, headers=headers)

    def body(self) -> dict[str, Any]:
        """Return the nested body of the gateway."""
        return {"error": {"code": self.code, "message": self.message}}


def unknown_address() -> GatewayRefused:
    """404 for an address that belongs to no operation."""
    return GatewayRefused(404, "Resource not found")


def too_many_requests(headers: dict[str, str]) -> GatewayRefused:
    """429 with the seconds in the text, as the gateway words it for sister services."""
    seconds = headers.get("Retry-After", "1")
    message = f"Requests have exceeded the call rate limit of the pricing tier. Please retry after {seconds} seconds."
    return GatewayRefused(429, message, headers)


def invalid(inner: str, message: str, target: str | None = None) -> Refused:
    """400 `InvalidRequest` with a detailed code."""
    return Refused(400, "InvalidRequest", message, inner, target)


def not_allowed(methods: set[str]) -> Refused:
    """405 with the methods that are."""
    allowed = ", ".join(sorted(methods))
    return Refused(
        405, "NotAllowed", f"The method is not allowed here; allowed: {allowed}.", headers={"Allow": allowed}
    )


def not_found(what: str = "entity") -> Refused:
    """404 `NotFound`."""
    return Refused(404, "NotFound", f"The specified {what} cannot be found.")


def conflict(inner: str, message: str) -> Refused:
    """409 `Conflict` with a detailed code."""
    return Refused(409, "Conflict", message, inner)
