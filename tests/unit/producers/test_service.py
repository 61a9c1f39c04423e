"""The poller as a whole, over fakes: every feed in its time, none in the way of another."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network

from marsad.clock import SystemClock
from marsad.config import PollSettings
from marsad.errors import FetchError, StoreError
from marsad.events import Event, FeedPolled, StageFailed
from marsad.records import Entry, Feed, FeedState, FetchRequest, FetchResponse, Health, Quarantined
from marsad.testing.factories import a_feed
from marsad.testing.fakes import InMemoryPolls, InMemoryStore
from producers.politeness import HostGate
from producers.service import Poller

FAST = PollSettings(min_interval=0.05, max_interval=60, allow_networks=(ip_network("127.0.0.0/8"),), concurrency=16)


class Events:
    """Remembers all events, and can be waited for."""

    def __init__(self) -> None:
        self.all: list[Event] = []

    def emit(self, event: Event) -> None:
        self.all.append(event)

    def polls(self, feed_id: str) -> list[FeedPolled]:
        return [event for event in self.all if isinstance(event, FeedPolled) and event.feed_id == feed_id]

    def failures(self) -> list[StageFailed]:
        return [event for event in self.all if isinstance(event, StageFailed)]


class News:
    """A fetcher in which every feed has one more entry at each request; names with a meaning behave so."""

    def __init__(self) -> None:
        self.requests = 0
        self.hanging = asyncio.Event()

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.requests += 1
        if "hang" in request.url:
            self.hanging.set()
            await asyncio.sleep(60)
        if "dns" in request.url:
            raise FetchError(f"{request.url}: no such host", health="dns")
        if "bug" in request.url:
            raise RuntimeError("a bug")
        items = "".join(f"<item><guid>{n}</guid><title>خبر {n}</title></item>" for n in range(self.requests))
        body = f"<rss version='2.0'><channel><title>ن</title>{items}</channel></rss>".encode()
        return FetchResponse(url=request.url, final_url=request.url, status=200, body=body)


class FullDisk(InMemoryPolls):
    """Refuses the first commits."""

    refusals = 2

    def commit_poll(self, state: FeedState, entries: Sequence[Entry], quarantined: Sequence[Quarantined] = ()) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StoreError("the disk is full")
        super().commit_poll(state, entries, quarantined)


def feed(name: str) -> Feed:
    return a_feed(id=name, url=f"http://127.0.0.{len(name)}/{name}")


class Room:
    """A poller with its surroundings."""

    def __init__(self, *names: str) -> None:
        self.store = InMemoryStore()
        self.store.feeds.put_feeds([feed(name) for name in names])
        self.events = Events()
        self.fetcher = News()
        self.stop = asyncio.Event()
        self.poller = self.make()

    def make(self, ledger: InMemoryPolls | None = None) -> Poller:
        clock = SystemClock()
        return Poller(
            self.store.feeds,
            ledger or self.store.polls,
            self.fetcher,
            HostGate(FAST, clock),
            FAST,
            clock,
            random.Random(1),
            self.events,
        )

    async def until(self, feed_id: str, polls: int) -> None:
        async with asyncio.timeout(20):
            while len(self.events.polls(feed_id)) < polls:  # noqa: ASYNC110  # events are remembered, not signalled
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.poller.run(self.stop))
        try:
            yield
        finally:
            self.stop.set()
            async with asyncio.timeout(2):
                await task


async def test_one_poll_commits_state_and_entries() -> None:
    room = Room("a")

    result = await room.poller.poll_once("a")

    assert result is not None
    assert result.new == 1
    assert len(room.store.polls.entries) == 1
    state = room.store.polls.state("a")
    assert state is not None
    assert state.health is Health.OK
    assert await room.poller.poll_once("unknown") is None


async def test_feeds_are_polled_again_and_again() -> None:
    room = Room("a", "bb")
    async with room.running():
        await room.until("a", 3)
        await room.until("bb", 3)

    titles = [entry.title for entry in room.store.polls.entries.values() if entry.feed_id == "a"]
    assert len(titles) == len(set(titles))


async def test_a_feed_that_hangs_or_fails_is_in_nobodys_way() -> None:
    room = Room("hang", "dns", "bug", "good")
    async with room.running():
        await room.until("good", 5)

    assert {poll.health for poll in room.events.polls("dns")} == {Health.DNS}
    assert not room.events.polls("hang")
    assert [failure.error for failure in room.events.failures()] == ["bug: RuntimeError: a bug"]
    assert room.store.quarantine.quarantined()[0].key == "bug"


async def test_the_end_comes_at_once_although_a_request_hangs() -> None:
    room = Room("hang")
    async with room.running():
        await room.fetcher.hanging.wait()

    assert room.store.polls.state("hang") is None


async def test_feeds_that_are_added_and_removed_while_running_are_noticed() -> None:
    room = Room("a")
    async with room.running():
        await room.until("a", 1)
        room.store.feeds.put_feeds([feed("late")])
        room.store.feeds.remove_feed("a")
        await room.until("late", 2)
        seen = len(room.events.polls("a"))
        await asyncio.sleep(0.3)
        assert len(room.events.polls("a")) <= seen + 1


async def test_a_disabled_feed_is_not_polled() -> None:
    room = Room("a")
    room.store.feeds.put_feeds([a_feed(id="off", url="http://127.0.0.9/off", enabled=False)])
    async with room.running():
        await room.until("a", 3)

    assert not room.events.polls("off")


async def test_a_poll_that_was_not_committed_loses_nothing() -> None:
    room = Room("a")
    ledger = FullDisk(room.store.quarantine)
    poller = room.make(ledger)
    for _ in range(2):
        try:
            await poller.poll_once("a")
        except StoreError:
            continue

    result = await poller.poll_once("a")

    assert result is not None
    assert result.new == 3
    assert len(ledger.entries) == 3


async def test_after_a_restart_a_feed_waits_for_its_time() -> None:
    room = Room("a")
    state = FeedState(feed_id="a", next_poll_at=SystemClock().now().replace(year=2999))
    room.store.polls.commit_poll(state, ())
    room.store.feeds.put_feeds([feed("new")])
    async with room.running():
        await room.until("new", 2)

    assert not room.events.polls("a")
