"""Turns across replicas: where a store is shared, two identical creates at one moment make one model.

The service has no atomic check; a store that has one closes the gap between a look and a create. It holds
digests of requests for a minute and nothing else.
"""

import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import anyio

from custom_speech_server.config import ConfigurationError
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import Action, IdempotentExecutor, Look
from custom_speech_tools.runtime.results import Finding

_log = logging.getLogger(__name__)

KEPT_MILLISECONDS = 60_000
"""How long a turn may take, and for how long it is remembered that it was taken; longer than any call."""

LOOK_SECONDS = 0.1
"""The pause between two looks whether it is one's turn."""

_PREFIX = "custom-speech-mcp:"
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"


class Turns(Protocol):
    """One at a time, over all replicas."""

    def of(self, request: str) -> AbstractAsyncContextManager[bool]:
        """One's turn; True where another has carried out the same lately. Raises Refused where no turn can be had."""
        ...


class DistributedExecutor(IdempotentExecutor):
    """IdempotentExecutor over all replicas that share the turns."""

    def __init__(self, turns: Turns, in_doubt: Mapping[str, float] | None = None, pace: float = 1.0) -> None:
        super().__init__(in_doubt, pace)
        self._shared = turns

    async def do(self, request: str, since: float, action: Action, look: Look) -> tuple[Any, bool]:
        """As IdempotentExecutor has it; what another replica has made lately is looked for first."""
        async with self._shared.of(request) as was_carried_out:
            if was_carried_out and (made := await look(None)) is not None:
                return made, True
            return await super().do(request, since, action, look)


def of_environment(environment: Mapping[str, str]) -> "RedisTurns | None":
    """The turns in the store that CUSTOM_SPEECH_TURNS names; raises ConfigurationError."""
    url = environment.get("CUSTOM_SPEECH_TURNS")
    try:
        return RedisTurns(url) if url else None
    except ImportError:
        raise ConfigurationError("CUSTOM_SPEECH_TURNS needs: pip install 'custom-speech-mcp[redis]'.") from None
    except ValueError:
        raise ConfigurationError("CUSTOM_SPEECH_TURNS must be the address of a store: redis://host:6379/0.") from None


class RedisTurns:
    """Turns in Redis or Valkey; needs the extra `redis`."""

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis

        self._redis: Any = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)

    @asynccontextmanager
    async def of(self, request: str) -> AsyncIterator[bool]:
        """One's turn. However it ends, others look for what it may have made."""
        turn, done, mine = f"{_PREFIX}turn:{request}", f"{_PREFIX}done:{request}", secrets.token_hex(16)
        was_carried_out = await self._taken(turn, done, mine)
        try:
            yield was_carried_out
        finally:
            with anyio.CancelScope(shield=True):
                await self._ended(turn, done, mine)

    async def _taken(self, turn: str, done: str, mine: str) -> bool:
        from redis.exceptions import RedisError

        try:
            while not await self._redis.set(turn, mine, nx=True, px=KEPT_MILLISECONDS):  # noqa: ASYNC110  # no event tells
                await anyio.sleep(LOOK_SECONDS)
            return bool(await self._redis.exists(done))
        except RedisError as error:
            raise _no_turn(type(error).__name__) from None

    async def _ended(self, turn: str, done: str, mine: str) -> None:
        from redis.exceptions import RedisError

        try:
            await self._redis.set(done, 1, px=KEPT_MILLISECONDS)
            await self._redis.eval(_RELEASE, 1, turn, mine)
        except RedisError as error:
            _log.warning("A turn ends by itself, because the store does not answer (%s).", type(error).__name__)


def _no_turn(why: str) -> Refused:
    finding = Finding(
        rule="already-exists",
        level="block",
        message=f"The store that replicas share does not answer ({why}), so another might be doing the same.",
        fix="Whoever runs the server must mend CUSTOM_SPEECH_TURNS.",
    )
    return Refused("Nothing was created.", [finding], "The same call can be repeated once that is mended.")
