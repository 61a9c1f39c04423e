"""Entries through the Faust agent, on a real broker; the worker runs in the test's own event loop."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from marsad.config import DataSettings, KafkaSettings, ProcessSettings, Settings
from marsad.errors import PoisonError
from marsad.progress import Progress
from marsad.records import Article, Entry, Feed, Quarantined
from marsad.records.codec import decode, encode
from marsad.records.ids import digest
from marsad.streams import Message
from marsad.testing.factories import TOPIC_FILE, a_feed, an_article, an_entry
from marsad_app.cluster.process import work
from marsad_app.cluster.service import Context, open_context
from marsad_app.cluster.tables import Table
from marsad_app.live_topics import LiveTopics
from processors.pipeline import Pipeline
from processors.transact import TransactionalJournal, read_stream

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


class Steps:
    """Makes an article of each entry; may be told what to do before."""

    def __init__(self, before: Callable[[Entry], None] = lambda _: None) -> None:
        self.before = before
        self.seen: list[str] = []
        self.outlets: list[str] = []

    def stateless(self, entry: Entry, feed: Feed) -> Article:
        self.seen.append(entry.guid)
        self.outlets.append(feed.outlet)
        self.before(entry)
        return an_article(article_id=entry.article_id, title=entry.title, outlet=feed.outlet)


class Died(BaseException):
    """In place of the end of the process."""


def entry(number: int, **fields: object) -> Entry:
    fields = {"title": f"خبر {number}", "guid": f"{number}", **fields}
    return an_entry(entry_id=digest("entry", str(number)), article_id=digest("article", str(number)), **fields)


def message(number: int, headers: dict[str, bytes] | None = None, **fields: object) -> Message:
    made = entry(number, **fields)
    return Message(stream="entries.v1", key=made.article_id, value=encode(made), headers=headers or {})


@contextlib.contextmanager
def writing(kafka: KafkaSettings) -> Iterator[TransactionalJournal]:
    journal = TransactionalJournal(kafka, "test-fill", "entries.v1", 0)
    yield journal
    journal.close()


def put(kafka: KafkaSettings, messages: Iterable[Message], batch: int = 50) -> None:
    waiting = list(messages)
    with writing(kafka) as journal:
        for first in range(0, len(waiting), batch):
            journal.commit(waiting[first : first + batch])


def put_feed(kafka: KafkaSettings, feed: Feed) -> None:
    with writing(kafka) as journal:
        journal.commit([Message(stream="feeds.v1", key=feed.id, value=encode(feed))])


def tagged(kafka: KafkaSettings) -> list[Article]:
    return [decode(Article, read.value or b"") for read in read_stream(kafka, "tagged.v1")]


def quarantined(kafka: KafkaSettings) -> list[Quarantined]:
    return [decode(Quarantined, read.value or b"") for read in read_stream(kafka, "quarantine.v1")]


async def until(done: Callable[[], bool], seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while True:
        if await asyncio.to_thread(done):
            return
        assert time.monotonic() < limit
        await asyncio.sleep(0.05)


@pytest.fixture
def settings(kafka: KafkaSettings, tmp_path: Path) -> Settings:
    return Settings(data=DataSettings(dir=tmp_path), kafka=kafka)


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    with open_context(settings, "process") as context:
        yield context


@pytest.fixture
def feeds(kafka: KafkaSettings) -> Iterator[Table[Feed]]:
    table = Table(kafka, "feeds.v1", Feed)
    table.start()
    yield table
    table.close()


@contextlib.asynccontextmanager
async def working(
    context: Context, steps: Steps | Pipeline, feeds: Table[Feed], may_take: Callable[[], bool] = lambda: True
) -> AsyncIterator[None]:
    """A worker until the block ends; it must end in order."""

    def die(status: int) -> None:
        raise Died(status)

    task = asyncio.create_task(work(context, steps, feeds, may_take=may_take, die=die))
    try:
        yield
    finally:
        context.stop.set()
        began = time.monotonic()
        status = await task
        assert (status, time.monotonic() - began < 5) == (0, True)


def keys(articles: Sequence[Article]) -> list[str]:
    return sorted(article.article_id for article in articles)


def wanted(*numbers: range) -> list[str]:
    return sorted(entry(number).article_id for some in numbers for number in some)


async def test_every_committed_entry_is_tagged_and_none_of_an_aborted_transaction(
    kafka: KafkaSettings, context: Context, feeds: Table[Feed]
) -> None:
    put_feed(kafka, a_feed(outlet="وكالة"))
    with writing(kafka) as journal:
        for first in range(0, 200, 20):
            journal._producer.begin_transaction()
            for number in range(1_000 + first, 1_003 + first):
                journal._send(message(number))
            journal._producer.flush()
            journal._producer.abort_transaction()
            journal.commit([message(number) for number in range(first, first + 20)])

    async with working(context, Steps(), feeds):
        await until(lambda: len(tagged(kafka)) >= 200)
        await until(lambda: all(place.lag == 0 for place in context.progress.positions().values()))

    found = tagged(kafka)
    assert keys(found) == wanted(range(200))
    assert {article.outlet for article in found} == {"وكالة"}
    assert context.progress.counts == {"tagged": 200}


async def test_what_one_worker_committed_the_next_does_not_do_again(
    kafka: KafkaSettings, settings: Settings, feeds: Table[Feed]
) -> None:
    put_feed(kafka, a_feed())
    put(kafka, map(message, range(60)), batch=1)
    with open_context(settings, "process") as context:
        async with working(context, Steps(), feeds):
            await until(lambda: len(tagged(kafka)) >= 60)
    put(kafka, map(message, range(60, 80)))
    again = Steps()
    with open_context(settings, "process") as context:
        async with working(context, again, feeds):
            await until(lambda: len(tagged(kafka)) >= 80)

    assert sorted(map(int, again.seen)) == list(range(60, 80))


async def test_an_entry_that_fails_goes_to_quarantine_and_the_others_go_on(
    kafka: KafkaSettings, context: Context, feeds: Table[Feed]
) -> None:
    put_feed(kafka, a_feed())
    errors = {"13": PoisonError("no text"), "31": ZeroDivisionError("by zero")}

    def before(one: Entry) -> None:
        if one.guid in errors:
            raise errors[one.guid]

    bad = Message(stream="entries.v1", key="broken", value=b"{no json", partition=1)
    put(kafka, [*map(message, range(40)), bad])
    async with working(context, Steps(before), feeds):
        await until(lambda: len(tagged(kafka)) >= 38 and len(quarantined(kafka)) >= 3)

    assert keys(tagged(kafka)) == wanted(range(13), range(14, 31), range(32, 40))
    found = {item.key: item for item in quarantined(kafka)}
    assert {key: item.reason for key, item in found.items() if key != "broken"} == {
        entry(13).entry_id: "no text",
        entry(31).entry_id: "ZeroDivisionError: by zero",
    }
    assert found["broken"].payload == b"{no json"
    assert decode(Entry, found[entry(31).entry_id].payload).guid == "31"
    assert context.progress.counts == {"tagged": 38, "quarantined": 3}


async def test_large_entries_and_articles_go_through(
    kafka: KafkaSettings, context: Context, feeds: Table[Feed]
) -> None:
    put_feed(kafka, a_feed())
    large = [message(number, title="ا" * 1_900_000, page_html="x" * 4_000_000) for number in range(3)]
    put(kafka, large, batch=1)
    async with working(context, Steps(), feeds):
        await until(lambda: len(tagged(kafka)) >= 3)

    assert {len(article.title) for article in tagged(kafka)} == {1_900_000}


async def test_the_mark_of_a_reprocessing_stays(kafka: KafkaSettings, context: Context, feeds: Table[Feed]) -> None:
    put_feed(kafka, a_feed())
    put(kafka, [message(0), message(1, {"retag": b"1", "other": b"2"})])
    async with working(context, Steps(), feeds):
        await until(lambda: len(tagged(kafka)) >= 2)

    marks = {read.key: (read.headers, read.partition) for read in read_stream(kafka, "tagged.v1")}
    assert marks == {entry(0).article_id: ({}, 0), entry(1).article_id: ({"retag": b"1"}, 0)}


async def test_an_entry_that_comes_quicker_than_its_feed_gets_the_feed_all_the_same(
    kafka: KafkaSettings, context: Context, feeds: Table[Feed]
) -> None:
    steps = Steps()
    async with working(context, steps, feeds):
        for number in range(5):
            feed = a_feed(id=f"new-{number}", outlet=f"وكالة {number}")
            with writing(kafka) as journal:
                journal.commit(
                    [
                        Message(stream="feeds.v1", key=feed.id, value=encode(feed)),
                        message(number, feed_id=feed.id),
                    ]
                )
        put(kafka, [message(9, feed_id="removed")])
        await until(lambda: len(tagged(kafka)) >= 6)

    assert sorted(steps.outlets) == ["", *(f"وكالة {number}" for number in range(5))]


async def test_every_offset_that_was_passed_over_is_a_marker_or_an_aborted_record(
    kafka: KafkaSettings, context: Context, feeds: Table[Feed]
) -> None:
    put_feed(kafka, a_feed())
    put(kafka, map(message, range(40)), batch=2)
    # Not the one whose holes the service's audit looks into.
    apart = replace(context, progress=Progress())
    async with working(apart, Steps(), feeds):
        await until(lambda: len(tagged(kafka)) >= 40)

    holes = apart.progress.take_holes()
    passed = {(hole.partition, offset) for hole in holes for offset in range(hole.first, hole.until)}
    records = {(read.partition, read.offset) for read in read_stream(kafka, "entries.v1")}
    assert len(passed) > 10
    assert passed & records == set()


async def test_a_worker_that_runs_takes_what_comes_in_less_than_a_second(
    kafka: KafkaSettings, context: Context, feeds: Table[Feed]
) -> None:
    put_feed(kafka, a_feed())
    put(kafka, [message(0)])
    async with working(context, Steps(), feeds):
        await until(lambda: len(tagged(kafka)) >= 1)
        waits = []
        for number in range(1, 6):
            await asyncio.to_thread(put, kafka, [message(number)])
            written = time.monotonic()
            await until(lambda wanted=number + 1: len(tagged(kafka)) >= wanted)  # type: ignore[misc]
            waits.append(time.monotonic() - written)

    print(json.dumps({"seconds": [round(wait, 2) for wait in waits]}))
    assert min(waits) < 1


async def test_nothing_is_taken_while_the_stage_behind_is_too_far_behind(
    kafka: KafkaSettings, context: Context, feeds: Table[Feed]
) -> None:
    put_feed(kafka, a_feed())
    put(kafka, map(message, range(50)))
    free: list[bool] = []
    steps = Steps()
    async with working(context, steps, feeds, lambda: bool(free)):
        await until(lambda: sum(place.lag for place in context.progress.positions().values()) >= 50)
        seen = len(steps.seen)
        free.append(True)
        await until(lambda: len(tagged(kafka)) >= 50)

    assert seen == 0
    assert keys(tagged(kafka)) == wanted(range(50))


async def test_a_changed_topic_is_in_force_without_a_restart(
    kafka: KafkaSettings, context: Context, feeds: Table[Feed], tmp_path: Path
) -> None:
    folder = tmp_path / "topics"
    folder.mkdir()
    (folder / "bees.toml").write_text(TOPIC_FILE, "utf-8")
    pipeline = Pipeline.following(LiveTopics(ProcessSettings(topics_dir=folder), context.clock))
    put_feed(kafka, a_feed())
    title = "معرض للعسل يجمع مربي النحل في المدينة"
    async with working(context, pipeline, feeds):
        put(kafka, [message(0, title=title)])
        await until(lambda: len(tagged(kafka)) >= 1)
        (folder / "bees.toml").unlink()
        (folder / "apiary.toml").write_text(TOPIC_FILE.replace('"bees"', '"apiary"'), "utf-8")
        await asyncio.sleep(2.5)  # it looks for changes every two seconds
        put(kafka, [message(1, title=title)])
        await until(lambda: len(tagged(kafka)) >= 2)

    topics = {article.article_id: {topic.id for topic in article.topics} for article in tagged(kafka)}
    own = {"bees", "apiary"}
    assert [topics[entry(number).article_id] & own for number in (0, 1)] == [{"bees"}, {"apiary"}]
    versions = {article.taxonomy_version for article in tagged(kafka)}
    assert len(versions) == 2
