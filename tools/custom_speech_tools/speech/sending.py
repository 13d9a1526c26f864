"""Every request to a Speech resource passes here: credential, repetition, time limit, errors."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
from pydantic import JsonValue

from custom_speech_tools.speech import reading, retry
from custom_speech_tools.speech.errors import AnswerLost, SpeechError, Unreachable
from custom_speech_tools.speech.resource import SpeechResource

if TYPE_CHECKING:
    from custom_speech_tools.speech.transport import Answer, Transport

OPERATION_SECONDS = 14.0
"""The longest one operation may take, its repetitions and their waits included."""


class Sender:
    """Sends the requests of one resource; `app`, called at the first one, answers in place of the network."""

    def __init__(self, resource: SpeechResource, app: Callable[[], Callable[..., Any]] | None = None) -> None:
        self.resource = resource
        self._app = app
        self._opened: Transport | None = None

    async def send(
        self, operation: str, method: str, path: str, query: str = "", body: dict[str, JsonValue] | None = None
    ) -> "Answer":
        """Send one request, again where that is safe; gives a 2xx answer or raises a SpeechError."""
        version = self.resource.api_version
        url = f"{self.resource.endpoint}{version.path}{path}?" + "&".join(filter(None, (query, version.query)))
        content = None if body is None else json.dumps(body).encode()
        with anyio.move_on_after(OPERATION_SECONDS):
            return await self._until_answered(operation, method, url.rstrip("?"), content)
        raise self._unanswered(operation, method, AnswerLost, "no answer in time")

    async def close(self) -> None:
        """Close the connections."""
        if self._opened:
            await self._opened.close()

    async def _until_answered(self, operation: str, method: str, url: str, content: bytes | None) -> "Answer":
        attempt = 1
        while True:
            outcome = await self._attempt(operation, method, url, content)
            if not isinstance(outcome, SpeechError):
                return outcome
            wait = retry.wait_seconds(attempt, outcome, method, random.random())  # noqa: S311  # jitter, no secret
            if wait is None or anyio.current_time() + wait > anyio.current_effective_deadline():
                raise outcome
            await anyio.sleep(wait)
            attempt += 1

    async def _attempt(self, operation: str, method: str, url: str, content: bytes | None) -> "Answer | SpeechError":
        from custom_speech_tools.speech.transport import Lost, NotSent

        try:
            answer = await self._exchange(method, url, content)
        except NotSent as error:
            return self._unanswered(operation, method, Unreachable, str(error))
        except Lost as error:
            return self._unanswered(operation, method, AnswerLost, str(error))
        if 200 <= answer.status < 300:
            return answer
        return reading.refusal(self.resource.name, operation, answer, datetime.now(UTC))

    async def _exchange(self, method: str, url: str, content: bytes | None) -> "Answer":
        headers = await self._headers(content)
        answer = await self._transport().exchange(method, url, headers, content)
        if answer.status != 401:
            return answer
        renewed = await self._headers(content, renew=True)
        return answer if renewed == headers else await self._transport().exchange(method, url, renewed, content)

    async def _headers(self, content: bytes | None, *, renew: bool = False) -> dict[str, str]:
        credential = await self.resource.credential.headers(renew=renew)
        kind = {} if content is None else {"Content-Type": "application/json"}
        return {"Accept": "application/json"} | kind | credential

    def _transport(self) -> "Transport":
        if self._opened is None:
            from custom_speech_tools.speech.transport import Transport

            self._opened = Transport(self.resource.endpoint, self._app() if self._app else None)
        return self._opened

    def _unanswered(self, operation: str, method: str, kind: type[SpeechError], why: str) -> SpeechError:
        safe = method == "GET" or kind is Unreachable
        done = "Nothing was changed." if safe else "It may have been carried out."
        message = f"{self.resource.name} did not answer {operation} ({why}). {done}"
        return kind(message, resource=self.resource.name, operation=operation)
