"""Every request to a Speech resource passes here: credential, repetition, time limit, errors."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
from pydantic import JsonValue, SecretStr

from custom_speech_tools.speech import decoding, retry
from custom_speech_tools.speech.errors import AnswerLostError, SpeechError, UnreachableError, UnreadableAnswerError
from custom_speech_tools.speech.hooks import Attempt, NullObserver, RequestObserver
from custom_speech_tools.speech.resource import SpeechResource

if TYPE_CHECKING:
    from custom_speech_tools.speech.transport import Answer, Transport

OPERATION_SECONDS = 14.0
"""The longest one operation may take, its repetitions and their waits included."""

_LAST_SECONDS = 1.0
"""What an operation leaves of the time of whoever asked for it, so that its error can still be told."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `secrets` stand in its content."""

    operation: str
    method: str
    url: str
    content: bytes | None = field(repr=False)
    secrets: tuple[SecretStr, ...]


class RequestPipeline:
    """Sends the requests of one resource; `app`, called at the first one, answers in place of the network."""

    def __init__(
        self,
        resource: SpeechResource,
        app: Callable[[], Callable[..., Any]] | None = None,
        watcher: RequestObserver | None = None,
    ) -> None:
        self.resource = resource
        self.watcher = watcher or NullObserver()
        self.ahead = timedelta()
        """How far the service's clock is ahead of this machine's, as its last answer with a date shows."""
        self._app = app
        self._opened: Transport | None = None

    async def send(
        self,
        operation: str,
        method: str,
        path: str,
        query: str = "",
        body: dict[str, JsonValue] | None = None,
        secrets: Sequence[SecretStr] = (),
    ) -> "Answer":
        """Send one request, again where that is safe; gives a 2xx answer or raises a SpeechError.

        `secrets` stand in the body; like the credential they are masked where an answer echoes them.
        """
        version = self.resource.api_version
        url = f"{self.resource.endpoint}{version.path}{path}?" + "&".join(filter(None, (query, version.query)))
        content = None if body is None else json.dumps(body).encode()
        request = Request(operation, method, url.rstrip("?"), content, tuple(secrets))
        left = self.watcher.seconds_left() - _LAST_SECONDS
        if left <= 0 or (method == "POST" and left < OPERATION_SECONDS):
            raise self._unanswered(request, UnreachableError, "the service was too slow before; no time is left")
        with anyio.move_on_after(min(OPERATION_SECONDS, left)) as limit:
            return await self._until_answered(request, limit.deadline)
        raise self._unanswered(request, AnswerLostError, "no answer in time")

    async def close(self) -> None:
        """Close the connections."""
        if self._opened:
            await self._opened.close()

    async def _until_answered(self, request: Request, end: float) -> "Answer":
        attempt, wait = 1, 0.0
        while True:
            outcome = await self._told(request, attempt, wait)
            if not isinstance(outcome, SpeechError):
                return outcome
            chance = random.random()  # noqa: S311  # jitter, no secret
            again = retry.wait_seconds(attempt, outcome, request.method, chance)
            if again is None or anyio.current_time() + again > end:
                raise outcome
            wait = again
            await self.watcher.waits(wait, str(outcome))
            await anyio.sleep(wait)
            attempt += 1

    async def _told(self, request: Request, number: int, waited: float) -> "Answer | SpeechError":
        """An attempt, of which the watcher is told."""
        began = anyio.current_time()
        outcome = await self._attempt(request)
        seconds, status = anyio.current_time() - began, getattr(outcome, "status", None)
        attempt = Attempt(self.resource.name, request.operation, request.method, number, waited, seconds, status)
        self.watcher.attempted(attempt)
        return outcome

    async def _attempt(self, request: Request) -> "Answer | SpeechError":
        from custom_speech_tools.speech.transport import Lost, NotSent, TooLarge

        try:
            answer = await self._exchange(request)
        except NotSent as error:
            return self._unanswered(request, UnreachableError, str(error))
        except Lost as error:
            return self._unanswered(request, AnswerLostError, str(error))
        except TooLarge:
            return self._unanswered(request, UnreadableAnswerError, "the answer is too large")
        now = datetime.now(UTC)
        date = retry.moment_of(answer.headers.get("date"))
        self.ahead = date - now if date else self.ahead
        if 200 <= answer.status < 300:
            return answer
        return decoding.refusal(self.resource.name, request.operation, answer, now + self.ahead)

    async def _exchange(self, request: Request) -> "Answer":
        credential = await self.resource.credential.headers()
        answer = await self._authorized(request, credential)
        if answer.status != 401:
            return answer
        renewed = await self.resource.credential.headers(renew=True)
        return answer if renewed == credential else await self._authorized(request, renewed)

    async def _authorized(self, request: Request, credential: dict[str, str]) -> "Answer":
        kind = {} if request.content is None else {"Content-Type": "application/json"}
        headers = {"Accept": "application/json"} | kind | credential
        answer = await self._transport().exchange(request.method, request.url, headers, request.content)
        return answer.without(
            *(value.removeprefix("Bearer ") for value in credential.values()),
            *(secret.get_secret_value() for secret in request.secrets),
        )

    def _transport(self) -> "Transport":
        if self._opened is None:
            from custom_speech_tools.speech.transport import Transport

            self._opened = Transport(self.resource.endpoint, self._app() if self._app else None)
        return self._opened

    def _unanswered(self, request: Request, kind: type[SpeechError], why: str) -> SpeechError:
        safe = request.method == "GET" or kind is UnreachableError
        done = "Nothing was changed." if safe else "It may have been carried out."
        message = f"{self.resource.name} did not answer {request.operation} ({why}). {done}"
        return kind(message, resource=self.resource.name, operation=request.operation)
