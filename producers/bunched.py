"""Many small calls of the event loop, made in one trip to a thread: a trip costs more than most of them."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final, Generic, TypeVar

__all__ = ["MOST", "Bunched"]

_In = TypeVar("_In")
_Out = TypeVar("_Out")
# All callers of a trip go on in one turn of the loop: at 64 its longest halts in the polling bench had a median of 33 ms, at 24 of
# 23 ms, and polls were as many.
MOST: Final = 24


class Bunched(Generic[_In, _Out]):
    """Calls that come while others are under way go together as soon as these have ended. For one event loop.

    Args:
        work: does several in a thread, and says of each what it gave or the exception that ended it.
        threads: where it is done.
        trips: how many may be under way at once.
    """

    def __init__(
        self, work: Callable[[Sequence[_In]], Sequence[_Out | Exception]], threads: Executor, trips: int
    ) -> None:
        self._work = work
        self._threads = threads
        self._trips = trips
        self._waiting: deque[tuple[_In, asyncio.Future[_Out]]] = deque()
        self._under_way: set[asyncio.Future[Sequence[_Out | Exception]]] = set()
        self._starting = False

    def ask(self, item: _In) -> "asyncio.Future[_Out]":
        """Have it done with whatever else waits; it is done even if nobody waits for it any more."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Out] = loop.create_future()
        self._waiting.append((item, answer))
        if not self._starting and len(self._under_way) < self._trips:
            self._starting = True
            loop.call_soon(self._start, loop)
        return answer

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._starting = False
        bunch = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        trip = loop.run_in_executor(self._threads, self._work, [item for item, _ in bunch])
        self._under_way.add(trip)
        trip.add_done_callback(lambda trip: self._ended(trip, bunch, loop))

    def _ended(
        self,
        trip: "asyncio.Future[Sequence[_Out | Exception]]",
        bunch: Sequence[tuple[_In, "asyncio.Future[_Out]"]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._under_way.discard(trip)
        error = trip.exception()
        found = trip.result() if error is None else [error] * len(bunch)
        for (_, answer), one in zip(bunch, found, strict=True):
            if answer.done():
                continue
            if isinstance(one, BaseException):
                answer.set_exception(one)
            else:
                answer.set_result(one)
        if self._waiting and not self._starting:
            self._start(loop)

    async def settle(self, seconds: float) -> None:
        """Wait until all that was asked for is done, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._waiting or self._under_way:
                    await asyncio.sleep(0)
                    if self._under_way:
                        await asyncio.wait(self._under_way)
