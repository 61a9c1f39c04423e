"""Group on a real broker: restored with or without its shelf, taken over when a process is killed."""

import collections
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaAdminClient

from marsad.clock import SystemClock
from marsad.config import DataSettings, KafkaSettings, Settings
from marsad.connect import kafka_options
from marsad.errors import TransientError
from marsad.progress import Progress
from marsad.records import Article, Story, decode, encode
from marsad.streams import Message, partition_of, topic_name
from marsad.testing.factories import an_article
from marsad_app.bench.fleet import Fleet
from marsad_app.cluster.admin import create_streams
from marsad_app.cluster.group import grouping, open_shard
from marsad_app.cluster.service import Context, Counter
from marsad_app.newsroom.content import load
from processors.transact import TransactionalJournal, read_stream

pytestmark = pytest.mark.cluster

SAMPLES = [sample for sample in load().articles if sample.version == 1]


def articles(count: int, first: int = 0) -> list[Article]:
    """The newsroom's articles, again and again."""
    return [
        an_article(
            article_id=f"{number:032}",
            title=sample.title,
            text="\n".join(sample.paragraphs),
            outlet=sample.outlet,
            feed_ids=(sample.outlet,),
        )
        for number in range(first, first + count)
        for sample in (SAMPLES[number % len(SAMPLES)],)
    ]


def give(kafka: KafkaSettings, news: Sequence[Article]) -> None:
    journal = TransactionalJournal(kafka, "test-feed", "tagged.v1", 0)
    journal.commit(
        [Message(stream="tagged.v1", key=article.article_id, value=encode(article), partition=0) for article in news]
    )
    journal.close()


def written(kafka: KafkaSettings) -> list[Message]:
    """In the order in which they were written."""
    return sorted(read_stream(kafka, "articles.v1"), key=lambda message: (message.at, message.headers["placed"]))


def placed(messages: Sequence[Message]) -> dict[str, tuple[int, str, str]]:
    """By article: its place, its story and its original, as they were written last."""
    found = {}
    for message in messages:
        article = decode(Article, message.value or b"")
        found[message.key] = (int(message.headers["placed"]), article.story_id, article.duplicate_of)
    return found


def stories(messages: Sequence[Message]) -> dict[str, Story]:
    told = [decode(Story, message.headers["story"]) for message in messages]
    return {story.story_id: story for story in sorted(told, key=lambda story: story.edition)}


def context(kafka: KafkaSettings, folder: Path, instance: str = "g") -> Context:
    settings = Settings(kafka=kafka, data=DataSettings(dir=folder))
    progress = Progress()
    return Context(settings, SystemClock(), progress, Counter(progress), instance, threading.Event())


@contextmanager
def worker(kafka: KafkaSettings, folder: Path, instance: str = "g") -> Iterator[Callable[[Callable[[], bool]], None]]:
    """A grouping worker inside the test; what is given works until a condition holds."""
    with grouping(context(kafka, folder, instance)) as step:

        def until(condition: Callable[[], bool], seconds: float = 40) -> None:
            limit = time.monotonic() + seconds
            while not condition():
                assert time.monotonic() < limit, "it did not come to that in time"
                step()

        yield until


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come to that in time"
        time.sleep(0.1)


def corrections(news: Sequence[Article]) -> list[Article]:
    return [msgspec.structs.replace(article, text=article.text + " وفق البيان", revision=2) for article in news]


def test_a_worker_goes_on_after_a_restart_with_its_shelf_and_without_it(kafka: KafkaSettings, tmp_path: Path) -> None:
    with worker(kafka, tmp_path / "here") as work:
        give(kafka, articles(40))
        work(lambda: len(written(kafka)) == 40)
    with worker(kafka, tmp_path / "here") as work:
        give(kafka, [*corrections(articles(5)), *articles(10, first=40)])
        work(lambda: len(written(kafka)) == 55)
    with worker(kafka, tmp_path / "elsewhere") as work:
        give(kafka, [*corrections(articles(10)), *articles(10, first=50)])
        work(lambda: len(written(kafka)) == 70)

    messages = written(kafka)
    outcomes = [message.headers["outcome"] for message in messages]
    assert outcomes.count(b"revised") == 10
    assert sorted(place for place, _, _ in placed(messages).values()) == list(range(1, 61))
    assert all(message.partition == partition_of(placed([message])[message.key][1], 2) for message in messages)
    members = collections.Counter(story for _, story, _ in placed(messages).values())
    assert {story_id: story.size for story_id, story in stories(messages).items()} == members


def test_it_groups_as_one_that_was_never_restarted(kafka: KafkaSettings, tmp_path: Path) -> None:
    news = [*articles(30), *corrections(articles(8)), *articles(20, first=30)]
    for number, first in enumerate(range(0, len(news), 17)):
        part = news[first : first + 17]
        come = first + len(part)
        give(kafka, part)
        with worker(kafka, tmp_path / str(number % 2)) as work:
            work(lambda wanted=come: len(written(kafka)) == wanted)  # type: ignore[misc]
    whole = kafka.model_copy(update={"prefix": f"{kafka.prefix}-whole"})
    create_streams(whole)
    give(whole, news)
    with worker(whole, tmp_path / "whole") as work:
        work(lambda: len(written(whole)) == len(news))

    assert placed(written(kafka)) == placed(written(whole))
    assert stories(written(kafka)) == stories(written(whole))
    assert 2 < len(stories(written(whole))) < 50


def test_a_worker_that_stands_by_takes_over_when_the_other_leaves(kafka: KafkaSettings, tmp_path: Path) -> None:
    leave, stop = threading.Event(), threading.Event()

    def work(name: str, end: threading.Event) -> None:
        with grouping(context(kafka, tmp_path, name)) as step:
            while not end.is_set():
                step()

    threads = [threading.Thread(target=work, args=args) for args in (("a", leave), ("b", stop))]
    for thread in threads:
        thread.start()
    try:
        for number in range(4):
            give(kafka, articles(20, first=number * 20))
            until(lambda wanted=20 * number + 20: len(written(kafka)) == wanted)  # type: ignore[misc]
            if number == 1:
                leave.set()
    finally:
        leave.set()
        stop.set()
        for thread in threads:
            thread.join(20)

    assert sorted(place for place, _, _ in placed(written(kafka)).values()) == list(range(1, 81))


def test_a_process_that_is_killed_is_followed_by_the_one_that_stands_by(kafka: KafkaSettings, tmp_path: Path) -> None:
    fleet = Fleet(
        tmp_path, kafka.bootstrap, "http://127.0.0.1:1", kafka.prefix, {"group": 2}, {"MARSAD_KAFKA__PARTITIONS": "2"}
    )
    fleet.start()
    try:
        for number in range(6):
            give(kafka, articles(30, first=number * 30))
            if number in {1, 3}:
                until(lambda: len(written(kafka)) > 0)
                fleet.members[number // 2].signal(signal.SIGKILL)
        until(lambda: len(written(kafka)) >= 180)
    finally:
        exits = fleet.stop()

    assert set(exits.values()) == {0}
    assert len(written(kafka)) == 180
    assert sorted(place for place, _, _ in placed(written(kafka)).values()) == list(range(1, 181))


def test_a_shelf_of_streams_that_were_made_anew_is_emptied(kafka: KafkaSettings, tmp_path: Path) -> None:
    with worker(kafka, tmp_path) as work:
        give(kafka, articles(3))
        work(lambda: len(written(kafka)) == 3)
    admin = KafkaAdminClient(**kafka_options(kafka))
    admin.delete_topics([topic_name(kafka.prefix, "articles.v1")])
    until(lambda: topic_name(kafka.prefix, "articles.v1") not in admin.list_topics())
    admin.close()
    create_streams(kafka)

    journal = TransactionalJournal(kafka, "group", "tagged.v1", 0)
    shard = open_shard(context(kafka, tmp_path), journal)
    shard.take([Message(stream="tagged.v1", key=each.article_id, value=encode(each), offset=9) for each in articles(2)])
    shard.close()
    journal.close()

    assert [message.headers["outcome"] for message in written(kafka)] == [b"indexed", b"indexed"]
    assert placed(written(kafka)).keys() == {each.article_id for each in articles(2)}


def test_without_streams_it_says_what_is_missing(kafka: KafkaSettings, tmp_path: Path) -> None:
    journal = TransactionalJournal(kafka, "group", "tagged.v1", 0)
    missing = kafka.model_copy(update={"prefix": f"{kafka.prefix}-missing"})

    with pytest.raises(TransientError, match="marsad cluster init"):
        open_shard(context(missing, tmp_path), journal)
    journal.close()
