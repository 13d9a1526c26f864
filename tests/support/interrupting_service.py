"""A service before which the caller dies at one request: before it is sent, or before its answer arrives."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio


class InterruptingService:
    """Passes requests on, and ends the caller at one of them; run the caller inside `scope`."""

    def __init__(self, service: Callable[..., Awaitable[Any]], last: int, *, is_carried_out: bool) -> None:
        self.service, self.last, self.is_carried_out = service, last, is_carried_out
        self.count, self.died = 0, False
        self.scope = anyio.CancelScope()

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
        """Answer, or end the caller."""
        self.count += 1
        if self.count != self.last:
            await self.service(scope, receive, send)
            return
        if self.is_carried_out:

            async def nobody(message: Any) -> None:
                return None

            await self.service(scope, receive, nobody)
        self.died = True
        self.scope.cancel()
        await anyio.sleep_forever()
