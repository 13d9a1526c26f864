"""The pipeline of every request to a Speech resource: credential, retries, time limit, error decoding."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from custom_speech_tools.speech import decoding, errors
from custom_speech_tools.speech.http_exchange import OPERATION_SECONDS, Answer, Attempt, Request, RequestObserver
from custom_speech_tools.speech.resource import SpeechResource
from custom_speech_tools.speech.service_clock import ServiceClock

if TYPE_CHECKING:
    from custom_speech_tools.speech.transport import Transport

# The emulator's answers carry it; an address on this machine may as well be a proxy to Azure.
EMULATOR_HEADER = "custom-speech-emulator"
MAX_ATTEMPTS = 4  # at one request; a throttled one (429) may be repeated until its caller waits no longer

_FIRST_WAIT = 0.5  # seconds before the second attempt if the service names no time; doubled for each further one
_REPEATABLE = frozenset({"GET", "PATCH", "PUT", "DELETE"})  # a second arrival changes nothing that the first did not
_RESERVED_SECONDS = 1.0  # an operation leaves them of its caller's time, so that its error can still be reported


def wait_seconds(attempt: int, error: errors.SpeechError, method: str, chance: float) -> float | None:
    """Return the seconds until attempt number `attempt` + 1, None if the same request may not be sent again.

    A request that did not arrive, or was answered 429, changed nothing. After a 5xx or a lost answer the outcome is
    unknown, so only a method that changes nothing twice is repeated. Never less than the service asked for; `chance`
    (0 to 1) spreads callers apart on top of it.
    """
    is_throttled = isinstance(error, errors.AzureError) and error.status == 429
    is_safe = not error.outcome_unknown or method in _REPEATABLE
    # These answers stay the same, however often they are asked for.
    stays = isinstance(error, errors.UnreadableAnswerError | errors.ForeignAnswerError)
    if not error.is_transient or not is_safe or stays or (attempt >= MAX_ATTEMPTS and not is_throttled):
        return None
    asked = error.retry_after if isinstance(error, errors.AzureError) else None
    least = _FIRST_WAIT * 2 ** min(attempt - 1, 5) if asked is None else asked
    return least + chance * max(least * 0.25, 0.1)


class RequestPipeline:
    """Sends the requests of one resource."""

    def __init__(
        self,
        resource: SpeechResource,
        app: Callable[[], Callable[..., Any]] | None = None,  # makes an ASGI application that answers, not the network
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.resource = resource
        self.clock = ServiceClock(now)
        self.is_emulated = resource.emulated  # the emulator says so in every answer
        self._app = app
        self._transports: dict[str, Transport] = {}

    async def send(self, request: Request, observer: RequestObserver) -> Answer:
        """Send one request, repeatedly if that is safe, and return a 2xx answer; raises SpeechError without one."""
        seconds_left = observer.seconds_left() - _RESERVED_SECONDS
        if seconds_left <= 0 or (request.method == "POST" and seconds_left < OPERATION_SECONDS):
            raise self._unanswered(request, errors.UnreachableError, "earlier requests took too long; no time is left")
        with anyio.move_on_after(seconds_left):
            return await self._send_until_answered(request, observer)
        raise self._unanswered(request, errors.AnswerLostError, "no answer in time")

    async def close(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            await transport.close()

    async def _send_until_answered(self, request: Request, observer: RequestObserver) -> Answer:
        number, waited, end = 1, 0.0, anyio.current_time() + request.seconds
        while True:
            began = anyio.current_time()
            outcome: Answer | errors.SpeechError = self._unanswered(
                request, errors.AnswerLostError, "no answer in time"
            )
            with anyio.move_on_at(end):
                outcome = await self._exchange(request)
            now, status = anyio.current_time(), getattr(outcome, "status", None)
            name, operation, method = self.resource.name, request.operation, request.method
            observer.attempted(Attempt(name, operation, method, number, waited, now - began, status))
            if isinstance(outcome, Answer):
                return outcome
            pause = wait_seconds(number, outcome, method, random.random())  # noqa: S311  # jitter, not a secret
            is_throttled = isinstance(outcome, errors.AzureError) and outcome.status == 429
            limit = now + observer.seconds_left() - _RESERVED_SECONDS if is_throttled else end
            if pause is None or now + pause > limit:
                raise outcome
            end += pause if is_throttled else 0.0
            await observer.waiting(pause, str(outcome))
            await anyio.sleep(pause)
            number, waited = number + 1, pause

    async def _exchange(self, request: Request) -> Answer | errors.SpeechError:
        """Return the outcome of one attempt, and note what every answer tells about the service."""
        name, operation = self.resource.name, request.operation
        try:
            credential = {} if request.is_signed else await self.resource.credential.headers()
            answer = await self._send_once(request, credential)
            if answer.status == 401 and credential:
                renewed = await self.resource.credential.headers(renew=True)
                answer = answer if renewed == credential else await self._send_once(request, renewed)
        except (errors.UnreachableError, errors.AnswerLostError, errors.UnreadableAnswerError) as error:
            return self._unanswered(request, type(error), str(error))
        self.is_emulated = self.is_emulated or EMULATOR_HEADER in answer.headers
        self.clock.read(answer.headers.get("date"))
        foreign = decoding.foreign_answer(name, operation, answer)
        if foreign and not request.is_signed:  # a file of data may well be HTML
            return foreign
        if 200 <= answer.status < 300:
            return answer
        return decoding.decode_error(name, operation, answer, self.clock.now())

    async def _send_once(self, request: Request, credential: dict[str, str]) -> Answer:
        from custom_speech_tools.speech.transport import Transport  # imports httpx, which costs most of a start

        url = request.path if request.is_signed else self.resource.url(request.path, request.query)
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._transports:
            self._transports[origin] = Transport(origin, self._app() if self._app else None)
        answer = await self._transports[origin].exchange(request, url, credential)
        return answer.without(
            *(value.removeprefix("Bearer ") for value in credential.values()),
            *(secret.get_secret_value() for secret in request.secrets),
        )

    def _unanswered(self, request: Request, kind: type[errors.SpeechError], why: str) -> errors.SpeechError:
        is_unchanged = request.method == "GET" or kind is errors.UnreachableError
        outcome = "Nothing was changed." if is_unchanged else "It may have been carried out."
        return kind(f"{self.resource.name} did not answer {request.operation} ({why}). {outcome}")
