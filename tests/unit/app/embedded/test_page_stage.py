import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from marsad.clock import FrozenClock
from marsad.config import PollSettings
from marsad.errors import StoreError, TransientError
from marsad.events import PageFetched
from marsad.records import Entry
from marsad.testing.factories import an_entry
from marsad_app.embedded.page_stage import PageStage
from marsad_app.embedded.store import Store
from marsad_app.embedded.testing import Recorder

SETTINGS = PollSettings(page_attempts=3, concurrency=4)


class Pages:
    """Stands for the web: pages by entry, some of which fail."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.faults: dict[str, Exception] = {}
        self.hanging: set[str] = set()
        self.most = self._now = 0

    async def read(self, entry: Entry) -> Entry:
        self.asked.append(entry.entry_id)
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            await asyncio.sleep(0)
            if entry.entry_id in self.hanging:
                await asyncio.sleep(3600)
            if entry.entry_id in self.faults:
                raise self.faults[entry.entry_id]
            return msgspec.structs.replace(entry, page_html="<p>نص</p>")
        finally:
            self._now -= 1


@contextlib.asynccontextmanager
async def working(
    store: Store, pages: Pages, clock: FrozenClock, events: Recorder
) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    stage = PageStage(store.queue, pages.read, SETTINGS, clock, events)
    task = asyncio.create_task(stage.run(stop))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait({task}, timeout=10)
        assert task.done()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what is waited for lies in the store
            await asyncio.sleep(0.01)


def queue(store: Store, *names: str) -> None:
    for name in names:
        store.queue.put(an_entry(entry_id=name), wants_page=True)


def ready(store: Store) -> dict[str, Entry]:
    return {item.entry.entry_id: item.entry for item in store.queue.ready(100)}


async def test_entries_go_on_with_their_pages(store: Store, clock: FrozenClock, events: Recorder) -> None:
    queue(store, *(str(n) for n in range(10)))
    pages = Pages()

    async with working(store, pages, clock, events):
        await until(lambda: len(ready(store)) == 10)

    assert {entry.page_html for entry in ready(store).values()} == {"<p>نص</p>"}
    assert sorted(pages.asked) == sorted(str(n) for n in range(10))
    assert pages.most <= SETTINGS.concurrency
    assert [event for event in events.events if isinstance(event, PageFetched) and event.problem] == []


async def test_a_transient_error_is_tried_again_after_growing_waits_and_given_up_with_its_reason(
    store: Store, clock: FrozenClock, events: Recorder
) -> None:
    queue(store, "a")
    pages = Pages()
    pages.faults = {"a": TransientError("http://news.example/1: 503")}

    async with working(store, pages, clock, events):
        for attempt, wait in ((1, 5), (2, 20)):
            await until(lambda: [i.attempts for i in store.queue._take("page", None, 9)] == [attempt])  # noqa: B023 - awaited at once
            assert list(store.queue.wanting_page(clock.now(), 1)) == []
            clock.advance(wait)
            assert len(pages.asked) == attempt
        await until(lambda: "a" in ready(store))

    assert len(pages.asked) == 3
    assert ready(store)["a"].page_problem == "http://news.example/1: 503"
    assert [event.problem for event in events.events if isinstance(event, PageFetched)] == [
        "http://news.example/1: 503"
    ]


async def test_it_waits_as_long_as_the_server_asks(store: Store, clock: FrozenClock, events: Recorder) -> None:
    queue(store, "a")
    pages = Pages()
    pages.faults = {"a": TransientError("429", retry_after=600)}

    async with working(store, pages, clock, events):
        await until(lambda: [i.attempts for i in store.queue._take("page", None, 9)] == [1])
    clock.advance(599)
    assert list(store.queue.wanting_page(clock.now(), 1)) == []
    clock.advance(1)
    assert len(store.queue.wanting_page(clock.now(), 1)) == 1


async def test_one_failing_or_hanging_page_does_not_stop_the_others(
    store: Store, clock: FrozenClock, events: Recorder
) -> None:
    queue(store, "broken", "hanging", *(str(n) for n in range(8)))
    pages = Pages()
    pages.faults = {"broken": ZeroDivisionError("division by zero")}
    pages.hanging = {"hanging"}

    async with working(store, pages, clock, events):
        await until(lambda: len(ready(store)) == 9)

    assert ready(store)["broken"].page_problem == "ZeroDivisionError while reading the page"
    assert store.queue.waiting() == {"page": 1, "ready": 9}


async def test_stopping_drops_the_requests_under_way_and_keeps_their_entries(
    store: Store, clock: FrozenClock, events: Recorder
) -> None:
    queue(store, "hanging")
    pages = Pages()
    pages.hanging = {"hanging"}

    async with working(store, pages, clock, events) as task:
        await until(lambda: pages.asked == ["hanging"])

    assert task.exception() is None
    assert [item.attempts for item in store.queue.wanting_page(clock.now(), 1)] == [0]
    pages.hanging.clear()
    async with working(store, pages, clock, events):
        await until(lambda: "hanging" in ready(store))


async def test_a_store_that_takes_nothing_ends_the_stage_instead_of_asking_for_the_same_page_without_end(
    store: Store, clock: FrozenClock, events: Recorder, tmp_path: Path
) -> None:
    queue(store, "a")
    pages = Pages()
    with store.database.write() as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )

    async with working(store, pages, clock, events) as task:
        await asyncio.wait({task}, timeout=20)
        with pytest.raises(StoreError, match="disk is full"):
            await task

    assert len(pages.asked) <= 2
    assert store.queue.waiting() == {"page": 1, "ready": 0}
