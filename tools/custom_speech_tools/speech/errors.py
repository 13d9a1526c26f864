"""What can go wrong between us and the service.

SpeechError
├── AzureError        the service said no: status, code, inner code and message are kept
├── AnswerLost        the request may have arrived, its answer did not
├── Unreachable       the request certainly did not arrive
├── UnreadableAnswer  an answer came that is not what the operation documents
├── ForeignAddress    an answer names another host; nothing is sent there
└── NoCredential      the key or identity could not be had; nothing was sent
"""


class SpeechError(Exception):
    """A request to a Speech resource had no usable answer; `str()` is fit for the caller to read."""

    def __init__(self, message: str, *, resource: str, operation: str) -> None:
        super().__init__(message)
        self.resource = resource
        self.operation = operation


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
        self.code = code
        self.inner_code = inner_code
        self.retry_after = retry_after

    def __str__(self) -> str:
        code = " ".join(filter(None, (self.code, f"({self.inner_code})" if self.inner_code else "")))
        return f"{self.resource} answered {self.status} {code}".rstrip() + f" to {self.operation}: {self.args[0]}"


class AnswerLost(SpeechError):
    """The request was sent and no whole answer came back: what it asked for may have been done."""


class Unreachable(SpeechError):
    """No connection came about: nothing was done."""


class UnreadableAnswer(SpeechError):
    """The answer is not JSON, is cut off, or lacks what the operation always returns."""


class ForeignAddress(SpeechError):
    """The answer names an address outside the resource; the key was not sent there."""


class NoCredential(SpeechError):
    """The key or identity of the resource could not be had; nothing was sent."""
