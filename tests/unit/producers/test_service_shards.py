"""The poller over a ledger that can be another's, or away."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network

from msgspec.structs import replace

from marsad.clock import SystemClock
from marsad.config import PollSettings
from marsad.errors import FencedError, TransientError
from marsad.events import Event, FeedPolled, StageFailed
from marsad.records import Entry, Feed, FeedState, FetchRequest, FetchResponse, Quarantined
from marsad.testing.factories import a_feed
from marsad.testing.fakes import InMemoryPolls, InMemoryStore
from producers.completing import Completer
from producers.means import Means
from producers.politeness import HostGate
from producers.service import Poller

FAST = PollSettings(
    min_interval=0.05, max_interval=60, allow_networks=(ip_network("127.0.0.0/8"),), concurrency=2, robots=False
)


def feed(name: str) -> Feed:
    return a_feed(id=name, url=f"http://127.0.0.1/{name}", full_text=False)


class Rigged(InMemoryPolls):
    """Refuses commits with an error for as long as one is set."""

    error: Exception | None = None

    def commit_poll(self, state: FeedState, entries: Sequence[Entry], quarantined: Sequence[Quarantined] = ()) -> None:
        if self.error is not None:
            raise self.error
        super().commit_poll(state, entries, quarantined)


class Room:
    """A poller that reads pages, with its surroundings; every answer brings one more entry."""

    def __init__(self, *names: str) -> None:
        self.store = InMemoryStore()
        self.store.feeds.put_feeds([feed(name) for name in names])
        self.ledger = Rigged(self.store.quarantine)
        self.events: list[Event] = []
        self.asked: list[str] = []
        self.may_start = True
        self.pages = asyncio.Event()
        self.pages.set()
        clock, gate = SystemClock(), HostGate(FAST, SystemClock())
        completer = Completer(self.read, FAST, self)
        self.poller = Poller(
            self.store.feeds,
            self.ledger,
            Means(self, gate, FAST, clock, random.Random(1), self),
            completing=completer,
            may_start=lambda: self.may_start,
        )

    def emit(self, event: Event) -> None:
        self.events.append(event)

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.asked.append(request.url)
        items = "".join(
            f"<item><guid>{request.url}#{n}</guid><title>خبر {n}</title><link>http://127.0.0.1/n/{n}</link></item>"
            for n in range(len(self.asked))
        )
        body = f"<rss version='2.0'><channel><title>ن</title>{items}</channel></rss>".encode()
        return FetchResponse(url=request.url, final_url=request.url, status=200, body=body)

    async def read(self, entry: Entry) -> Entry:
        await self.pages.wait()
        return replace(entry, page_html="page")

    def polls(self, feed_id: str) -> int:
        return sum(isinstance(event, FeedPolled) and event.feed_id == feed_id for event in self.events)

    def failures(self) -> list[StageFailed]:
        return [event for event in self.events if isinstance(event, StageFailed)]

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not done():  # noqa: ASYNC110 - events are remembered, not signalled
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(self.poller.run(stop))
        try:
            yield
        finally:
            stop.set()
            async with asyncio.timeout(2):
                await task


async def test_entries_are_committed_with_their_pages() -> None:
    room = Room("a")
    async with room.running():
        await room.until(lambda: room.polls("a") >= 2)

    assert {entry.page_html for entry in room.ledger.entries.values()} == {"page"}


async def test_feeds_that_wait_for_pages_take_nobodys_place() -> None:
    room = Room("a", "b", "c", "d")
    room.pages.clear()
    async with room.running():
        await room.until(lambda: len(set(room.asked)) == 4)
        assert not room.ledger.entries
        room.pages.set()
        await room.until(lambda: all(room.polls(name) for name in "abcd"))


async def test_a_feed_of_another_poller_is_let_go_of_without_a_word() -> None:
    room = Room("a")
    room.ledger.error = FencedError("another's")
    async with room.running():
        await room.until(lambda: bool(room.asked))
        await asyncio.sleep(0.3)
        asked = len(room.asked)
        room.ledger.error = None
        await room.until(lambda: room.polls("a") > 1)

    assert asked == 1
    assert not room.failures()
    assert not room.store.quarantine.quarantined()


async def test_while_the_ledger_is_away_nothing_is_quarantined_and_polling_goes_on_soon_after() -> None:
    room = Room("a")
    room.ledger.error = TransientError("the broker is away")
    async with room.running():
        await room.until(lambda: bool(room.asked))
        await asyncio.sleep(0.3)
        asked = len(room.asked)
        room.ledger.error = None
        await room.until(lambda: room.polls("a") > 1)

    assert asked == 1
    assert not room.failures()
    assert not room.store.quarantine.quarantined()


async def test_no_poll_begins_while_none_may() -> None:
    room = Room("a")
    room.may_start = False
    async with room.running():
        await asyncio.sleep(0.5)
        assert not room.asked
        room.may_start = True
        await room.until(lambda: room.polls("a") > 0)


async def test_a_feed_that_is_removed_while_its_pages_are_read_is_committed_once_and_then_forgotten() -> None:
    room = Room("a")
    room.pages.clear()
    async with room.running():
        await room.until(lambda: bool(room.asked))
        room.store.feeds.remove_feed("a")
        room.pages.set()
        await room.until(lambda: room.polls("a") == 1)
        await room.until(lambda: "a" not in room.poller._queue)
