"""Spikes on streams: hits lie by subscription, whatever partition the articles came from; each spike is told once."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from random import Random

import msgspec
import pytest
from structlog.testing import capture_logs

from marsad.clock import FrozenClock
from marsad.errors import TransientError
from marsad.events import AlertRaised, Event
from marsad.ports import Journal
from marsad.records import Alert, Hit, Quarantined, Subscription, Trigger, decode, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_subscription, an_alert
from marsad.testing.journal import Blow, CrashError, InMemoryStreams, drive
from processors.hit_stream import Reached, hit_message
from processors.spike_shard import PATIENCE, Reach, SpikeShard
from processors.spikes import Spikes, told

BEGAN = NOW - timedelta(days=20)


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    with capture_logs():
        yield


class Table:
    def __init__(self, *subscriptions: Subscription) -> None:
        self.known = {one.id: one for one in subscriptions}

    def get(self, key: str) -> Subscription | None:
        return self.known.get(key)

    def refresh(self, timeout: float = 10.0) -> None:
        """Nothing to wait for."""


class Told:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)


class Ahead:
    """Says how far matching is; a partition of the articles that is not in ``matched`` is not begun."""

    def __init__(self, streams: InMemoryStreams) -> None:
        self.streams = streams
        self.articles = {0: 0, 1: 0}
        self.matched: dict[int, int] = {}
        self.silent = False

    def look(self) -> Reached | None:
        seen = Reached(dict(self.articles), dict(self.matched), self.streams.ends("hits.v1"))
        return None if self.silent else seen


class Stage:
    """The stage over streams in memory, for partition 1."""

    def __init__(self, *subscriptions: Subscription) -> None:
        self.streams = InMemoryStreams(partitions=2)
        self.table = Table(*subscriptions)
        self.told = Told()
        self.clock = FrozenClock(NOW)
        self.ahead = Ahead(self.streams)
        self.reach: Reach = self.ahead

    def open(self, journal: Journal) -> SpikeShard:
        return SpikeShard(journal, self.table, self.clock, self.told, self.reach)

    def open_now(self) -> SpikeShard:
        return self.open(self.streams.open("match-spikes", "hits.v1", 1))

    def match(self, partition: int, hits: Iterable[tuple[int, Hit]]) -> list[Message]:
        """Match the articles of some hits, each with its turn; the messages of the hits."""
        written = []
        for turn, hit in hits:
            offset = self.ahead.matched.get(partition, 0)
            article = Message(
                stream="articles.v1",
                key="a",
                value=b"",
                partition=partition,
                offset=offset,
                headers={"turn": b"%d" % turn},
            )
            self.ahead.matched[partition] = offset + 1
            written.append(msgspec.structs.replace(hit_message(hit, article), partition=1))
        offsets = self.streams.write(written)
        return [msgspec.structs.replace(each, offset=at) for each, at in zip(written, offsets, strict=True)]

    def write(self, *values: bytes) -> None:
        self.streams.write([Message(stream="hits.v1", key="s", value=value, partition=1) for value in values])

    def run(self, *sizes: int) -> None:
        drive(self.streams, "match-spikes", "hits.v1", 1, self.open, sizes=sizes or (500,))

    def alerts(self) -> list[Alert]:
        return [decode(Alert, message.value or b"") for message in self.streams.read("alerts.v1")]


def watched(**fields: object) -> Subscription:
    return a_subscription(**{"id": "s", "triggers": (Trigger.SPIKE,), "created_at": BEGAN, **fields})


def burst(hours_ago: int, hits: int = 9) -> list[bytes]:
    at = NOW - timedelta(hours=hours_ago)
    alert = an_alert(subscription_id="s", reason=Trigger.SPIKE)
    return [
        encode(
            Hit(
                subscription_id="s",
                article_id=f"{hours_ago}-{number}",
                published_at=at,
                first_seen_at=at + timedelta(minutes=number),
                came_at=at + timedelta(minutes=number),
                alert=alert,
            )
        )
        for number in range(hits)
    ]


def test_a_spike_is_one_alert_in_the_partition_of_its_subscription() -> None:
    stage = Stage(watched())
    stage.write(*burst(2))

    stage.run()

    (alert,) = stage.alerts()
    assert (alert.reason, alert.hits) == (Trigger.SPIKE, 5)
    assert [message.partition for message in stage.streams.read("alerts.v1")] == [1]
    assert [type(event) for event in stage.told.events] == [AlertRaised]


@pytest.mark.parametrize("blow", [Blow.CRASH_BEFORE, Blow.CRASH_AFTER, Blow.UNKNOWN, Blow.LOST])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_process_that_ends_at_any_commit_neither_loses_nor_repeats_a_spike(blow: Blow, number: int) -> None:
    stage = Stage(watched())
    stage.write(*burst(100), *burst(2), *burst(1))
    stage.streams.blows = {number: blow}

    stage.run(4)

    assert len(stage.alerts()) == 2
    assert len({alert.alert_id for alert in stage.alerts()}) == 2


def test_the_hits_of_a_removed_subscription_raise_nothing() -> None:
    stage = Stage()
    stage.write(*burst(2))

    stage.run()

    assert stage.alerts() == []


def test_what_is_no_hit_goes_to_quarantine_and_the_others_count() -> None:
    stage = Stage(watched())
    first, *others = burst(2)
    stage.write(first, b"{}", b"\xff", *others)

    stage.run()

    kept = [decode(Quarantined, message.value or b"") for message in stage.streams.read("quarantine.v1")]
    assert [(item.stage, item.payload) for item in kept] == [("match", b"{}"), ("match", b"\xff")]
    assert len(stage.alerts()) == 1


def test_hits_that_are_read_together_count_in_the_order_in_which_they_came() -> None:
    hits = [*burst(3, hits=5), *burst(2, hits=5)]
    in_turn, turned = Stage(watched()), Stage(watched())
    in_turn.write(*hits)
    turned.write(*hits[::-1])

    for stage in (in_turn, turned):
        stage.run()

    assert [alert.alert_id for alert in turned.alerts()] == [alert.alert_id for alert in in_turn.alerts()]
    assert len(turned.alerts()) == 1


def a_hit(name: str, hours_ago: int, minutes: int = 0) -> Hit:
    at = NOW - timedelta(hours=hours_ago) + timedelta(minutes=minutes)
    alert = an_alert(subscription_id="s", reason=Trigger.SPIKE, article_id=name)
    return Hit(subscription_id="s", article_id=name, published_at=at, first_seen_at=at, came_at=at, alert=alert)


def test_hits_wait_for_a_partition_whose_articles_came_before_theirs() -> None:
    stage = Stage(watched())
    shard = stage.open_now()
    stage.ahead.articles = {0: 6, 1: 6}
    shard.take(stage.match(1, [(number + 5, a_hit(f"late-{number}", 2)) for number in range(5)]))

    assert shard.tick() == 0
    stage.match(0, [(number, a_hit(f"early-{number}", 2)) for number in range(5)])

    assert shard.tick() == 10
    assert [alert.article_id for alert in stage.alerts()] == ["early-4"]
    assert stage.streams.place("match-spikes", "hits.v1", 1) == 11


def test_hits_of_articles_that_were_written_later_wait_for_the_next_time() -> None:
    stage = Stage(watched())
    shard = stage.open_now()
    stage.ahead.articles, stage.ahead.matched = {0: 2, 1: 0}, {}
    first = stage.match(0, [(0, a_hit("first", 2))])
    shard.take(first)
    later = stage.match(0, [(number, a_hit(f"later-{number}", 2)) for number in range(3, 7)])
    shard.take(later)

    stage.ahead.articles = {0: 6, 1: 3}
    assert shard.tick() == 0
    stage.match(1, [(2, a_hit("second", 2)), (1, a_hit("third", 2))])
    assert shard.tick() == 7
    assert [alert.article_id for alert in stage.alerts()] == ["later-4"]


def test_a_partition_without_news_holds_up_nothing() -> None:
    stage = Stage(watched())
    shard = stage.open_now()
    stage.ahead.articles = {0: 6, 1: 0}
    shard.take(stage.match(0, [(number, a_hit(f"{number}", 2)) for number in range(5)]))

    assert shard.tick() == 5
    assert len(stage.alerts()) == 1


def test_while_the_broker_does_not_say_how_far_matching_is_nothing_is_told() -> None:
    stage = Stage(watched())
    shard = stage.open_now()
    shard.take(stage.match(0, [(number, a_hit(f"{number}", 2)) for number in range(5)]))
    stage.ahead.silent = True

    assert shard.tick() == 0
    assert stage.alerts() == []


def test_a_partition_that_is_never_matched_does_not_silence_spikes_for_ever() -> None:
    stage = Stage(watched())
    shard = stage.open_now()
    stage.ahead.articles = {0: 6, 1: 100}
    shard.take(stage.match(0, [(number, a_hit(f"{number}", 2)) for number in range(5)]))

    assert shard.tick() == 0
    stage.clock.advance(PATIENCE.total_seconds())
    assert shard.tick() == 5
    assert len(stage.alerts()) == 1


class Partitions:
    """Articles, one for each hit, that are written in turn and matched a few at a time, each partition at its own pace."""

    def __init__(self, streams: InMemoryStreams, random: Random) -> None:
        self.streams = streams
        self.random = random

    def look(self) -> Reached:
        ends = self.streams.ends("articles.v1")
        matched = {number: self.streams.place("match", "articles.v1", number) for number in ends}
        return Reached(ends, matched, self.streams.ends("hits.v1"))

    def write(self, turn: int, hit: Hit) -> None:
        headers = {"turn": b"%d" % turn}
        partition = self.random.randrange(2)
        self.streams.write(
            [Message(stream="articles.v1", key="a", value=encode(hit), partition=partition, headers=headers)]
        )

    def match(self, partition: int, most: int) -> None:
        journal = self.streams.open("match", "articles.v1", partition)
        place = self.streams.place("match", "articles.v1", partition)
        for article in self.streams.read("articles.v1", partition, start=place)[:most]:
            hit = hit_message(decode(Hit, article.value or b""), article)
            journal.commit([msgspec.structs.replace(hit, partition=1)], upto=article.offset + 1)


class Owner:
    """Who owns the partition of the hits; whenever one dies there is another."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.die()

    def die(self) -> None:
        self.shard = self.stage.open_now()
        self.next = self.stage.streams.place("match-spikes", "hits.v1", 1)

    def work(self, most: int) -> None:
        waiting = self.stage.streams.read("hits.v1", 1, start=self.next)[:most]
        if waiting:
            self.shard.take(waiting)
            self.next = waiting[-1].offset + 1
        try:
            self.shard.tick()
        except (CrashError, TransientError):
            self.die()


@pytest.mark.parametrize("seed", range(25))
def test_spikes_are_those_of_one_process_however_partitions_are_read_and_whenever_the_owner_dies(seed: int) -> None:
    random, whose = Random(seed), watched()
    moments = [(random.choice((100, 101, 160, 161, random.randrange(300))), random.randrange(60)) for _ in range(150)]
    hits = [a_hit(f"{number}", 301 - hour, minute) for number, (hour, minute) in enumerate(sorted(moments))]
    alone = Spikes()
    expected = [told(spike, hit, whose) for hit in hits if (spike := alone.see(hit, whose)) is not None]
    stage = Stage(whose)
    parts = Partitions(stage.streams, random)
    stage.reach = parts
    owner = Owner(stage)

    for turn, hit in enumerate(hits):
        parts.write(turn, hit)
        if random.random() < 0.3:
            parts.match(random.randrange(2), random.randrange(40))
            blow = random.choice((Blow.CRASH_BEFORE, Blow.CRASH_AFTER, Blow.UNKNOWN, Blow.LOST, None))
            stage.streams.blows = {stage.streams.commits + 1: blow} if blow is not None else {}
            owner.work(random.randrange(30))
            stage.streams.blows = {}
    for number in (0, 1):
        parts.match(number, len(hits))
    while stage.streams.place("match-spikes", "hits.v1", 1) < stage.streams.ends("hits.v1")[1] - 1:
        owner.work(len(hits))

    assert expected
    assert [(each.alert_id, each.article_id, each.hits) for each in stage.alerts()] == [
        (each.alert_id, each.article_id, each.hits) for each in expected
    ]
