"""Whether the process lives, and whether the Speech resources answered lately. Neither names a resource or a host."""

from collections.abc import Awaitable, Callable, Mapping

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse

from custom_speech_tools.speech import Speech, SpeechError

LATELY_SECONDS = 30.0
"""How long an answer counts; the resources are asked no more often than that, whoever asks here."""

PROBE_SECONDS = 5.0
"""The longest that all resources together have to answer."""


async def alive(request: Request) -> JSONResponse:
    """GET /healthz"""
    return JSONResponse({"alive": True})


class Readiness:
    """GET /readyz: 200 while at least one resource answered lately, else 503."""

    def __init__(self, speech: Mapping[str, Speech], clock: Callable[[], float] = anyio.current_time) -> None:
        self._speech = speech
        self._clock = clock
        self._turn = anyio.Lock()
        self._answered: frozenset[str] = frozenset()
        self._asked = float("-inf")

    async def answer(self, request: Request) -> JSONResponse:
        """How many of the resources answered."""
        async with self._turn:
            if self._clock() - self._asked > LATELY_SECONDS:
                await self._ask()
        ready = bool(self._answered)
        body = {"ready": ready, "resources": len(self._speech), "answered": len(self._answered)}
        return JSONResponse(body, status_code=200 if ready else 503)

    async def close(self) -> None:
        """Close the connections."""
        for speech in self._speech.values():
            await speech.close()

    async def _ask(self) -> None:
        answered: set[str] = set()
        with anyio.move_on_after(PROBE_SECONDS):
            async with anyio.create_task_group() as group:
                for name, speech in self._speech.items():
                    group.start_soon(_note, answered, name, speech.models_list_supported_locales)
        self._answered, self._asked = frozenset(answered), self._clock()


async def _note(answered: set[str], name: str, ask: Callable[[], Awaitable[object]]) -> None:
    try:
        await ask()
    except SpeechError:
        return
    answered.add(name)
