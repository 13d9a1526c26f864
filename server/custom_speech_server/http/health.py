"""Health checks: whether the process is alive, and whether Speech resources answered lately.

Neither answer names a resource or a host.
"""

from collections.abc import Mapping
from contextlib import suppress

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse

from custom_speech_tools.speech import Speech, SpeechError

FRESH_SECONDS = 30.0  # resources are asked no more often, however often readiness is
PROBE_SECONDS = 5.0  # the longest that all resources together have to answer


async def alive(request: Request) -> JSONResponse:  # Starlette's signature
    """GET /healthz."""
    return JSONResponse({"alive": True})


class Readiness:
    """GET /readyz: 200 while at least one resource answered lately, else 503."""

    def __init__(self, resources: Mapping[str, Speech]) -> None:
        self._resources, self._lock = resources, anyio.Lock()
        self._answered: set[str] = set()
        self._probed = float("-inf")

    async def answer(self, request: Request) -> JSONResponse:  # Starlette's signature
        """Return how many of the resources answered."""
        async with self._lock:
            if anyio.current_time() - self._probed > FRESH_SECONDS:
                await self._probe()
        ready = bool(self._answered)
        body = {"ready": ready, "resources": len(self._resources), "answered": len(self._answered)}
        return JSONResponse(body, status_code=200 if ready else 503)

    async def close(self) -> None:
        """Close the connections."""
        for speech in self._resources.values():
            await speech.close()

    async def _probe(self) -> None:
        answered: set[str] = set()

        async def ask(name: str, speech: Speech) -> None:
            with suppress(SpeechError):
                await speech.models_list_supported_locales()
                answered.add(name)

        with anyio.move_on_after(PROBE_SECONDS):
            async with anyio.create_task_group() as tasks:
                for name, speech in self._resources.items():
                    tasks.start_soon(ask, name, speech)
        self._answered, self._probed = answered, anyio.current_time()
