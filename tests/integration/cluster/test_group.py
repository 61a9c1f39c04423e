"""Group and match on a real broker."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from marsad.clock import SystemClock
from marsad.config import KafkaSettings
from marsad.ports import Journal
from marsad.progress import Progress
from marsad.records import Alert, Article, Subscription, decode, encode
from marsad.streams import Message
from marsad.testing.factories import an_article
from marsad_app.bench.fleet import Fleet
from marsad_app.cluster.reading import partitions_of
from marsad_app.cluster.service import Counter
from marsad_app.cluster.shelf import FileShelf, open_shelf
from processors.group import Grouper
from processors.group_shard import GroupShard
from processors.transact import Shards, TransactionalJournal, read_stream

pytestmark = pytest.mark.cluster


def articles(count: int, first: int = 0) -> list[Article]:
    return [
        an_article(
            article_id=f"{number:032}",
            title=f"افتتاح المشروع رقم {number} في المدينة {number * 7}",
            text=f"أعلنت البلدية {number} افتتاح المشروع رقم {number} في الحي {number * 13} بتكلفة {number * 17} ألف دينار",
        )
        for number in range(first, first + count)
    ]


def feed(kafka: KafkaSettings, news: Sequence[Article]) -> None:
    journal = TransactionalJournal(kafka, "test-feed", "tagged.v1", 0)
    journal.commit(
        [Message(stream="tagged.v1", key=article.article_id, value=encode(article), partition=0) for article in news]
    )
    journal.close()


def wait_for(condition: Callable[[], bool], seconds: float = 40) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to that in time"
        time.sleep(0.2)


def written(kafka: KafkaSettings) -> list[Message]:
    return [message for message in read_stream(kafka, "articles.v1") if message.value is not None]


class Grouping:
    """A grouping worker inside the test."""

    def __init__(self, kafka: KafkaSettings, path: Path) -> None:
        self.shelves: list[FileShelf] = []
        self._kafka, self._path = kafka, path
        self.shards = Shards(kafka, "group", "tagged.v1", self._open, instance="g", progress=Progress())

    def _open(self, journal: Journal) -> GroupShard:
        topics = {number: topic for (_, number), topic in partitions_of(self._kafka, ["articles.v1"]).items()}
        self.shelves.append(open_shelf(self._path, journal, topics))
        return GroupShard(
            journal,
            self.shelves[-1],
            Grouper,
            SystemClock(),
            Counter(Progress()),
            partitions=self._kafka.partitions,
            group_days=7,
        )

    def until(self, condition: Callable[[], bool], seconds: float = 40) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it did not come to that in time"
            self.shards.step()

    def close(self) -> None:
        self.shards.close()
        for shelf in self.shelves:
            shelf.close()


def test_a_restarted_worker_goes_on_with_the_shelf_or_without_it(kafka: KafkaSettings, tmp_path: Path) -> None:
    first = Grouping(kafka, tmp_path / "a.db")
    feed(kafka, articles(40))
    first.until(lambda: len(written(kafka)) == 40)
    first.close()
    corrected = [msgspec.structs.replace(article, text=article.text + " وفق البيان") for article in articles(5)]
    feed(kafka, [*corrected, *articles(10, first=40)])
    second = Grouping(kafka, tmp_path / "elsewhere.db")
    second.until(lambda: len(written(kafka)) == 55)
    assert len(second.shelves[0]) == 50
    second.close()
    messages = written(kafka)
    assert [message.headers["outcome"] for message in messages].count(b"revised") == 5
    firsts = {message.key: int(message.headers["placed"]) for message in messages}
    assert sorted(firsts.values()) == list(range(1, 51))


def test_a_shelf_of_streams_that_were_made_anew_is_thrown_away(kafka: KafkaSettings, tmp_path: Path) -> None:
    worker = Grouping(kafka, tmp_path / "a.db")
    feed(kafka, articles(3))
    worker.until(lambda: len(written(kafka)) == 3)
    worker.close()
    journal = TransactionalJournal(kafka, "test-shelf", "tagged.v1", 0)
    shelf = open_shelf(tmp_path / "a.db", journal, {0: "another", 1: "another"})
    assert len(shelf) == 3
    assert shelf.catch_up(journal, {0: "another", 1: "another"}) == 0
    shelf.close()
    journal.close()


def test_the_services_turn_tagged_articles_into_alerts(kafka: KafkaSettings, tmp_path: Path) -> None:
    everything = Subscription(id="all", name="all", query="*:*", created_at=SystemClock().now())
    journal = TransactionalJournal(kafka, "test-app", "subscriptions.v1", 0)
    journal.commit([Message(stream="subscriptions.v1", key="all", value=encode(everything))])
    journal.close()
    fleet = Fleet(
        tmp_path,
        kafka.bootstrap,
        "http://127.0.0.1:1",
        kafka.prefix,
        {"group": 1, "match": 2},
        {"MARSAD_KAFKA__PARTITIONS": "2"},
    )
    fleet.start()
    try:
        feed(kafka, articles(30))
        wait_for(lambda: len(list(read_stream(kafka, "alerts.v1"))) >= 30)
    finally:
        exits = fleet.stop()
    alerts = [decode(Alert, message.value or b"") for message in read_stream(kafka, "alerts.v1")]
    assert len({alert.story_id for alert in alerts}) == len(alerts) == 30
    assert set(exits.values()) == {0}
    assert list(fleet.ended()) == []
