"""States that need not be stored at once: those of many quiet polls are written together, a moment later."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final

from marsad.outcome import outcome
from marsad.records import FeedState

__all__ = ["Postponed"]

# What a crash costs: the feeds that were polled in the last second are asked once more.
_SECONDS: Final = 1.0
# One transaction of so many states takes some 40 ms of a thread.
_MOST: Final = 1_024

_Write = Callable[[Sequence[FeedState]], Sequence[Exception | None]]


class Postponed:
    """Keeps the latest state of each feed until it is written. One batch after the other: states of a feed stay in order.

    Args:
        write: stores several in a thread, and says of each what kept it from that.
        threads: where it is done.
        unwritten: told of a state that could not be stored, where nobody waits for it.
        seconds: how long a state waits for others.
    """

    def __init__(
        self,
        write: _Write,
        threads: Executor,
        unwritten: Callable[[str, Exception], None],
        seconds: float = _SECONDS,
    ) -> None:
        self._write = write
        self._threads = threads
        self._unwritten = unwritten
        self._seconds = seconds
        self._waiting: dict[str, FeedState] = {}
        self._under_way: dict[str, FeedState] = {}
        self._heard: dict[str, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._well = True

    def is_well(self) -> bool:
        """Tell whether the last batch was stored; where it was not, a poll should wait for its state to be."""
        return self._well

    def put(self, state: FeedState) -> None:
        """Have it written soon, in the place of an older one of its feed that still waits."""
        self._waiting[state.feed_id] = state
        if len(self._waiting) >= _MOST:
            self._start()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._start)

    async def written(self, feed_id: str) -> None:
        """Have what was put of the feed written now, and wait for that.

        Raises:
            StoreError: it could not be stored.
            FencedError: the feed is another process's, or nothing is stored of it any more.
            TransientError: the store does not answer.
        """
        if feed_id not in self._waiting and feed_id not in self._under_way:
            return
        heard = self._heard.get(feed_id)
        if heard is None:
            heard = self._heard[feed_id] = asyncio.get_running_loop().create_future()
        self._start()
        await asyncio.shield(heard)

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._under_way or not self._waiting:
            return
        self._under_way, self._waiting = self._waiting, {}
        states = list(self._under_way.values())
        trip = asyncio.get_running_loop().run_in_executor(self._threads, self._write, states)
        trip.add_done_callback(self._ended)

    def _ended(self, trip: "asyncio.Future[Sequence[Exception | None]]") -> None:
        batch, self._under_way = self._under_way, {}
        found = outcome(trip.result)
        errors = [found] * len(batch) if isinstance(found, Exception) else found
        self._well = not any(errors)
        for feed_id, error in zip(batch, errors, strict=True):
            # What was put meanwhile goes with the next batch, and who waits is told then.
            heard = None if feed_id in self._waiting else self._heard.pop(feed_id, None)
            if heard is None:
                if error is not None:
                    self._unwritten(feed_id, error)
            elif error is None:
                heard.set_result(None)
            else:
                heard.set_exception(error)
        if self._heard or len(self._waiting) >= _MOST:
            self._start()
        elif self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._start)

    async def settle(self, seconds: float) -> None:
        """Write all that waits, and wait for that at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._waiting or self._under_way:
                    self._start()
                    await asyncio.sleep(0.001)
