"""Spikes on streams: hits lie by subscription, whatever partition the articles came from; each spike is told once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from marsad.clock import FrozenClock
from marsad.events import AlertRaised, Event
from marsad.ports import Journal
from marsad.records import Alert, Hit, Quarantined, Subscription, Trigger, decode, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_subscription, an_alert
from marsad.testing.journal import Blow, InMemoryStreams, drive
from processors.spike_shard import SpikeShard

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


class Stage:
    """The stage over streams in memory, for partition 1."""

    def __init__(self, *subscriptions: Subscription) -> None:
        self.streams = InMemoryStreams(partitions=2)
        self.table = Table(*subscriptions)
        self.told = Told()

    def open(self, journal: Journal) -> SpikeShard:
        return SpikeShard(journal, self.table, FrozenClock(NOW), self.told)

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
