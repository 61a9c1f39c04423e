"""History tagged again, on a real broker."""

import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from marsad.config import DataSettings, KafkaSettings, Settings
from marsad.records import Article, Entry, Feed
from marsad.records.codec import decode, encode
from marsad.records.ids import digest
from marsad.streams import Message
from marsad.testing.factories import a_feed, an_article, an_entry
from marsad_app.cluster import reprocess as module
from marsad_app.cluster.reprocess import reprocess
from processors.transact import TransactionalJournal, read_stream

pytestmark = pytest.mark.cluster

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Steps:
    """Makes an article of the entry's title; fails with some."""

    def __init__(self, *bad: str, seconds: float = 0.0) -> None:
        self.bad = bad
        self.seconds = seconds
        self.seen: list[str] = []

    def stateless(self, entry: Entry, feed: Feed) -> Article:
        self.seen.append(entry.title)
        time.sleep(self.seconds)
        if entry.title in self.bad:
            raise ValueError(entry.title)
        return an_article(article_id=entry.article_id, title=entry.title, outlet=feed.outlet)


@pytest.fixture
def settings(kafka: KafkaSettings, tmp_path: Path) -> Settings:
    settings = Settings(data=DataSettings(dir=tmp_path / "data"), kafka=kafka)
    put(kafka, [Message(stream="feeds.v1", key="feed-1", value=encode(a_feed(outlet="وكالة")))])
    return settings


def message(number: int, title: str = "", revision: int = 1, feed_id: str = "feed-1") -> Message:
    made = an_entry(
        entry_id=digest("entry", str(number)),
        article_id=digest("article", str(number)),
        title=title or f"t{number}",
        revision=revision,
        feed_id=feed_id,
    )
    return Message(stream="entries.v1", key=made.article_id, value=encode(made))


def put(kafka: KafkaSettings, messages: Iterable[Message]) -> None:
    journal = TransactionalJournal(kafka, "test-fill", "entries.v1", 0)
    journal.commit(list(messages))
    journal.close()


def written(kafka: KafkaSettings) -> list[Message]:
    return list(read_stream(kafka, "tagged.v1"))


def titles(kafka: KafkaSettings) -> list[str]:
    return [decode(Article, read.value or b"").title for read in written(kafka)]


def test_the_newest_revision_of_every_entry_is_tagged_again_and_marked(settings: Settings) -> None:
    put(settings.kafka, [message(number) for number in range(30)])
    put(settings.kafka, [message(number, f"new {number}", 2) for number in range(0, 30, 3)])
    shown: list[tuple[int, int]] = []

    count = reprocess(settings, LONG_AGO, told=lambda done, total: shown.append((done, total)), steps=Steps())

    wanted = [f"new {number}" if number % 3 == 0 else f"t{number}" for number in range(30)]
    assert count == 30
    assert sorted(titles(settings.kafka)) == sorted(wanted)
    assert {tuple(read.headers.items()) for read in written(settings.kafka)} == {(("retag", b"1"),)}
    assert shown[-1] == (30, 30)
    assert list(settings.data.dir.iterdir()) == []


def test_only_what_came_in_the_period_is_tagged_again(settings: Settings) -> None:
    put(settings.kafka, [message(1), message(2)])
    between = next(iter(read_stream(settings.kafka, "entries.v1"))).at
    assert between is not None
    put(settings.kafka, [message(2, "new 2", 2), message(3)])
    # Messages of one commit can be a millisecond apart.
    last = next(
        read.at
        for read in read_stream(settings.kafka, "entries.v1")
        if read.at is not None and decode(Entry, read.value or b"").title == "new 2"
    )

    assert reprocess(settings, LONG_AGO, last, steps=Steps()) == 1
    assert titles(settings.kafka) == ["t1"]
    assert reprocess(settings, last, steps=Steps()) == 2
    assert sorted(titles(settings.kafka)) == ["new 2", "t1", "t3"]


def test_an_entry_that_fails_and_one_of_a_removed_feed_are_left_as_they_are(settings: Settings) -> None:
    put(settings.kafka, [message(1), message(2), message(3, feed_id="removed"), message(4)])

    assert reprocess(settings, LONG_AGO, steps=Steps("t2")) == 2
    assert sorted(titles(settings.kafka)) == ["t1", "t4"]
    assert list(read_stream(settings.kafka, "quarantine.v1")) == []


def test_a_run_that_was_cut_off_goes_on_and_one_of_another_period_does_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    put(settings.kafka, [message(number) for number in range(100)])

    def cut_off(done: int, total: int) -> None:
        if done >= 70:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reprocess(settings, LONG_AGO, told=cut_off, steps=Steps())
    again, other = Steps(), Steps()
    assert reprocess(settings, LONG_AGO, steps=again) == 100
    assert reprocess(settings, datetime(2021, 1, 1, tzinfo=UTC), steps=other) == 100

    assert len(again.seen) < 60
    assert len(other.seen) == 100
    assert set(titles(settings.kafka)) == {f"t{number}" for number in range(100)}


def test_a_revision_that_comes_in_the_meantime_has_the_last_word(settings: Settings) -> None:
    put(settings.kafka, [message(number) for number in range(5)])
    came: list[int] = []

    def comes(done: int, total: int) -> None:
        if not came:
            came.append(done)
            put(settings.kafka, [message(3, "newest", 2), message(77, "not ours")])

    assert reprocess(settings, LONG_AGO, told=comes, steps=Steps()) == 6
    last = {read.key: decode(Article, read.value or b"").title for read in written(settings.kafka)}
    assert last[digest("article", "3")] == "newest"
    assert digest("article", "77") not in last


def test_it_waits_while_the_grouper_is_behind(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 20)
    monkeypatch.setattr(module, "_MEASURE_S", 0.05)
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    put(settings.kafka, [message(number) for number in range(200)])
    run = threading.Thread(
        target=reprocess, args=(settings, LONG_AGO), kwargs={"steps": Steps(seconds=0.02)}, daemon=True
    )
    run.start()
    stood: list[int] = []
    limit = time.monotonic() + 60
    while run.is_alive() and time.monotonic() < limit:
        before = len(written(settings.kafka))
        time.sleep(0.5)
        if before >= 20 and len(written(settings.kafka)) == before:
            stood.append(before)
            say_grouped(settings.kafka, before)
    run.join(1)

    assert stood
    assert stood[0] < 150
    assert sorted(titles(settings.kafka)) == sorted(f"t{number}" for number in range(200))


def say_grouped(kafka: KafkaSettings, offset: int) -> None:
    """In place of the grouper: its place in its input."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=f"{kafka.prefix}.group")
    place = TopicPartition(f"{kafka.prefix}.tagged.v1", 0)
    consumer.assign([place])
    consumer.commit({place: OffsetAndMetadata(offset, "", -1)})
    consumer.close()
