"""Errors between the client and the service.

SpeechError
├── AzureError             the service or its gateway refused; status, code, inner code and message are kept
├── AnswerLostError        the request may have arrived, no complete answer came back
├── UnreachableError       no connection was made, so the request certainly did not arrive
├── UnreadableAnswerError  the answer is not what the operation documents
├── ForeignAnswerError     something else than the service answered, with a page of HTML or a redirect
├── ForeignAddressError    the answer names another host, to which nothing is sent
├── NoCredentialError      the key or token could not be obtained; nothing was sent
└── NotAllowedError        this server does not permit the request; nothing was sent
"""

from custom_speech_tools.speech.sanitize import sanitize, word

_MAX_MESSAGE = 400
"""Characters of a message that are shown, including the service's own words."""


class SpeechError(Exception):
    """A request had no usable answer; `str()` is sanitized text for the caller."""

    def __init__(self, message: str, *, resource: str, operation: str) -> None:
        super().__init__(sanitize(message, _MAX_MESSAGE))
        self.resource = resource
        self.operation = operation

    @property
    def outcome_unknown(self) -> bool:
        """True if a request that changes something may have been carried out all the same."""
        return False

    @property
    def is_transient(self) -> bool:
        """True if the same request may well succeed a little later."""
        return self.outcome_unknown


class AzureError(SpeechError):
    """The service or its gateway refused.

    Attributes:
        said: The reason in the service's own words, sanitized; empty where none was given.
        retry_after: Seconds that the service asked to wait; None where it named no time.
    """

    def __init__(
        self,
        said: str,
        *,
        resource: str,
        operation: str,
        status: int,
        code: str | None = None,
        inner_code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.said = sanitize(said, _MAX_MESSAGE)
        super().__init__(f'"{self.said}"' if said else "no reason given", resource=resource, operation=operation)
        self.status = status
        self.code = code and sanitize(code, 80)
        self.inner_code = inner_code and sanitize(inner_code, 80)
        self.retry_after = retry_after

    @property
    def outcome_unknown(self) -> bool:
        """A server error may come after the work was done."""
        return self.status >= 500

    @property
    def is_transient(self) -> bool:
        """Too many requests, or a server error."""
        return self.status == 429 or self.status >= 500

    def __str__(self) -> str:
        codes = (self.code and word(self.code), self.inner_code and f"({word(self.inner_code)})")
        code = " ".join(filter(None, codes))
        code = "" if code == str(self.status) else code
        return f"{self.resource} answered {self.status} {code}".rstrip() + f" to {self.operation}: {self.args[0]}"


class AnswerLostError(SpeechError):
    """The request was sent and no complete answer came back: it may have been carried out."""

    outcome_unknown = True


class UnreachableError(SpeechError):
    """No connection was made: nothing was done."""

    is_transient = True


class UnreadableAnswerError(SpeechError):
    """The answer is not JSON, is cut off, too large, or lacks what the operation always returns."""

    outcome_unknown = True


class ForeignAnswerError(SpeechError):
    """A proxy, a gateway or a sign-in page answered in place of the service.

    With a status of success the service may have carried the request out before: what stands between may have replaced
    its answer.
    """

    def __init__(self, message: str, *, resource: str, operation: str, status: int) -> None:
        super().__init__(message, resource=resource, operation=operation)
        self.status = status

    @property
    def outcome_unknown(self) -> bool:
        """True for a status of success."""
        return self.status < 300


class ForeignAddressError(SpeechError):
    """The answer names an address outside the resource; the key was not sent there."""


class NoCredentialError(SpeechError):
    """The key or token of the resource could not be obtained; nothing was sent."""


class NotAllowedError(SpeechError):
    """The resource is read-only, or the change cannot be recorded; nothing was sent."""
