"""Errors of requests to the service."""

from custom_speech_tools.speech.sanitize import sanitize, word

_MAX_MESSAGE = 400  # characters, including the text of the service


class SpeechError(Exception):
    """A request without a usable response; `str()` returns sanitized text for the caller."""

    outcome_unknown = False  # True if the service may have made the requested change nevertheless
    is_transient = False  # True if the same request may succeed soon

    def __init__(self, message: str) -> None:
        super().__init__(sanitize(message, _MAX_MESSAGE))


class AzureError(SpeechError):
    """An error response of the service or its gateway; `retry_after` is in seconds, None without that header."""

    def __init__(
        self,
        service_message: str,
        *,
        resource: str,
        operation: str,
        status: int,
        code: str | None = None,
        inner_code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.service_message = sanitize(service_message, _MAX_MESSAGE)
        super().__init__(f'"{self.service_message}"' if service_message else "no reason given")
        self.resource, self.operation, self.status = resource, operation, status
        self.code = code and sanitize(code, 80)
        self.inner_code = inner_code and sanitize(inner_code, 80)
        self.retry_after = retry_after
        self.outcome_unknown = status >= 500  # a server error may follow a completed change
        self.is_transient = status == 429 or status >= 500

    def __str__(self) -> str:
        codes = (self.code and word(self.code), self.inner_code and f"({word(self.inner_code)})")
        code = " ".join(filter(None, codes))
        code = "" if code == str(self.status) else code
        return f"{self.resource} answered {self.status} {code}".rstrip() + f" to {self.operation}: {self.args[0]}"


class ResponseLostError(SpeechError):
    """No complete response to a request that was sent; the service may have made the requested change."""

    outcome_unknown = is_transient = True


class UnreachableError(SpeechError):
    """No connection could be established, so nothing was changed."""

    is_transient = True


class UnreadableResponseError(SpeechError):
    """A response that is not JSON, incomplete or too large, or lacks a required field."""

    outcome_unknown = is_transient = True


class InterceptedResponseError(SpeechError):
    """A response from a proxy, gateway or sign-in page instead of the service."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        # A success status may be that of the service, and only its body replaced.
        self.outcome_unknown = self.is_transient = status < 300


class UntrustedUrlError(SpeechError):
    """A response with a URL outside the resource, to which nothing was sent."""


class NoCredentialError(SpeechError):
    """The key or token of the resource could not be obtained, so nothing was sent."""


class NotAllowedError(SpeechError):
    """The resource is read-only, or the change cannot be recorded in the audit log; nothing was sent."""
