"""One poll of one feed, from what is known of it to what is stored of it. What an answer means is decided elsewhere."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from marsad.errors import FencedError, FetchError
from marsad.events import StageFailed
from marsad.outcome import outcome
from marsad.ports import FeedRegistry, PollLedger
from marsad.records import Entry, Feed, FeedState, FetchRequest, FetchResponse, HubNews, Quarantined
from marsad.records.ids import quarantine_id
from marsad.records.urls import shown_url
from producers.at_hand import AtHand
from producers.backfill import open_gap
from producers.bunched import Bunched
from producers.completing import Completer
from producers.filler import Filler
from producers.hubs import Hubs
from producers.means import Means
from producers.parse import ParsedFeed, TooFreshError
from producers.poll import PollResult, decide, is_quiet, needs_parse, request_for
from producers.postponed import Postponed
from producers.push import as_answer, as_result
from producers.readings import KeptReadings
from producers.turns import Turns
from producers.websub import HubRequest

__all__ = ["STORING", "Visitor"]

_KEPT_BYTES: Final = 200_000
# A feed's document of thirty entries, one of them new, takes 2 ms: a trip to a thread that fights with the loop for the interpreter takes 6
# (decision 38). So many are read in one turn of the loop.
_AT_ONCE_BYTES: Final = 65_536
_READ_AT_ONCE: Final = 4
_MOST_FRESH: Final = 8
# One reads ahead while another is read. One packs while two others wait for the broker: with two in all the producing bench came to
# 0.78 to 0.98 of the bare loop, with three to 0.89 to 0.95.
_LOADING: Final = 1
STORING: Final = 3


class Visitor:
    """Polls feeds, each when it is told to.

    Args:
        registry: the feeds.
        ledger: what is known of each feed; state and entries are committed together.
        means: what polls are made with.
        completing: reads the pages of new entries before they are committed; None where that is done later.
        hubs: subscribes at the hubs of feeds, and hands over what they push; None where that is off.
        asked: told of a feed that has answered and whose poll goes on: its site may be asked again.
    """

    def __init__(
        self,
        registry: FeedRegistry,
        ledger: PollLedger,
        means: Means,
        *,
        completing: Completer | None,
        hubs: Hubs | None,
        asked: Callable[[str], None],
    ) -> None:
        self._registry = registry
        self._ledger = ledger
        self._means = means
        self._completing = completing
        self._hubs = hubs
        self._asked = asked
        # One thread: parsing holds the interpreter's lock anyway, and a queue of documents is bounded by concurrency.
        self._parsing = ThreadPoolExecutor(1, thread_name_prefix="parse")
        self._readings = KeptReadings()
        self._threads = ThreadPoolExecutor(_LOADING + STORING, thread_name_prefix="ledger")
        self._loads = Bunched(self._load_all, self._threads, _LOADING)
        self._commits = Bunched(ledger.commit_polls, self._threads, STORING)
        self._later = Postponed(ledger.put_states, self._threads, self._unwritten)
        self._filler = Filler(means, self._read)
        self._at_hand = AtHand()
        self._turns = Turns()
        self._reading = Turns(_READ_AT_ONCE)

    async def visit(self, feed_id: str) -> PollResult | None:
        """Poll one feed now and commit the result; None if there is no such feed.

        What its hub has pushed meanwhile takes the place of the feed's answer where it joins on to what is known.

        Raises:
            StoreError: the ledger cannot be read or written; nothing is half done.
            FencedError: the feed is another process's.
            TransientError: the ledger does not answer; what was handed on is known at the next poll.
        """
        try:
            return await self._visit(feed_id)
        except BaseException:
            self._at_hand.drop(feed_id)
            raise

    async def _visit(self, feed_id: str) -> PollResult | None:
        await self._turns.take()
        told = self._hubs.box.take(feed_id) if self._hubs is not None else ()
        found = None if told else self._at_hand.get(feed_id)
        feed, state = found or await self._load(feed_id)
        if feed is None:
            return None
        if told and state is not None and (heard := await self._hear(feed, state, told)) is not None:
            return heard
        request = request_for(feed, state, self._means.clock.now(), self._means.settings)
        answer, asked_at = await self._ask(request)
        parsed = None
        if isinstance(answer, FetchResponse) and needs_parse(state, answer, now=self._means.clock.now()):
            if found is not None:
                found = None
                feed, state = await self._load(feed_id)
                if feed is None:
                    return None
            result, parsed = await self._understood(feed, state, request, answer, asked_at)
        else:
            result = self._decided(feed, state, request, answer, None, asked_at)
        if result.site_pause:
            self._means.gate.throttle(request.url, result.site_pause)
        asks: Sequence[HubRequest] = ()
        if self._hubs is not None:
            final, asks = self._hubs.polled(result.state, told, answer, parsed, new=result.new, revised=result.revised)
            result = replace(result, state=final)
        if found is None:
            await self._store(feed, state, result.state, result.entries, asks)
        else:
            await self._put(feed, found[1], result, asks)
        self._means.events.emit(result.event)
        if open_gap(result.state) is not None:
            await self._fill_gap(feed, result.state)
        return result

    async def _understood(
        self, feed: Feed, state: FeedState | None, request: FetchRequest, answer: FetchResponse, asked_at: datetime
    ) -> tuple[PollResult, ParsedFeed]:
        """Read a document and decide about it: here where it is small and most of it is known, else in a thread."""
        if len(answer.body) <= _AT_ONCE_BYTES and feed.id in self._readings:
            await self._reading.take()
            with suppress(TooFreshError):
                return self._read_and_decided(feed, state, request, answer, asked_at, _MOST_FRESH)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._parsing, self._read_and_decided, feed, state, request, answer, asked_at)

    def _decided(
        self,
        feed: Feed,
        state: FeedState | None,
        request: FetchRequest,
        answer: FetchResponse | FetchError,
        parsed: ParsedFeed | None,
        asked_at: datetime,
    ) -> PollResult:
        now = self._means.clock.now()
        return decide(
            feed,
            state,
            request,
            answer,
            parsed,
            now=now,
            asked_at=asked_at,
            settings=self._means.settings,
            rng=self._means.rng,
        )

    def _read_and_decided(
        self,
        feed: Feed,
        state: FeedState | None,
        request: FetchRequest,
        answer: FetchResponse,
        asked_at: datetime,
        most_fresh: int | None = None,
    ) -> tuple[PollResult, ParsedFeed]:
        """Read and compare: of two thousand entries that would hold up the loop.

        What was read before a poll that was not stored, or was forgotten since, is new though its texts were left out.

        Raises:
            TooFreshError: more than ``most_fresh`` entries, where that is given, would have to be read.
        """
        most = self._means.settings.max_entries
        parsed = self._readings.read(feed.id, answer, most, most_fresh=most_fresh)
        result = self._decided(feed, state, request, answer, parsed, asked_at)
        if result.lacks_text:
            if most_fresh is not None:
                raise TooFreshError
            parsed = self._readings.read("", answer, most)
            result = self._decided(feed, state, request, answer, parsed, asked_at)
        return result, parsed

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
        result = as_result(feed, taken, self._means.clock.now())
        if pushes:
            self._means.events.emit(result.event)
        return result

    async def _put(self, feed: Feed, before: FeedState, result: PollResult, asks: Sequence[HubRequest]) -> None:
        """Store a state that leaves what the feed held as it was; nobody waits for a quiet poll's."""
        self._later.put(result.state)
        if asks or not is_quiet(before, result) or not self._later.is_well():
            await self._later.written(feed.id)
        self._at_hand.keep(feed, result.state)
        if self._hubs is not None:
            self._hubs.ask(asks)

    def _unwritten(self, feed_id: str, error: Exception) -> None:
        """A quiet poll's state is not stored: the feed is read anew at its next poll."""
        self._at_hand.drop(feed_id)
        if not isinstance(error, FencedError):
            self._means.events.emit(StageFailed(stage="poll", error=f"feed {feed_id}: not stored: {error}"))

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
        self._at_hand.keep(feed, final)
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
        self._means.events.emit(filled.event)

    async def _load(self, feed_id: str) -> tuple[Feed | None, FeedState | None]:
        """The feed and all that is stored of it, after what waits to be stored."""
        await self._later.written(feed_id)
        return await self._loads.ask(feed_id)

    def _load_all(self, feed_ids: Sequence[str]) -> Sequence[tuple[Feed | None, FeedState | None] | Exception]:
        return [outcome(self._read_stored, feed_id) for feed_id in feed_ids]

    def _read_stored(self, feed_id: str) -> tuple[Feed | None, FeedState | None]:
        return self._registry.feed(feed_id), self._ledger.state(feed_id)

    async def _ask(self, request: FetchRequest) -> tuple[FetchResponse | FetchError, datetime]:
        """The answer, and when the request went out (after the wait for the site's turn)."""
        asked_at = self._means.clock.now()
        try:
            async with self._means.gate.slot(request.url):
                asked_at = self._means.clock.now()
                return await self._means.fetcher.fetch(request), asked_at
        except FetchError as error:
            return error, asked_at

    async def _read(self, answer: FetchResponse) -> ParsedFeed:
        loop = asyncio.get_running_loop()
        most = self._means.settings.max_entries
        return await loop.run_in_executor(self._parsing, self._readings.read, "", answer, most)

    async def _commit(self, state: FeedState, entries: Sequence[Entry]) -> None:
        """Commit to the end even if the poll is cancelled meanwhile."""
        await self._commits.ask((state, entries))

    async def quarantine(self, feed_id: str, error: Exception) -> None:
        """Keep the feed that met an unexpected error where a person sees it; the state stays as it was."""
        reason = f"{type(error).__name__}: {error}"
        try:
            feed, state = await self._load(feed_id)
            item = Quarantined(
                id=quarantine_id("poll", feed_id, reason),
                stage="poll",
                key=feed_id,
                reason=reason,
                payload=(shown_url(feed.url) if feed else "").encode()[:_KEPT_BYTES],
                at=self._means.clock.now(),
            )
            kept = state or FeedState(feed_id=feed_id)
            await asyncio.to_thread(self._ledger.commit_poll, kept, (), (item,))
        except Exception as second:  # noqa: BLE001  # most often the store itself is what failed; the event was sent
            self._means.events.emit(StageFailed(stage="poll", error=f"feed {feed_id}: not quarantined: {second}"))

    def forget(self, feed_id: str) -> None:
        """Read the feed anew at its next poll, if there is one."""
        self._at_hand.drop(feed_id)

    async def close(self, seconds: float) -> None:
        """Finish the commits under way, and store what waits, within that time."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._commits.settle(seconds))
            both.create_task(self._later.settle(seconds))
        self._parsing.shutdown(wait=False, cancel_futures=True)
        self._threads.shutdown(wait=False)
