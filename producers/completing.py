"""Article pages within the poll: entries are handed on with their pages, in slices, and nothing is lost or repeated by a crash.

Where there is no store in which an entry could wait for its page, the poll itself waits. What is finished is committed every
second or two with an interim state: as before the poll, but for the finished entries, which are known by then. A poll after a
crash thus asks with the old validators, is given the document again, and finds in it exactly what had not been handed on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import structlog
from msgspec.structs import replace

from marsad.config import PollSettings
from marsad.errors import FencedError, TransientError
from marsad.events import EventSink, PageFetched
from marsad.records import Entry, Feed, FeedState
from producers.poll import wants_page

__all__ = ["CommitSlice", "Completer", "interim", "may_be_told_apart", "with_identities"]

_log = structlog.get_logger(__name__)
# The first slices come soon: most pages are there within a second.
_FIRST_SLICE_S: Final = 0.5
_SLICE_S: Final = 2.0
# Pages of one feed at once: a feed with two thousand new entries must leave room for others.
_AT_ONCE: Final = 8
_MOST_WAITING: Final = 5_000
_RETRY_S: Final = 5.0
_RETRY_FACTOR: Final = 4

CommitSlice = Callable[[FeedState, Sequence[Entry]], Awaitable[None]]


def interim(
    before: FeedState | None, final: FeedState, finished: Iterable[Entry], unfinished: Iterable[Entry] = ()
) -> FeedState:
    """The state after a part of a poll: as before it, and the finished entries are known.

    Args:
        before: the state that the poll began with, or the interim state before this one.
        final: the state that the whole poll leads to.
        finished: the entries that are handed on together with the state.
        unfinished: those that are still to come. They are named, for the finished ones may be in the feed for longer: then
            the next document holds something known although these have left it.
    """
    base = before or FeedState(feed_id=final.feed_id)
    seen = base.seen | {entry.entry_id: final.seen[entry.entry_id] for entry in finished}
    return replace(base, seen=seen, unfinished=tuple(e.entry_id for e in unfinished if e.entry_id not in seen))


def with_identities(final: FeedState, finished: Iterable[Entry]) -> FeedState:
    """The final state with the addresses that pages named as their own, so that revisions lead to the same articles."""
    named = {
        entry.entry_id: replace(seen, canonical=entry.canonical)
        for entry in finished
        if entry.canonical and (seen := final.seen.get(entry.entry_id)) is not None
    }
    return replace(final, seen=final.seen | named) if named else final


def may_be_told_apart(state: FeedState, unfinished: Iterable[Entry]) -> bool:
    """Tell whether the unfinished entries will surely be new to a poll that begins with the interim state.

    An entry with the words of one that is known already can be taken for it (see ``producers.identity``).
    """
    contents = {seen.content for seen in state.seen.values()}
    return not any(entry.content_hash in contents for entry in unfinished)


class Completer:
    """Reads the pages of a poll's entries and hands them on, with their pages or with the reason why there is none.

    Args:
        read: reads one page (``producers.pages.PageReader.read``); raises ``TransientError`` for what may succeed later.
        settings: attempts and concurrency.
        events: told of every page.
        paused_for: seconds for which the site of an address wants to be left alone.
        wants: whether an entry's page is to be read.
        is_ours: whether the feed of that id is still this process's.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        read: Callable[[Entry], Awaitable[Entry]],
        settings: PollSettings,
        events: EventSink,
        *,
        paused_for: Callable[[str], float] = lambda _: 0.0,
        wants: Callable[[Feed, Entry], bool] = wants_page,
        is_ours: Callable[[str], bool] = lambda _: True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._read = read
        self._settings = settings
        self._events = events
        self._paused_for = paused_for
        self._wants = wants
        self._is_ours = is_ours
        self._sleep = sleep
        self._places = asyncio.Semaphore(settings.concurrency)
        self.waiting = 0
        """Entries whose pages are being read or waited for."""

    def is_full(self) -> bool:
        """Tell whether so many entries wait that no more should come."""
        return self.waiting >= _MOST_WAITING

    async def hand_on(
        self, feed: Feed, before: FeedState | None, final: FeedState, entries: Sequence[Entry], commit: CommitSlice
    ) -> None:
        """Commit a poll: its entries as their pages come, and at last the final state.

        Args:
            feed: the feed.
            before: the state that the poll began with.
            final: the state that it leads to.
            entries: new entries and revisions.
            commit: stores a state and hands on entries, both or neither; what it raises ends the whole.

        Raises:
            FencedError: the feed is another process's by now.
        """
        window = asyncio.Semaphore(_AT_ONCE)
        finished: list[Entry] = []
        left: dict[asyncio.Task[Entry], Entry] = {}
        for entry in entries:
            if self._wants(feed, entry):
                left[asyncio.create_task(self._complete(entry, window))] = entry
            else:
                finished.append(entry)
        pause, state = _FIRST_SLICE_S, before
        try:
            while left:
                done, _ = await asyncio.wait(left, timeout=pause)
                if not self._is_ours(feed.id):
                    raise FencedError(f"feed {feed.id} is not polled here any more")
                read = [task.result() for task in done]
                final = with_identities(final, read)
                finished += read
                for task in done:
                    del left[task]
                between = interim(state, final, finished, left.values())
                if left and finished and may_be_told_apart(between, left.values()):
                    await commit(between, finished)
                    state, finished = between, []
                pause = min(pause * 2, _SLICE_S)
            await commit(final, finished)
        finally:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _complete(self, entry: Entry, window: asyncio.Semaphore) -> Entry:
        self.waiting += 1
        try:
            read = await self._with_page(entry, window)
        finally:
            self.waiting -= 1
        self._events.emit(PageFetched(entry_id=read.entry_id, problem=read.page_problem))
        return read

    async def _with_page(self, entry: Entry, window: asyncio.Semaphore) -> Entry:
        """The entry with its page, after as many tries as the settings allow. Who waits takes nobody's place."""
        attempt = 0
        while True:
            await self._wait(self._paused_for(entry.url))
            try:
                async with window, self._places:
                    return await self._read(entry)
            except TransientError as error:
                attempt += 1
                if attempt >= self._settings.page_attempts:
                    return replace(entry, page_problem=str(error))
                await self._wait(max(error.retry_after or 0.0, _RETRY_S * _RETRY_FACTOR ** (attempt - 1)))
            except Exception as error:  # noqa: BLE001 - one page must not stop the others; the entry goes on without it
                _log.error("page reader failed", url=entry.url, error=f"{type(error).__name__}: {error}")
                return replace(entry, page_problem=f"{type(error).__name__} while reading the page")

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)
