"""Match on a real broker: two partitions, taken over, each alert once."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from marsad.clock import SystemClock
from marsad.config import DataSettings, KafkaSettings, Settings
from marsad.events import Outcome
from marsad.progress import Progress
from marsad.records import Alert, Article, Story, Subscription, Trigger, decode, encode
from marsad.streams import Message, partition_of
from marsad.testing.factories import NOW, a_subscription, an_article
from marsad_app.bench.fleet import Fleet
from marsad_app.cluster.lag import measure
from marsad_app.cluster.match import matching
from marsad_app.cluster.service import Context, Counter
from processors.article_stream import Shelved, article_message
from processors.transact import TransactionalJournal, read_stream

pytestmark = pytest.mark.cluster


def article(number: int, story: int | None = None) -> Article:
    """An article of a story; stories of even and odd numbers lie in different partitions as chance has it."""
    story = number if story is None else story
    return an_article(
        article_id=f"{number:032}", story_id=f"story-{story}", title=f"خبر رقم {number}", outlet=f"outlet-{number}"
    )


def give(kafka: KafkaSettings, articles: Sequence[Article], outcome: Outcome = Outcome.INDEXED) -> None:
    journal = TransactionalJournal(kafka, "group", "tagged.v1", 0)
    journal.commit([message(kafka, each, outcome) for each in articles])
    journal.close()


def message(kafka: KafkaSettings, each: Article, outcome: Outcome) -> Message:
    story = Story(
        story_id=each.story_id, headline=each.title, first_seen_at=NOW, last_seen_at=NOW, outlets=(each.outlet,)
    )
    return article_message(Shelved(each, 1), [story], None, outcome, kafka.partitions)


def subscribe(kafka: KafkaSettings, *subscriptions: Subscription) -> None:
    journal = TransactionalJournal(kafka, "test-app", "subscriptions.v1", 0)
    journal.commit([Message(stream="subscriptions.v1", key=each.id, value=encode(each)) for each in subscriptions])
    journal.close()


def everything(name: str = "all", *triggers: Trigger) -> Subscription:
    return a_subscription(id=name, name=name, query="*:*", triggers=triggers or (Trigger.NEW_ARTICLE,))


def alerts(kafka: KafkaSettings) -> list[Alert]:
    return [decode(Alert, read.value or b"") for read in read_stream(kafka, "alerts.v1")]


@contextmanager
def worker(kafka: KafkaSettings, folder: Path, instance: str = "m") -> Iterator[Callable[[], int]]:
    settings, progress = Settings(kafka=kafka, data=DataSettings(dir=folder)), Progress()
    with matching(Context(settings, SystemClock(), progress, Counter(progress), instance, threading.Event())) as step:
        yield step


def until(condition: Callable[[], bool], work: Callable[[], object], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come to that in time"
        work()


def rest() -> None:
    time.sleep(0.1)


def test_alerts_of_both_partitions_lie_where_their_stories_are(kafka: KafkaSettings, tmp_path: Path) -> None:
    subscribe(kafka, everything())
    give(kafka, [article(number) for number in range(40)])
    with worker(kafka, tmp_path) as step:
        until(lambda: len(alerts(kafka)) == 40, step)

    places = {read.key: read.partition for read in read_stream(kafka, "alerts.v1")}
    assert places == {alert.alert_id: partition_of(alert.story_id, 2) for alert in alerts(kafka)}
    assert set(places.values()) == {0, 1}


def test_what_was_alerted_before_a_restart_is_not_alerted_again(kafka: KafkaSettings, tmp_path: Path) -> None:
    subscribe(kafka, everything("stories", Trigger.NEW_STORY))
    give(kafka, [article(number, story=number % 5) for number in range(20)])
    with worker(kafka, tmp_path) as step:
        until(lambda: len(alerts(kafka)) == 5, step)
    give(kafka, [article(number, story=number % 6) for number in range(20, 40)])
    with worker(kafka, tmp_path) as step:
        until(lambda: len(alerts(kafka)) == 6, step)

    assert sorted(alert.story_id for alert in alerts(kafka)) == [f"story-{number}" for number in range(6)]


def test_whoever_subscribes_before_an_article_comes_is_alerted(kafka: KafkaSettings, tmp_path: Path) -> None:
    with worker(kafka, tmp_path) as step:
        for number in range(5):
            subscribe(kafka, everything(f"s{number}"))
            give(kafka, [article(number)])
            wanted = (number + 1) * (number + 2) // 2
            until(lambda wanted=wanted: len(alerts(kafka)) >= wanted, step)  # type: ignore[misc]

    assert len(alerts(kafka)) == 15


def test_two_processes_share_the_partitions_and_no_kill_loses_or_repeats_an_alert(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    subscribe(kafka, everything())
    fleet = Fleet(
        tmp_path, kafka.bootstrap, "http://127.0.0.1:1", kafka.prefix, {"match": 2}, {"MARSAD_KAFKA__PARTITIONS": "2"}
    )
    fleet.start()
    try:
        for number in range(6):
            give(kafka, [article(each) for each in range(number * 50, number * 50 + 50)])
            if number in {1, 3}:
                until(lambda: len(alerts(kafka)) > 0, rest)
                fleet.members[number // 2].signal(signal.SIGKILL)
        until(lambda: len(alerts(kafka)) >= 300, rest)
    finally:
        exits = fleet.stop()

    found = [alert.article_id for alert in alerts(kafka)]
    assert sorted(found) == [f"{number:032}" for number in range(300)]
    assert set(exits.values()) == {0}


def burst(first: int, at: datetime, count: int = 6) -> list[Article]:
    """Articles of one hour, each a story of its own."""
    return [
        msgspec.structs.replace(article(number), published_at=at, first_seen_at=at + timedelta(minutes=number % 60))
        for number in range(first, first + count)
    ]


def all_taken(kafka: KafkaSettings) -> bool:
    """Whether all articles are matched and all their hits judged."""
    return not any(stage.lag for stage in measure(kafka, SystemClock()) if stage.stage in {"match", "match-spikes"})


def test_a_spike_is_told_once_whoever_takes_its_hits(kafka: KafkaSettings, tmp_path: Path) -> None:
    began = NOW - timedelta(days=20)
    spikes = msgspec.structs.replace(everything("spikes", Trigger.SPIKE), created_at=began)
    subscribe(kafka, spikes)
    give(kafka, burst(0, NOW, count=4))
    with worker(kafka, tmp_path) as step:
        until(lambda: all_taken(kafka), step)
    assert alerts(kafka) == []

    give(kafka, burst(10, NOW))
    with worker(kafka, tmp_path) as step:
        until(lambda: len(alerts(kafka)) == 1, step)
    # The same articles again, revised, and more of the same spike: neither is another one.
    give(kafka, [*burst(0, NOW, count=4), *burst(20, NOW + timedelta(hours=1))])
    with worker(kafka, tmp_path) as step:
        until(lambda: all_taken(kafka), step)
        give(kafka, burst(30, NOW + timedelta(hours=20)))
        until(lambda: len(alerts(kafka)) == 2 and all_taken(kafka), step)

    first, second = alerts(kafka)
    assert {first.reason, second.reason} == {Trigger.SPIKE}
    assert (first.hits, first.subscription_id) == (5, "spikes")
    assert first.alert_id != second.alert_id


def test_hits_that_wait_are_seen_as_what_the_stage_is_behind(kafka: KafkaSettings, tmp_path: Path) -> None:
    subscribe(kafka, everything("spikes", Trigger.SPIKE))
    give(kafka, burst(0, NOW))
    with worker(kafka, tmp_path) as step:
        until(lambda: all_taken(kafka), step)

        (stage,) = [stage for stage in measure(kafka, SystemClock()) if stage.stage == "match-spikes"]
        assert (stage.stream, stage.members) == ("hits.v1", ("m",))
        assert sum(row.committed or 0 for row in stage.partitions) >= 6
