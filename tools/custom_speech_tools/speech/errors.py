"""What can go wrong between us and the service.

SpeechError
├── AzureError        the service said no: status, code, inner code and message are kept
├── AnswerLostError        the request may have arrived, its answer did not
├── UnreachableError       the request certainly did not arrive
├── UnreadableAnswerError  an answer came that is not what the operation documents
├── ForeignAddressError    an answer names another host; nothing is sent there
├── NoCredentialError      the key or identity could not be had; nothing was sent
└── NotAllowedError        whoever started the server does not let this request leave; nothing was sent
"""

from custom_speech_tools.speech.sanitize import plain

_MESSAGE = 400
"""Characters of a message that are shown, the service's own words included."""


class SpeechError(Exception):
    """A request to a Speech resource had no usable answer; `str()` is plain text, fit for the caller to read."""

    def __init__(self, message: str, *, resource: str, operation: str) -> None:
        super().__init__(plain(message, _MESSAGE))
        self.resource = resource
        self.operation = operation

    @property
    def outcome_unknown(self) -> bool:
        """Whether a request that changes something may have been carried out all the same."""
        return False

    @property
    def is_transient(self) -> bool:
        """Whether the same request may well succeed a little later."""
        return self.outcome_unknown


class AzureError(SpeechError):
    """The service refused; `retry_after` is in seconds and None where the service named no time."""

    def __init__(
        self,
        message: str,
        *,
        resource: str,
        operation: str,
        status: int,
        code: str | None = None,
        inner_code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, resource=resource, operation=operation)
        self.status = status
        self.code = code and plain(code, 80)
        self.inner_code = inner_code and plain(inner_code, 80)
        self.retry_after = retry_after

    @property
    def outcome_unknown(self) -> bool:
        """A fault of the service's own may come after the work."""
        return self.status >= 500

    @property
    def is_transient(self) -> bool:
        """Too many requests, or a fault of the service's own."""
        return self.status == 429 or self.status >= 500

    def __str__(self) -> str:
        code = " ".join(filter(None, (self.code, f"({self.inner_code})" if self.inner_code else "")))
        return f"{self.resource} answered {self.status} {code}".rstrip() + f" to {self.operation}: {self.args[0]}"


class AnswerLostError(SpeechError):
    """The request was sent and no whole answer came back: what it asked for may have been done."""

    outcome_unknown = True


class UnreachableError(SpeechError):
    """No connection came about: nothing was done."""

    is_transient = True


class UnreadableAnswerError(SpeechError):
    """The answer is not JSON, is cut off, too large, or lacks what the operation always returns."""

    outcome_unknown = True


class ForeignAddressError(SpeechError):
    """The answer names an address outside the resource; the key was not sent there."""


class NoCredentialError(SpeechError):
    """The key or identity of the resource could not be had; nothing was sent."""


class NotAllowedError(SpeechError):
    """The resource is read-only, or what changes something cannot be recorded; nothing was sent."""
