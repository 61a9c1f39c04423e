"""From the articles' stream into a real Elasticsearch."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from marsad.clock import SystemClock
from marsad.config import DataSettings, ElasticsearchSettings, KafkaSettings, Settings
from marsad.progress import Progress
from marsad.records import Article, FeedState, Quarantined, decode, encode
from marsad.streams import Message, partition_of
from marsad.testing.factories import a_feed, a_story, a_subscription, an_alert, an_article
from marsad_app.cluster.index import indexing
from marsad_app.cluster.service import Context, Counter, Step
from marsad_app.cluster.writing import StreamWriter
from processors.transact import TransactionalJournal, read_stream
from sinks.from_kafka import GroupReader
from sinks.index.client import connect
from sinks.index.document import BOARDS, board_index, month_index, read_alias, story_index
from sinks.index.mapping import ensure_indices

pytestmark = pytest.mark.cluster


@contextlib.contextmanager
def indexer(
    kafka: KafkaSettings, elastic: ElasticsearchSettings, progress: Progress | None = None, instance: str = "one"
) -> Iterator[Step]:
    settings = Settings(kafka=kafka, elasticsearch=elastic, data=DataSettings())
    progress = progress or Progress()
    context = Context(settings, SystemClock(), progress, Counter(progress), instance, threading.Event())
    with indexing(context) as step:
        yield step


def until(reached: Callable[[], bool], *steps: Step, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        for step in steps:
            step()


def articles_of(progress: Progress) -> set[int]:
    """The partitions of articles that a worker has."""
    return {partition for name, partition in progress.positions() if name == "articles.v1"}


def publish(kafka: KafkaSettings, articles: Sequence[Article], **headers: bytes) -> None:
    placed: dict[int, list[Message]] = {}
    for article in articles:
        partition = partition_of(article.story_id, kafka.partitions)
        message = Message(
            stream="articles.v1", key=article.article_id, value=encode(article), partition=partition, headers=headers
        )
        placed.setdefault(partition, []).append(message)
    with contextlib.closing(TransactionalJournal(kafka, "group", "tagged.v1", 0)) as journal:
        for messages in placed.values():
            journal.commit(messages)


def some(count: int, **fields: Any) -> list[Article]:
    return [an_article(article_id=f"{n:032x}", story_id=f"story-{n}", **fields) for n in range(count)]


def stored(elastic: ElasticsearchSettings, index: str = "") -> dict[str, dict[str, Any]]:
    with connect(elastic) as client:
        index = index or read_alias(elastic.prefix)
        client.indices.refresh(index=index, ignore_unavailable=True)
        answer = client.search(index=index, size=10_000, ignore_unavailable=True)
        return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}


def committed(progress: Progress, count: int) -> Callable[[], bool]:
    return lambda: sum(progress.counts.values()) >= count


def test_an_idle_service_has_the_indices_ready_before_the_first_article(
    kafka: KafkaSettings, elastic: ElasticsearchSettings
) -> None:
    names = [month_index(SystemClock().now(), elastic.prefix), story_index(elastic.prefix)]
    names += [board_index(board, elastic.prefix) for board in BOARDS]
    with indexer(kafka, elastic) as step, connect(elastic) as client:
        until(lambda: bool(client.indices.exists(index=names)), step)
        assert ensure_indices(client, elastic, SystemClock().now()) == []
        assert read_alias(elastic.prefix) in client.indices.get_alias(index=names[0])[names[0]]["aliases"]


def test_every_article_and_its_story_arrive(kafka: KafkaSettings, elastic: ElasticsearchSettings) -> None:
    articles = some(1_500)
    publish(kafka, articles, story=encode(a_story(story_id="s", size=3)))
    progress = Progress()
    with indexer(kafka, elastic, progress) as step:
        until(committed(progress, 1_500), step)
        until(lambda: sum(place.lag for place in progress.positions().values()) == 0, step)
    found = stored(elastic)
    assert len(found) == 1_500
    assert decode(Article, msgspec.json.encode(found[articles[7].article_id])) == articles[7]
    assert stored(elastic, story_index(elastic.prefix))["s"]["size"] == 3
    assert progress.counts == {"indexed": 1_500}
    assert progress.waiting() == {}


def test_work_redone_after_a_crash_changes_nothing(
    kafka: KafkaSettings, elastic: ElasticsearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(kafka, some(300))
    publish(kafka, some(100, title="خبر مصحح", revision=2))
    with monkeypatch.context() as patch, indexer(kafka, elastic) as step:
        # All is written, but the process ends before its place is committed.
        patch.setattr(GroupReader, "commit", lambda *_: [])
        until(lambda: [found["revision"] for found in stored(elastic).values()].count(2) == 100, step)
        until(lambda: len(stored(elastic)) == 300, step)
    before = stored(elastic)
    progress = Progress()
    with indexer(kafka, elastic, progress) as step:
        until(committed(progress, 400), step)
    assert stored(elastic) == before
    assert sum(found["revision"] == 2 for found in before.values()) == 100
    # The first hundred are there in a newer edition; the same edition is written over itself.
    assert progress.counts == {"unchanged": 100, "indexed": 300}


def test_what_was_committed_is_not_read_again(kafka: KafkaSettings, elastic: ElasticsearchSettings) -> None:
    publish(kafka, some(50))
    progress = Progress()
    with indexer(kafka, elastic, progress) as step:
        until(committed(progress, 50), step)
    publish(kafka, some(51)[50:])
    again = Progress()
    with indexer(kafka, elastic, again) as step:
        until(committed(again, 1), step)
    assert again.counts == {"indexed": 1}


def test_a_document_that_cannot_be_indexed_goes_to_quarantine_and_the_others_arrive(
    kafka: KafkaSettings, elastic: ElasticsearchSettings
) -> None:
    articles = some(200)
    # No number that the mapping takes.
    article = an_article(article_id="f" * 32, story_id="bad", revision=1)
    wire = encode(article).replace(b'"countries":[]', b'"countries":[{"code":"DZ","mentions":9223372036854775808}]')
    publish(kafka, articles[:100])
    with contextlib.closing(TransactionalJournal(kafka, "group", "tagged.v1", 0)) as journal:
        journal.commit([Message(stream="articles.v1", key=article.article_id, value=wire, partition=0)])
        journal.commit([Message(stream="articles.v1", key="unreadable", value=b"{no record", partition=0)])
        journal.commit([Message(stream="articles.v1", key="gone", value=None, partition=0)])
    publish(kafka, articles[100:])
    progress = Progress()
    with indexer(kafka, elastic, progress) as step:
        until(committed(progress, 203), step)
    assert len(stored(elastic)) == 200
    assert progress.counts == {"indexed": 200, "quarantined": 2, "dropped": 1}
    kept = {item.key: item for message in read_stream(kafka, "quarantine.v1") for item in [_item(message)]}
    assert set(kept) == {"f" * 32, "unreadable"}
    refused = kept["f" * 32]
    assert (refused.stage, refused.payload) == ("index", wire)
    assert "countries.mentions" in refused.reason
    assert "articles.v1 partition 0 offset" in refused.detail
    assert kept["unreadable"].payload == b"{no record"


def _item(message: Message) -> Quarantined:
    assert message.value is not None
    return decode(Quarantined, message.value)


def test_an_article_that_is_first_seen_earlier_moves_to_that_month(
    kafka: KafkaSettings, elastic: ElasticsearchSettings
) -> None:
    before = some(1)[0]
    after = msgspec.structs.replace(before, first_seen_at=before.first_seen_at.replace(month=6), edition=2)
    publish(kafka, [before])
    publish(kafka, [after], previous=encode(before))
    progress = Progress()
    with indexer(kafka, elastic, progress) as step:
        until(committed(progress, 2), step)
    with connect(elastic) as client:
        client.indices.refresh(index=read_alias(elastic.prefix))
        hits = client.search(index=read_alias(elastic.prefix))["hits"]["hits"]
    assert [hit["_index"] for hit in hits] == [f"{elastic.prefix}-articles-2026-06"]


def test_a_second_worker_takes_a_share_and_nothing_is_missing(
    kafka: KafkaSettings, elastic: ElasticsearchSettings
) -> None:
    publish(kafka, some(400))
    one, two = Progress(), Progress()
    with indexer(kafka, elastic, one, "one") as first:
        until(lambda: len(articles_of(one)) == 2, first)
        with indexer(kafka, elastic, two, "two") as second, _running(second):
            until(lambda: len(articles_of(one)) == 1 and len(articles_of(two)) == 1, first)
            publish(kafka, some(800)[400:])
            until(lambda: len(stored(elastic)) == 800, first)
            # What was written but not committed when the share moved is read again and found unchanged.
            counted = ("indexed", "unchanged")
            until(lambda: sum(each.counts.get(name, 0) for each in (one, two) for name in counted) >= 800, first)
            until(lambda: sum(place.lag for place in two.positions().values()) == 0, first)
    assert two.counts["indexed"] > 100


@contextlib.contextmanager
def _running(step: Step) -> Iterator[None]:
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            step()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_states_of_feeds_and_alerts_arrive_for_the_dashboards(
    kafka: KafkaSettings, elastic: ElasticsearchSettings
) -> None:
    feed = a_feed()
    with contextlib.closing(StreamWriter(kafka)) as writer:
        writer.write(
            [
                Message(stream="feeds.v1", key=feed.id, value=encode(feed)),
                Message(stream="subscriptions.v1", key="subscription-1", value=encode(a_subscription())),
                Message(stream="feed-states.v1", key=feed.id, value=encode(FeedState(feed_id=feed.id, failures=2))),
                Message(stream="alerts.v1", key="alert-1", value=encode(an_alert())),
            ]
        )
    progress = Progress()
    with indexer(kafka, elastic, progress) as step:
        boards = [board_index(board, elastic.prefix) for board in BOARDS]
        until(lambda: all(stored(elastic, board) for board in boards), step)
    feeds, alerts = (stored(elastic, board) for board in boards)

    assert (feeds[feed.id]["title"], feeds[feed.id]["failures"]) == (feed.title, 2)
    assert alerts["alert-1"]["subscription"] == a_subscription().name
    assert progress.counts == {}
