"""The answer to a request, and how it is written: with real hosts in its links, and the emulator's own header."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from typing import Any

from starlette.background import BackgroundTask
from starlette.responses import Response

from custom_speech_emulator.http.links import Address

EMULATOR_HEADER = "custom-speech-emulator"
"""Every answer carries it, so that a client can tell the emulator from Azure."""


@dataclass(frozen=True)
class Answer:
    """Status, body (a JSON value, JSON text with placeholders for hosts, or bytes) and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class OutgoingResponse:
    """The response to a request: the answer, its address, and what is done after it is sent.

    `linked_base` is where its links point to instead, if a fault leads them astray.
    """

    address: Address
    answer: Answer = field(default_factory=lambda: Answer(204))
    later: list[Callable[[], object]] = field(default_factory=list)
    linked_base: str | None = None
    now: datetime | None = None

    def written(self) -> Response:
        """Return the HTTP response."""
        headers = {name: self._linked(value) for name, value in self.answer.headers.items()}
        headers[EMULATOR_HEADER] = "1"
        if self.now:
            headers["Date"] = formatdate(self.now.timestamp(), usegmt=True)
        background = BackgroundTask(do_all, self.later) if self.later else None
        body = self.answer.body
        if body is None or isinstance(body, bytes):
            return Response(body, self.answer.status, headers, background=background)
        text = self._linked(body if isinstance(body, str) else json.dumps(body))
        return Response(text, self.answer.status, headers, "application/json; charset=utf-8", background)

    def _linked(self, text: str) -> str:
        written = self.address.write(text)
        return written.replace(self.address.base, self.linked_base) if self.linked_base else written


def do_all(later: list[Callable[[], object]]) -> None:
    """Do what was put off until an answer had been sent."""
    for do in later:
        do()
