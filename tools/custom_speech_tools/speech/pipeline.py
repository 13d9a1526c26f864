"""The request pipeline of a Speech resource: authorization, retries, deadline, and decoding of errors."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from custom_speech_tools.speech import decoding, errors
from custom_speech_tools.speech.http_messages import OPERATION_SECONDS, Request, Response
from custom_speech_tools.speech.request_observer import Attempt, RequestObserver
from custom_speech_tools.speech.resource import SpeechResource
from custom_speech_tools.speech.service_clock import ServiceClock

if TYPE_CHECKING:
    from custom_speech_tools.speech.transport import Transport

# Every response of the emulator has this header; the host name does not tell, as localhost may be a proxy to Azure.
EMULATOR_HEADER = "custom-speech-emulator"
MAX_ATTEMPTS = 4  # at one request; a throttled request (429) may be retried until its caller stops waiting

_FIRST_WAIT = 0.5  # seconds before the second attempt without a Retry-After header; doubled for every further attempt
_IDEMPOTENT = frozenset({"GET", "PATCH", "PUT", "DELETE"})
_RESERVED_SECONDS = 1.0  # of the caller's time, in which an error can still be reported


def wait_seconds(attempt: int, error: errors.SpeechError, method: str, chance: float) -> float | None:
    """Return the seconds to wait after attempt number `attempt`, or None if the request may not be retried.

    A request that did not arrive, or was answered with 429, changed nothing. After a 5xx or a lost response the outcome
    is unknown, so only idempotent methods are retried. The wait is at least Retry-After, plus jitter by `chance`
    (0 to 1).
    """
    is_throttled = isinstance(error, errors.AzureError) and error.status == 429
    is_safe = not error.outcome_unknown or method in _IDEMPOTENT
    # An immediate retry would get the same response.
    is_final = isinstance(error, errors.UnreadableResponseError | errors.InterceptedResponseError)
    if not error.is_transient or not is_safe or is_final or (attempt >= MAX_ATTEMPTS and not is_throttled):
        return None
    retry_after = error.retry_after if isinstance(error, errors.AzureError) else None
    least = _FIRST_WAIT * 2 ** min(attempt - 1, 5) if retry_after is None else retry_after
    return least + chance * max(least * 0.25, 0.1)


class RequestPipeline:
    """The pipeline that sends the requests of one resource."""

    def __init__(
        self,
        resource: SpeechResource,
        app: Callable[[], Callable[..., Any]] | None = None,  # creates an ASGI application that replaces the network
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.resource = resource
        self.clock = ServiceClock(now)
        self.is_emulated = resource.emulated  # or set by the header in the emulator's responses
        self._app = app
        self._transports: dict[str, Transport] = {}

    async def send(self, request: Request, observer: RequestObserver) -> Response:
        """Send a request, retry it if that is safe, and return the 2xx response; raises SpeechError on failure."""
        seconds_left = observer.seconds_left() - _RESERVED_SECONDS
        if seconds_left <= 0 or (request.method == "POST" and seconds_left < OPERATION_SECONDS):
            raise self._unanswered(request, errors.UnreachableError, "earlier requests took too long; no time is left")
        name, operation, method = self.resource.name, request.operation, request.method
        number, waited, end = 1, 0.0, anyio.current_time() + request.seconds
        with anyio.move_on_after(seconds_left):
            while True:
                began = anyio.current_time()
                outcome: Response | errors.SpeechError | None = None
                with anyio.move_on_at(end):
                    outcome = await self._exchange(request)
                now, status = anyio.current_time(), getattr(outcome, "status", None)
                observer.attempted(Attempt(name, operation, method, number, waited, now - began, status))
                if isinstance(outcome, Response):
                    return outcome
                error = outcome or self._unanswered(request, errors.ResponseLostError, "no answer in time")
                pause = wait_seconds(number, error, method, random.random())  # noqa: S311  # jitter, not a secret
                is_throttled = isinstance(error, errors.AzureError) and error.status == 429
                limit = now + observer.seconds_left() - _RESERVED_SECONDS if is_throttled else end
                if pause is None or now + pause > limit:
                    raise error
                end += pause if is_throttled else 0.0
                await observer.waiting(pause, str(error))
                await anyio.sleep(pause)
                number, waited = number + 1, pause
        raise self._unanswered(request, errors.ResponseLostError, "no answer in time")

    async def close(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            await transport.close()

    async def _exchange(self, request: Request) -> Response | errors.SpeechError:
        """Return the outcome of one attempt; the clock and `is_emulated` are updated from any response."""
        name, operation = self.resource.name, request.operation
        try:
            credential = {} if request.is_signed else await self.resource.credential.headers()
            response = await self._send_once(request, credential)
            if response.status == 401 and credential:
                renewed = await self.resource.credential.headers(renew=True)
                response = response if renewed == credential else await self._send_once(request, renewed)
        except (errors.UnreachableError, errors.ResponseLostError, errors.UnreadableResponseError) as error:
            return self._unanswered(request, type(error), str(error))
        self.is_emulated = self.is_emulated or EMULATOR_HEADER in response.headers
        self.clock.read(response.headers.get("date"))
        # A signed request reads a file of data, which may well be HTML.
        intercepted = None if request.is_signed else decoding.intercepted_response(name, operation, response)
        if intercepted is None and 200 <= response.status < 300:
            return response
        return intercepted or decoding.decode_error(name, operation, response, self.clock.now())

    async def _send_once(self, request: Request, credential: dict[str, str]) -> Response:
        from custom_speech_tools.speech.transport import Transport  # imports httpx, most of the start-up time

        url = request.path if request.is_signed else self.resource.url(request.path, request.query)
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._transports:
            self._transports[origin] = Transport(origin, self._app() if self._app else None)
        response = await self._transports[origin].exchange(request, url, credential)
        return response.masked(
            *(value.removeprefix("Bearer ") for value in credential.values()),
            *(secret.get_secret_value() for secret in request.secrets),
        )

    def _unanswered(self, request: Request, kind: type[errors.SpeechError], why: str) -> errors.SpeechError:
        is_unchanged = request.method == "GET" or kind is errors.UnreachableError
        outcome = "Nothing was changed." if is_unchanged else "It may have been carried out."
        return kind(f"{self.resource.name} did not answer {request.operation} ({why}). {outcome}")
