"""So many polls begin in one turn of the event loop: all that may be under way would hold it up for everything else."""

import asyncio
from collections import deque
from typing import Final

__all__ = ["Turns"]

# A quiet poll takes some 0.3 ms of the loop, and half a millisecond more for each time that a thread parses meanwhile.
_MOST: Final = 16


class Turns:
    """A gate that some may pass in each turn of the loop, of one for all its life; the others follow in their order.

    Args:
        most: how many.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._loop: asyncio.AbstractEventLoop | None = None
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Go on, now or in a later turn."""
        loop = self._loop
        if loop is None:  # asking which one runs is a call of the system each time: a twentieth of a quiet poll
            loop = self._loop = asyncio.get_running_loop()
        if self._taken < self._most:
            if not self._taken:
                loop.call_soon(self._next, loop)
            self._taken += 1
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        self._taken = 0
        while self._waiting and self._taken < self._most:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._taken += 1
        if self._taken:
            loop.call_soon(self._next, loop)
