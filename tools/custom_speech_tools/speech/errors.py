"""Errors between the client and the service."""

from custom_speech_tools.speech.sanitize import sanitize, word

_MAX_MESSAGE = 400  # characters of a message that are shown, including the service's own words


class SpeechError(Exception):
    """A request had no usable answer; `str()` is sanitized text for the caller."""

    outcome_unknown = False  # True if a request that changes something may have been carried out all the same
    is_transient = False  # True if the same request may well succeed a little later

    def __init__(self, message: str) -> None:
        super().__init__(sanitize(message, _MAX_MESSAGE))


class AzureError(SpeechError):
    """The service or its gateway refused, in the words `said`, and asked to wait `retry_after` seconds, if it did."""

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
        super().__init__(f'"{self.said}"' if said else "no reason given")
        self.resource, self.operation, self.status = resource, operation, status
        self.code = code and sanitize(code, 80)
        self.inner_code = inner_code and sanitize(inner_code, 80)
        self.retry_after = retry_after
        self.outcome_unknown = status >= 500  # a server error may come after the work was done
        self.is_transient = status == 429 or status >= 500

    def __str__(self) -> str:
        codes = (self.code and word(self.code), self.inner_code and f"({word(self.inner_code)})")
        code = " ".join(filter(None, codes))
        code = "" if code == str(self.status) else code
        return f"{self.resource} answered {self.status} {code}".rstrip() + f" to {self.operation}: {self.args[0]}"


class AnswerLostError(SpeechError):
    """The request was sent and no complete answer came back: it may have been carried out."""

    outcome_unknown = True
    is_transient = True


class UnreachableError(SpeechError):
    """No connection was made: nothing was done."""

    is_transient = True


class UnreadableAnswerError(SpeechError):
    """The answer is not JSON, is cut off or too large, or lacks a field that the operation always returns."""

    outcome_unknown = True
    is_transient = True


class ForeignAnswerError(SpeechError):
    """A proxy, a gateway or a sign-in page answered in place of the service."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        # With a status of success the service may have carried the request out, and its answer have been replaced.
        self.outcome_unknown = self.is_transient = status < 300


class ForeignAddressError(SpeechError):
    """The answer names an address outside the resource; the key was not sent there."""


class NoCredentialError(SpeechError):
    """The key or token of the resource could not be obtained; nothing was sent."""


class NotAllowedError(SpeechError):
    """The resource is read-only, or the change cannot be recorded; nothing was sent."""
