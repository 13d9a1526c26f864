"""The pipeline of every request to a Speech resource: credential, retries, time limit, error decoding."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
from pydantic import JsonValue, SecretStr

from custom_speech_tools.speech import decoding, retry
from custom_speech_tools.speech.addresses import is_content_address
from custom_speech_tools.speech.errors import (
    AnswerLostError,
    AzureError,
    ForeignAddressError,
    SpeechError,
    UnreachableError,
    UnreadableAnswerError,
)
from custom_speech_tools.speech.hooks import Attempt, RequestObserver
from custom_speech_tools.speech.resource import SpeechResource
from custom_speech_tools.speech.service_clock import ServiceClock, parse_http_date
from custom_speech_tools.speech.streamed_body import StreamedBody

if TYPE_CHECKING:
    from custom_speech_tools.speech.transport import Answer, Transport

OPERATION_SECONDS = 14.0
"""The longest that one operation may take, including its retries; waits that a 429 asks for are not counted."""

EMULATOR_HEADER = "custom-speech-emulator"
"""The emulator's answers carry it; an address on this machine may as well be a proxy to Azure."""

Body = dict[str, JsonValue] | list[JsonValue] | bytes | StreamedBody | None
"""The body of a request: JSON, a block of a file, or a form."""

_RESERVED_SECONDS = 1.0
"""Seconds that an operation leaves of its caller's time, so that its error can still be reported."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        secrets: Values that occur in the content.
        is_signed: The address is signed, so the request carries no credential.
    """

    operation: str
    method: str
    url: str
    content: bytes | StreamedBody | None = field(repr=False)
    content_type: str
    secrets: tuple[SecretStr, ...] = ()
    is_signed: bool = False
    seconds: float = OPERATION_SECONDS


def _encoded(body: Body) -> tuple[bytes | StreamedBody | None, str]:
    """Return the content of a request and its type."""
    match body:
        case StreamedBody():
            return body, body.content_type
        case bytes():
            return body, "application/octet-stream"
        case None:
            return None, ""
    return json.dumps(body).encode(), "application/json"


class RequestPipeline:
    """Sends the requests of one resource.

    Args:
        resource: Where requests go, and with which credential.
        app: Returns an ASGI application that answers in place of the network; called at the first request.
        now: This machine's clock.
    """

    def __init__(
        self,
        resource: SpeechResource,
        app: Callable[[], Callable[..., Any]] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.resource = resource
        self.clock = ServiceClock(now)
        self.is_emulated = resource.emulated
        """True if the emulator answers: it says so in every answer."""
        self._app = app
        self._transports: dict[str, Transport] = {}

    async def send(
        self,
        operation: str,
        method: str,
        path: str,
        query: str = "",
        body: Body = None,
        secrets: tuple[SecretStr, ...] = (),
        *,
        observer: RequestObserver,
        seconds: float = OPERATION_SECONDS,
    ) -> "Answer":
        """Send one request, repeatedly where that is safe, and return a 2xx answer.

        Args:
            secrets: Values in the body; like the credential they are masked where an answer echoes them.
            seconds: The longest that the operation may take, including its retries.

        Raises:
            SpeechError: No usable answer came.
        """
        version = self.resource.api_version
        url = f"{self.resource.endpoint}{version.path}{path}?" + "&".join(filter(None, (query, version.query)))
        content, content_type = _encoded(body)
        request = Request(operation, method, url.rstrip("?"), content, content_type, secrets, seconds=seconds)
        seconds_left = observer.seconds_left() - _RESERVED_SECONDS
        if seconds_left <= 0 or (method == "POST" and seconds_left < OPERATION_SECONDS):
            raise self._unanswered(request, UnreachableError, "earlier requests took too long; no time is left")
        with anyio.move_on_after(seconds_left):
            return await self._send_until_answered(request, observer)
        raise self._unanswered(request, AnswerLostError, "no answer in time")

    async def read_content(self, operation: str, address: str, *, observer: RequestObserver) -> bytes:
        """Return the content of a file whose address is signed; no credential is sent.

        Raises:
            SpeechError: The content cannot be read, or its address is not that of Azure's storage.
        """
        if not is_content_address(self.resource, address):
            name = self.resource.name
            message = f"{name} named a file on another host; nothing was sent there."
            raise ForeignAddressError(message, resource=name, operation=operation)
        request = Request(operation, "GET", address, None, "", is_signed=True)
        with anyio.move_on_after(max(0.0, observer.seconds_left() - _RESERVED_SECONDS)):
            return (await self._send_until_answered(request, observer)).body
        raise self._unanswered(request, AnswerLostError, "no answer in time")

    async def close(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            await transport.close()

    async def _send_until_answered(self, request: Request, observer: RequestObserver) -> "Answer":
        attempt, wait, end = 1, 0.0, anyio.current_time() + request.seconds
        while True:
            outcome = await self._attempt(request, attempt, wait, end, observer)
            if not isinstance(outcome, SpeechError):
                return outcome
            chance = random.random()  # noqa: S311  # jitter, not a secret
            pause = retry.wait_seconds(attempt, outcome, request.method, chance)
            is_throttled = isinstance(outcome, AzureError) and outcome.status == 429
            limit = anyio.current_time() + observer.seconds_left() - _RESERVED_SECONDS if is_throttled else end
            if pause is None or anyio.current_time() + pause > limit:
                raise outcome
            end += pause if is_throttled else 0.0
            await observer.waiting(pause, str(outcome))
            await anyio.sleep(pause)
            attempt, wait = attempt + 1, pause

    async def _attempt(
        self, request: Request, number: int, waited: float, end: float, observer: RequestObserver
    ) -> "Answer | SpeechError":
        began = anyio.current_time()
        outcome: Answer | SpeechError = self._unanswered(request, AnswerLostError, "no answer in time")
        with anyio.move_on_at(end):
            outcome = await self._exchange(request)
        seconds, status = anyio.current_time() - began, getattr(outcome, "status", None)
        observer.attempted(
            Attempt(self.resource.name, request.operation, request.method, number, waited, seconds, status)
        )
        return outcome

    async def _exchange(self, request: Request) -> "Answer | SpeechError":
        from custom_speech_tools.speech.transport import Lost, NotSent, TooLarge

        try:
            answer = await self._authorize_and_send(request)
        except NotSent as error:
            return self._unanswered(request, UnreachableError, str(error))
        except Lost as error:
            return self._unanswered(request, AnswerLostError, str(error))
        except TooLarge:
            return self._unanswered(request, UnreadableAnswerError, "the answer is too large")
        self.is_emulated = self.is_emulated or EMULATOR_HEADER in answer.headers
        self.clock.read(parse_http_date(answer.headers.get("date")))
        foreign = decoding.foreign_answer(self.resource.name, request.operation, answer)
        if foreign and not request.is_signed:  # a file of data may well be HTML
            return foreign
        if 200 <= answer.status < 300:
            return answer
        return decoding.decode_error(self.resource.name, request.operation, answer, self.clock.now())

    async def _authorize_and_send(self, request: Request) -> "Answer":
        if request.is_signed:
            return await self._send_once(request, {})
        credential = await self.resource.credential.headers()
        answer = await self._send_once(request, credential)
        if answer.status != 401:
            return answer
        renewed = await self.resource.credential.headers(renew=True)
        return answer if renewed == credential else await self._send_once(request, renewed)

    async def _send_once(self, request: Request, credential: dict[str, str]) -> "Answer":
        transport = self._transport_to(request.url)
        content_type = {} if request.content is None else {"Content-Type": request.content_type}
        headers = {"Accept": "application/json"} | content_type | credential
        answer = await transport.exchange(request.method, request.url, headers, request.content, request.seconds)
        return answer.without(
            *(value.removeprefix("Bearer ") for value in credential.values()),
            *(secret.get_secret_value() for secret in request.secrets),
        )

    def _transport_to(self, url: str) -> "Transport":
        from custom_speech_tools.speech.transport import Transport

        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._transports:
            self._transports[origin] = Transport(origin, self._app() if self._app else None)
        return self._transports[origin]

    def _unanswered(self, request: Request, kind: type[SpeechError], why: str) -> SpeechError:
        is_unchanged = request.method == "GET" or kind is UnreachableError
        outcome = "Nothing was changed." if is_unchanged else "It may have been carried out."
        message = f"{self.resource.name} did not answer {request.operation} ({why}). {outcome}"
        return kind(message, resource=self.resource.name, operation=request.operation)
