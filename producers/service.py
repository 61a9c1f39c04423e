"""The poller: asks every feed in its time, for as long as the process runs. What an answer means is decided elsewhere."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from marsad.errors import FencedError, TransientError
from marsad.events import StageFailed
from marsad.ports import FeedRegistry, PollLedger
from marsad.records import Feed
from producers.completing import Completer
from producers.hubs import Hubs
from producers.means import Means
from producers.politeness import site_of
from producers.poll import PollResult
from producers.ready import ReadyQueue, due_at, light
from producers.visit import Visitor

__all__ = ["Poller"]

_IDLE_SECONDS: Final = 0.5
# The registry is read again after a hundred times the time that reading took: at most 1 % of one processor.
_REFRESH_LEAST: Final = 2.0
_REFRESH_RATIO: Final = 100.0
_RETRY_UNEXPECTED: Final = 60.0
_RETRY_SOON: Final = 2.0
_STOP_SECONDS: Final = 1.5


class Poller:
    """Polls the feeds of a registry and commits what they bring.

    Args:
        registry: the feeds; read again every few seconds, so that changes take effect without a restart.
        ledger: what is known of each feed; state and entries are committed together.
        means: what polls are made with.
        completing: reads the pages of new entries before they are committed; None where that is done later.
        may_start: False while no poll should begin, because the ledger or the stages behind cannot take more.
        hubs: subscribes at the hubs of feeds, and hands over what they push; None where that is off.
    """

    def __init__(
        self,
        registry: FeedRegistry,
        ledger: PollLedger,
        means: Means,
        *,
        completing: Completer | None = None,
        may_start: Callable[[], bool] = lambda: True,
        hubs: Hubs | None = None,
    ) -> None:
        self._registry = registry
        self._ledger = ledger
        self._means = means
        self._may_start = may_start
        self._hubs = hubs
        self._visitor = Visitor(registry, ledger, means, completing=completing, hubs=hubs, asked=self._asked)
        self._queue = ReadyQueue(means.gate.limit)
        self._watched: dict[str, Feed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: set[str] = set()
        self._wake = asyncio.Event()
        self._over = False

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until ``stop`` is set. Requests under way are then dropped, commits under way are finished."""
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._wake.set())
        refreshing = asyncio.create_task(self._keep_refreshing())
        self._listen()
        try:
            while not stop.is_set():
                self._wake.clear()
                await self._wait(started=self._start_due())
        finally:
            self._over = True
            stopping.cancel()
            refreshing.cancel()
            await self._drain(refreshing)
            if self._hubs is not None:
                await self._hubs.close()

    async def poll_once(self, feed_id: str) -> PollResult | None:
        """Poll one feed now and commit the result; None if there is no such feed.

        Raises:
            StoreError: the ledger cannot be read or written; nothing is half done.
            FencedError: the feed is another process's.
            TransientError: the ledger does not answer; what was handed on is known at the next poll.
        """
        return await self._visitor.visit(feed_id)

    def _listen(self) -> None:
        """Give a feed its turn as soon as its hub has told something."""
        if self._hubs is None:
            return
        loop = asyncio.get_running_loop()

        def wake(feed_id: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed where polling has ended
                loop.call_soon_threadsafe(self._hasten, feed_id)

        self._hubs.box.listen(wake)

    def _hasten(self, feed_id: str) -> None:
        self._queue.hasten(feed_id, self._means.clock.now())
        self._wake.set()

    def _start_due(self) -> bool:
        """Begin the polls that are due; False if more may be due than can begin now."""
        while (feed_id := self._next()) is not None:
            self._track(self._work(feed_id))
        return self._may_start() and len(self._asking) < self._means.settings.concurrency

    def _next(self) -> str | None:
        """A feed that is to be polled now."""
        if self._over or len(self._asking) >= self._means.settings.concurrency or not self._may_start():
            return None
        feed_id = self._queue.take(self._means.clock.now())
        if feed_id is not None:
            self._asking.add(feed_id)
        return feed_id

    async def _work(self, feed_id: str | None) -> None:
        """Poll one feed after the other for as long as one is due: a task for each would cost a fifth of a poll."""
        while feed_id is not None:
            await self._poll_and_requeue(feed_id)
            feed_id = self._next()

    def _asked(self, feed_id: str) -> None:
        """The feed has answered; its pages take their own places, and another feed may be polled in its stead."""
        self._asking.discard(feed_id)
        self._queue.free_site(feed_id)
        self._wake.set()

    def _track(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()

    async def _poll_and_requeue(self, feed_id: str) -> None:
        """One poll; whatever goes wrong in it concerns this feed alone."""
        again: datetime | None = None
        try:
            result = await self._visitor.visit(feed_id)
            if result is None:
                self._let_go(feed_id)
            else:
                again = due_at(result.state, self._means.clock.now())
        except FencedError:
            self._let_go(feed_id)
        except TransientError:
            # The ledger says why, once for all feeds; until it is well no poll begins.
            again = self._in(_RETRY_SOON * (1 + self._means.rng.random()))
        except Exception as error:  # noqa: BLE001  # the edge of the stage: one feed must never stop the others
            told = f"feed {feed_id}: {type(error).__name__}: {error}"
            self._means.events.emit(StageFailed(stage="poll", error=told, retry_in=self._pause()))
            await self._visitor.quarantine(feed_id, error)
        finally:
            self._asking.discard(feed_id)
            again = again or self._in(self._pause())
            told_by_hub = self._hubs is not None and feed_id in self._hubs.box
            self._queue.done(feed_id, min(again, self._means.clock.now()) if told_by_hub else again)

    def _pause(self) -> float:
        return max(_RETRY_UNEXPECTED, self._means.settings.min_interval)

    def _in(self, seconds: float) -> datetime:
        return self._means.clock.now() + timedelta(seconds=seconds)

    def _let_go(self, feed_id: str) -> None:
        """Watch the feed no more: it was removed or is another process's. If it is here after all, the next refresh finds it."""
        self._queue.remove(feed_id)
        self._watched.pop(feed_id, None)
        self._visitor.forget(feed_id)
        if self._hubs is not None:
            self._hubs.let_go(feed_id)

    async def _keep_refreshing(self) -> None:
        while True:
            started = self._means.clock.monotonic()
            try:
                await self._refresh()
            except FencedError:  # a shard was let go of meanwhile: the next reading shows what is left
                pass
            except Exception as error:  # noqa: BLE001  # a store that is locked for a moment must not end polling
                self._means.events.emit(StageFailed(stage="poll", error=f"the feed list cannot be read: {error}"))
            took = self._means.clock.monotonic() - started
            await asyncio.sleep(max(_REFRESH_LEAST, took * _REFRESH_RATIO))

    async def _refresh(self) -> None:
        """Take up added feeds, let go of removed or disabled ones; a changed address is polled anew at once."""
        feeds = await asyncio.to_thread(lambda: {feed.id: feed for feed in self._registry.feeds() if feed.enabled})
        for feed_id in self._queue.ids() - feeds.keys():
            self._let_go(feed_id)
        # A feed whose poll is still under way is looked at again when it has ended.
        changed = {
            feed_id: self._watched.get(feed_id)
            for feed_id, feed in feeds.items()
            if self._watched.get(feed_id) != feed and not self._queue.is_running(feed_id)
        }
        for feed_id in changed:
            self._visitor.forget(feed_id)
            self._watched[feed_id] = feeds[feed_id]
        fresh = {feed_id for feed_id, was in changed.items() if was is None or was.url != feeds[feed_id].url}
        if not fresh:
            return
        due = await asyncio.to_thread(self._due_times, fresh)
        sites = await asyncio.to_thread(lambda: {feed_id: site_of(feeds[feed_id].url) for feed_id in fresh})
        now = self._means.clock.now()
        for feed_id in fresh:
            self._queue.add(feed_id, sites[feed_id], due.get(feed_id, now))
        self._wake.set()

    def _due_times(self, fresh: set[str]) -> dict[str, datetime]:
        if len(fresh) == 1:
            states = [state for feed_id in fresh if (state := self._ledger.state(feed_id))]
        else:
            states = [light(state) for state in self._ledger.states() if state.feed_id in fresh]
        now = self._means.clock.now()
        return {state.feed_id: due_at(state, now) for state in states}

    async def _wait(self, *, started: bool) -> None:
        """Sleep until a feed is due, a poll has ended, the feed list has changed or the end is asked for."""
        due = self._queue.next_due()
        seconds = _IDLE_SECONDS
        if due is not None and started:
            seconds = min(seconds, max(0.0, (due - self._means.clock.now()).total_seconds()))
        timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    async def _drain(self, refreshing: asyncio.Task[None]) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(refreshing, *self._tasks, return_exceptions=True)
        await self._visitor.close(_STOP_SECONDS)
