"""The poller as a whole, over fakes: every feed in its time, none in the way of another."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from ipaddress import ip_network

import pytest

from marsad.clock import Clock, SystemClock
from marsad.config import PollSettings
from marsad.errors import FetchError, StoreError
from marsad.events import Event, FeedPolled, StageFailed
from marsad.records import Entry, Feed, FeedState, FetchRequest, FetchResponse, Health, Quarantined
from marsad.testing.factories import a_feed
from marsad.testing.fakes import InMemoryPolls, InMemoryQuarantine, InMemoryStore
from producers.means import Means
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
        self.padding = ""
        self.step = 1
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
        items = "".join(
            f"<item><guid>{n}</guid><title>خبر {n}</title><description>نص</description></item>"
            for n in range(self.requests * self.step)
        )
        body = f"<rss version='2.0'><channel><title>ن{self.padding}</title>{items}</channel></rss>".encode()
        return FetchResponse(url=request.url, final_url=request.url, status=200, body=body)


class Still(News):
    """A fetcher in which nothing changes."""

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.requests += 1
        body = b"<rss version='2.0'><channel><title>n</title><item><guid>1</guid></item></channel></rss>"
        headers = {"etag": "one"}
        if request.etag:
            return FetchResponse(url=request.url, final_url=request.url, status=304, headers=headers)
        return FetchResponse(url=request.url, final_url=request.url, status=200, headers=headers, body=body)


class Whereabouts(SystemClock):
    """A clock that remembers which threads asked for the time."""

    def __init__(self) -> None:
        self.threads: set[str] = set()

    def now(self) -> datetime:
        self.threads.add(threading.current_thread().name.partition("_")[0])
        return super().now()


class FullDisk(InMemoryPolls):
    """Refuses the first commits."""

    refusals = 2

    def commit_poll(self, state: FeedState, entries: Sequence[Entry], quarantined: Sequence[Quarantined] = ()) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StoreError("the disk is full")
        super().commit_poll(state, entries, quarantined)


class Watched(InMemoryPolls):
    """Remembers what it was asked, and can refuse states of quiet polls."""

    def __init__(self, quarantine: InMemoryQuarantine) -> None:
        super().__init__(quarantine)
        self.read: list[str] = []
        self.put: list[list[str]] = []
        self.is_full = False

    def state(self, feed_id: str) -> FeedState | None:
        self.read.append(feed_id)
        return super().state(feed_id)

    def put_states(self, states: Sequence[FeedState]) -> Sequence[Exception | None]:
        self.put.append([state.feed_id for state in states])
        return [StoreError("the disk is full") for _ in states] if self.is_full else super().put_states(states)


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

    def make(self, ledger: InMemoryPolls | None = None, clock: Clock | None = None) -> Poller:
        clock = clock or SystemClock()
        return Poller(
            self.store.feeds,
            ledger or self.store.polls,
            Means(self.fetcher, HostGate(FAST, clock), FAST, clock, random.Random(1), self.events),
        )

    async def until(self, feed_id: str, polls: int) -> None:
        async with asyncio.timeout(20):
            while len(self.events.polls(feed_id)) < polls:  # noqa: ASYNC110  # events are remembered, not signalled
                await asyncio.sleep(0.01)

    async def happens(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not what():  # noqa: ASYNC110  # as above
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


def still(*names: str) -> tuple[Room, Watched]:
    """Feeds in which nothing changes, and their ledger."""
    room = Room(*names)
    room.fetcher = Still()
    ledger = Watched(room.store.quarantine)
    room.poller = room.make(ledger)
    return room, ledger


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


@pytest.mark.parametrize(
    ("size", "step", "second"),
    [(0, 1, set()), (70_000, 1, {"parse"}), (0, 8, set()), (0, 9, {"parse"})],
    ids=["small", "large", "some news", "much news"],
)
async def test_only_a_small_document_with_little_news_is_read_outside_the_thread(
    size: int, step: int, second: set[str]
) -> None:
    room, clock = Room("a"), Whereabouts()
    room.fetcher.padding, room.fetcher.step = "x" * size, step
    poller = room.make(clock=clock)
    read: list[set[str]] = []
    for _ in range(2):
        clock.threads.clear()
        assert (await poller.poll_once("a")) is not None
        read.append(clock.threads & {"parse"})

    assert read == [{"parse"}, second]
    assert len(room.store.polls.entries) == 2 * step


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
    assert [failure.error for failure in room.events.failures()] == ["feed bug: RuntimeError: a bug"]
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
    assert [entry.summary_html for entry in ledger.entries.values()] == ["نص"] * 3


async def test_after_a_restart_a_feed_waits_for_its_time() -> None:
    room = Room("a")
    state = FeedState(feed_id="a", next_poll_at=SystemClock().now().replace(year=2999))
    room.store.polls.commit_poll(state, ())
    room.store.feeds.put_feeds([feed("new")])
    async with room.running():
        await room.until("new", 2)

    assert not room.events.polls("a")


async def test_polls_that_bring_nothing_ask_the_store_for_nothing_and_are_stored_together() -> None:
    room, ledger = still("a", "bb")
    for name in ("a", "bb", "a", "bb", "a", "bb"):
        await room.poller.poll_once(name)
    await room.happens(lambda: bool(ledger.put))

    assert ledger.read == ["a", "bb"]
    assert ledger.put == [["a", "bb"]]
    assert [one.polls for one in ledger.states()] == [3, 3]
    assert all(one.seen for one in ledger.states())


async def test_what_waits_to_be_stored_is_stored_at_the_end() -> None:
    room, ledger = still("a")
    async with room.running():
        await room.until("a", 4)

    assert [one.polls for one in ledger.states()] >= [4]


async def test_a_feed_that_is_removed_and_added_again_begins_anew_though_its_state_was_at_hand() -> None:
    room = Room("a")
    room.fetcher = Still()
    room.poller = room.make()
    async with room.running():
        await room.until("a", 3)
        room.store.feeds.remove_feed("a")
        room.store.feeds.put_feeds([feed("a")])
        before = len(room.events.polls("a"))
        await room.happens(lambda: any(poll.new for poll in room.events.polls("a")[before:]))

    assert not room.events.failures()
    assert len(room.store.polls.entries) == 1


async def test_a_quiet_poll_that_could_not_be_stored_is_told_and_the_feed_is_read_anew() -> None:
    room, ledger = still("a")
    await room.poller.poll_once("a")
    ledger.is_full = True
    await room.poller.poll_once("a")
    await room.happens(lambda: bool(room.events.failures()))
    ledger.is_full = False

    await room.poller.poll_once("a")

    assert ledger.read == ["a", "a"]
    assert [one.polls for one in ledger.states()] == [2]
