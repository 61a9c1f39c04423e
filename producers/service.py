"""The poller: asks every feed in its time, for as long as the process runs. What an answer means is decided elsewhere."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec

from marsad.clock import Clock
from marsad.config import PollSettings
from marsad.errors import FencedError, FetchError, TransientError
from marsad.events import EventSink, StageFailed
from marsad.outcome import outcome
from marsad.ports import FeedRegistry, Fetcher, PollLedger
from marsad.records import Entry, Feed, FeedState, FetchRequest, FetchResponse, HubNews, Quarantined
from marsad.records.ids import quarantine_id
from producers.bunched import Bunched
from producers.completing import Completer
from producers.filler import Filler
from producers.hubs import Hubs
from producers.parse import ParsedFeed
from producers.politeness import HostGate, site_of
from producers.poll import PollResult, decide, needs_parse, request_for
from producers.push import as_answer, as_result
from producers.readings import KeptReadings
from producers.ready import ReadyQueue, due_at, light
from producers.websub import HubRequest

__all__ = ["Poller"]

_IDLE_SECONDS: Final = 0.5
# The registry is read again after a hundred times the time that reading took: at most 1 % of one processor.
_REFRESH_LEAST: Final = 2.0
_REFRESH_RATIO: Final = 100.0
_RETRY_UNEXPECTED: Final = 60.0
_RETRY_SOON: Final = 2.0
_STOP_SECONDS: Final = 1.5
_KEPT_BYTES: Final = 200_000
# One reads ahead while another is read; one packs while another waits for the disk or the broker.
_LOADING: Final = 1
_STORING: Final = 2


class Poller:
    """Polls the feeds of a registry and commits what they bring.

    Args:
        registry: the feeds; read again every few seconds, so that changes take effect without a restart.
        ledger: what is known of each feed; state and entries are committed together.
        fetcher: makes the requests.
        gate: keeps requests to one site apart; the same one that the page reader uses.
        settings: intervals and limits.
        clock: tells the time.
        rng: jitter.
        events: told of every poll and every failure.
        completing: reads the pages of new entries before they are committed; None where that is done later.
        may_start: False while no poll should begin, because the ledger or the stages behind cannot take more.
        hubs: subscribes at the hubs of feeds, and hands over what they push; None where that is off.
    """

    def __init__(
        self,
        registry: FeedRegistry,
        ledger: PollLedger,
        fetcher: Fetcher,
        gate: HostGate,
        settings: PollSettings,
        clock: Clock,
        rng: random.Random,
        events: EventSink,
        *,
        completing: Completer | None = None,
        may_start: Callable[[], bool] = lambda: True,
        hubs: Hubs | None = None,
    ) -> None:
        self._registry = registry
        self._ledger = ledger
        self._fetcher = fetcher
        self._gate = gate
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._events = events
        self._completing = completing
        self._may_start = may_start
        self._hubs = hubs
        self._queue = ReadyQueue(gate.limit)
        self._addresses: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: set[str] = set()
        self._wake = asyncio.Event()
        # One thread: parsing holds the interpreter's lock anyway, and a queue of documents is bounded by concurrency.
        self._parsing = ThreadPoolExecutor(1, thread_name_prefix="parse")
        self._readings = KeptReadings()
        self._threads = ThreadPoolExecutor(_LOADING + _STORING, thread_name_prefix="ledger")
        self._loads = Bunched(self._load_all, self._threads, _LOADING)
        self._commits = Bunched(ledger.commit_polls, self._threads, _STORING)
        self._filler = Filler(fetcher, gate, settings, clock, self._read)

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
            stopping.cancel()
            refreshing.cancel()
            await self._drain(refreshing)
            if self._hubs is not None:
                await self._hubs.close()
            self._parsing.shutdown(wait=False, cancel_futures=True)
            self._threads.shutdown(wait=False)

    async def poll_once(self, feed_id: str) -> PollResult | None:
        """Poll one feed now and commit the result; None if there is no such feed.

        What its hub has pushed meanwhile takes the place of the feed's answer where it joins on to what is known.

        Raises:
            StoreError: the ledger cannot be read or written; nothing is half done.
            FencedError: the feed is another process's.
            TransientError: the ledger does not answer; what was handed on is known at the next poll.
        """
        feed, state = await self._loads.ask(feed_id)
        if feed is None:
            return None
        told = self._hubs.box.take(feed_id) if self._hubs is not None else ()
        if told and state is not None and (heard := await self._hear(feed, state, told)) is not None:
            return heard
        request = request_for(feed, state, self._clock.now(), self._settings)
        answer, parsed, asked_at = await self._ask(feed_id, state, request)
        decided = partial(decide, now=self._clock.now(), asked_at=asked_at, settings=self._settings, rng=self._rng)
        if parsed is None:
            result = decided(feed, state, request, answer, None)
        else:  # comparing two thousand entries would hold up the loop
            loop = asyncio.get_running_loop()
            result = await loop.run_in_executor(self._parsing, decided, feed, state, request, answer, parsed)
        if result.retry_after:
            self._gate.throttle(request.url, result.retry_after)
        asks: Sequence[HubRequest] = ()
        if self._hubs is not None:
            final, asks = self._hubs.polled(result.state, told, answer, parsed, new=result.new, revised=result.revised)
            result = msgspec.structs.replace(result, state=final)
        await self._store(feed, state, result.state, result.entries, asks)
        self._events.emit(result.event)
        await self._fill_gap(feed, result.state)
        return result

    async def _hear(self, feed: Feed, state: FeedState, told: Sequence[HubNews]) -> PollResult | None:
        """Take in what the feed's hub told; None where the feed itself is to be asked now."""
        assert self._hubs is not None, "news come from hubs"
        link = state.hub
        ours = [one for one in told if link is not None and one.token == link.token]
        if link is None or not ours:
            return None
        pushes = [
            (push, await self._read(as_answer(link, push)) if push.body else None)
            for push in ours
            if push.kind == "pushed"
        ]
        heard = self._hubs.heard(feed, state, pushes, ours)
        if heard is None:
            return None
        taken, asks = heard
        await self._store(feed, state, taken.state, taken.entries, asks)
        result = as_result(feed, taken, self._clock.now())
        if pushes:
            self._events.emit(result.event)
        return result

    async def _store(
        self,
        feed: Feed,
        before: FeedState | None,
        final: FeedState,
        entries: Sequence[Entry],
        asks: Sequence[HubRequest] = (),
    ) -> None:
        """Commit, and only then ask the hub: its question back is answered from what is stored."""
        if self._completing is None or not entries:
            await self._commit(final, entries)
        else:
            self._asked(feed.id)
            await self._completing.hand_on(feed, before, final, entries, self._commit)
        if self._hubs is not None:
            self._hubs.ask(asks)

    async def _fill_gap(self, feed: Feed, state: FeedState) -> None:
        """Ask older pages for what was missed, in a commit of its own: the news of the poll itself does not wait for it.

        A crash before that commit leaves the gap open, and the next poll goes on with it.
        """
        self._asked(feed.id)
        filled = await self._filler.fill(feed, state)
        if filled is None or await asyncio.to_thread(self._registry.feed, feed.id) is None:
            return
        await self._store(feed, state, filled.state, filled.entries)
        self._events.emit(filled.event)

    def _load_all(self, feed_ids: Sequence[str]) -> Sequence[tuple[Feed | None, FeedState | None] | Exception]:
        return [outcome(self._load, feed_id) for feed_id in feed_ids]

    def _load(self, feed_id: str) -> tuple[Feed | None, FeedState | None]:
        return self._registry.feed(feed_id), self._ledger.state(feed_id)

    async def _ask(
        self, feed_id: str, state: FeedState | None, request: FetchRequest
    ) -> tuple[FetchResponse | FetchError, ParsedFeed | None, datetime]:
        """The answer, what was read in it, and when the request went out (after the wait for the site's turn)."""
        asked_at = self._clock.now()
        try:
            async with self._gate.slot(request.url):
                asked_at = self._clock.now()
                answer = await self._fetcher.fetch(request)
        except FetchError as error:
            return error, None, asked_at
        if not needs_parse(state, answer, now=self._clock.now()):
            return answer, None, asked_at
        return answer, await self._read(answer, feed_id), asked_at

    async def _read(self, answer: FetchResponse, feed_id: str = "") -> ParsedFeed:
        loop = asyncio.get_running_loop()
        most = self._settings.max_entries
        return await loop.run_in_executor(self._parsing, self._readings.read, feed_id, answer, most)

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
        self._queue.hasten(feed_id, self._clock.now())
        self._wake.set()

    async def _commit(self, state: FeedState, entries: Sequence[Entry]) -> None:
        """Commit to the end even if the poll is cancelled meanwhile."""
        await self._commits.ask((state, entries))

    def _start_due(self) -> bool:
        """Begin the polls that are due; False if more may be due than can begin now."""
        if not self._may_start():
            return False
        while len(self._asking) < self._settings.concurrency:
            feed_id = self._queue.take(self._clock.now())
            if feed_id is None:
                return True
            self._asking.add(feed_id)
            self._track(self._poll_and_requeue(feed_id))
        return False

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
        now = self._clock.now()
        again = now + timedelta(seconds=max(_RETRY_UNEXPECTED, self._settings.min_interval))
        try:
            result = await self.poll_once(feed_id)
            if result is None:
                self._let_go(feed_id)
            else:
                again = due_at(result.state, self._clock.now())
        except FencedError:
            self._let_go(feed_id)
        except TransientError:
            # The ledger says why, once for all feeds; until it is well no poll begins.
            again = now + timedelta(seconds=_RETRY_SOON * (1 + self._rng.random()))
        except Exception as error:  # noqa: BLE001  # the edge of the stage: one feed must never stop the others
            self._events.emit(
                StageFailed(
                    stage="poll",
                    error=f"{feed_id}: {type(error).__name__}: {error}",
                    retry_in=(again - now).total_seconds(),
                )
            )
            await self._quarantine(feed_id, error)
        finally:
            self._asking.discard(feed_id)
            told = self._hubs is not None and feed_id in self._hubs.box
            self._queue.done(feed_id, min(again, self._clock.now()) if told else again)

    def _let_go(self, feed_id: str) -> None:
        """Watch the feed no more: it was removed or is another process's. If it is here after all, the next refresh finds it."""
        self._queue.remove(feed_id)
        self._addresses.pop(feed_id, None)
        if self._hubs is not None:
            self._hubs.let_go(feed_id)

    async def _quarantine(self, feed_id: str, error: Exception) -> None:
        """Keep the feed that met an unexpected error where a person sees it; the state stays as it was."""
        reason = f"{type(error).__name__}: {error}"
        try:
            feed, state = await asyncio.to_thread(self._load, feed_id)
            item = Quarantined(
                id=quarantine_id("poll", feed_id, reason),
                stage="poll",
                key=feed_id,
                reason=reason,
                payload=(feed.url if feed else "").encode()[:_KEPT_BYTES],
                at=self._clock.now(),
            )
            kept = state or FeedState(feed_id=feed_id)
            await asyncio.to_thread(self._ledger.commit_poll, kept, (), (item,))
        except Exception as second:  # noqa: BLE001  # most often the store itself is what failed; the event was sent
            self._events.emit(StageFailed(stage="poll", error=f"{feed_id}: not quarantined: {second}"))

    async def _keep_refreshing(self) -> None:
        while True:
            started = self._clock.monotonic()
            try:
                await self._refresh()
            except FencedError:  # a shard was let go of meanwhile: the next reading shows what is left
                pass
            except Exception as error:  # noqa: BLE001  # a store that is locked for a moment must not end polling
                self._events.emit(StageFailed(stage="poll", error=f"the feed list cannot be read: {error}"))
            took = self._clock.monotonic() - started
            await asyncio.sleep(max(_REFRESH_LEAST, took * _REFRESH_RATIO))

    async def _refresh(self) -> None:
        """Take up added feeds, let go of removed or disabled ones; a changed address is polled anew at once."""
        feeds = await asyncio.to_thread(lambda: {feed.id: feed.url for feed in self._registry.feeds() if feed.enabled})
        for feed_id in self._queue.ids() - feeds.keys():
            self._let_go(feed_id)
        # A feed whose poll is still under way is looked at again when it has ended.
        fresh = {
            feed_id
            for feed_id, url in feeds.items()
            if self._addresses.get(feed_id) != url and not self._queue.is_running(feed_id)
        }
        if not fresh:
            return
        due = await asyncio.to_thread(self._due_times, fresh)
        sites = await asyncio.to_thread(lambda: {feed_id: site_of(feeds[feed_id]) for feed_id in fresh})
        now = self._clock.now()
        for feed_id in fresh:
            self._queue.add(feed_id, sites[feed_id], due.get(feed_id, now))
            self._addresses[feed_id] = feeds[feed_id]
        self._wake.set()

    def _due_times(self, fresh: set[str]) -> dict[str, datetime]:
        if len(fresh) == 1:
            states = [state for feed_id in fresh if (state := self._ledger.state(feed_id))]
        else:
            states = [light(state) for state in self._ledger.states() if state.feed_id in fresh]
        now = self._clock.now()
        return {state.feed_id: due_at(state, now) for state in states}

    async def _wait(self, *, started: bool) -> None:
        """Sleep until a feed is due, a poll has ended, the feed list has changed or the end is asked for."""
        due = self._queue.next_due()
        seconds = _IDLE_SECONDS
        if due is not None and started:
            seconds = min(seconds, max(0.0, (due - self._clock.now()).total_seconds()))
        timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    async def _drain(self, refreshing: asyncio.Task[None]) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(refreshing, *self._tasks, return_exceptions=True)
        await self._commits.settle(_STOP_SECONDS)
