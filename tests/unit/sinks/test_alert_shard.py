from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from threading import Event

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.clock import FrozenClock
from marsad.config import AlertSettings
from marsad.errors import FencedError, PoisonError, TransientError
from marsad.progress import Progress
from marsad.records import Alert, Delivery, DeliveryState, Quarantined, Subscription, decode, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_subscription, an_alert
from sinks.alerts.deliver import Sender
from sinks.alerts.plan import Batch
from sinks.alerts.shard import DeliveryShard
from sinks.alerts.waiting import KnownIds


class CrashError(BaseException):
    """The process is gone."""


class Streams:
    """The streams of one partition, which outlive every owner; a crash can be ordered for any step."""

    partition = 1

    def __init__(self) -> None:
        self.kept: dict[str, list[Message]] = {}
        self.place = 0
        self.steps = 0
        self.crashes: set[int] = set()
        self.failing: Exception | None = None

    def point(self) -> None:
        """A place at which the process can end."""
        self.steps += 1
        if self.steps in self.crashes:
            raise CrashError

    def add(self, message: Message) -> int:
        log = self.kept.setdefault(message.stream, [])
        log.append(msgspec.structs.replace(message, offset=len(log), at=NOW))
        return len(log) - 1

    def commit(self, messages: Sequence[Message], *, upto: int | None = None) -> Sequence[int]:
        self.point()
        if self.failing:
            raise self.failing
        offsets = [self.add(message) for message in messages]
        self.place = self.place if upto is None else upto
        self.point()
        return offsets

    def read(self, stream: str, partition: int | None = None, *, start: int = 0) -> Iterator[Message]:
        assert partition == self.partition
        yield from self.kept.get(stream, [])[start:]

    def untaken(self, most: int) -> list[Message]:
        return self.kept.get("alerts.v1", [])[self.place : self.place + most]

    def deliveries(self, state: DeliveryState | None = None) -> list[Delivery]:
        """Every state ever written, or those of one kind."""
        read = [decode(Delivery, message.value or b"") for message in self.kept.get("deliveries.v1", [])]
        return [delivery for delivery in read if state in {None, delivery.state}]

    def newest(self) -> dict[str, Delivery]:
        return {delivery.delivery_id: delivery for delivery in self.deliveries()}


class Table:
    """Subscriptions of which some are only seen after a refresh."""

    def __init__(self, *subscriptions: Subscription) -> None:
        self.rows = {subscription.id: subscription for subscription in subscriptions}
        self.unseen: dict[str, Subscription] = {}
        self.refreshed = 0

    def get(self, key: str) -> Subscription | None:
        return self.rows.get(key)

    def refresh(self, timeout: float = 10.0) -> None:
        self.refreshed += 1
        self.rows |= self.unseen


class FakeOutlet:
    """Takes messages, or fails as told."""

    def __init__(self, point: Callable[[], None] = lambda: None) -> None:
        self.got: list[tuple[str, tuple[str, ...]]] = []
        self.failing: list[Exception] = []
        self._point = point

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        self._point()
        if self.failing:
            raise self.failing.pop()
        self.got.append((key, tuple(alert.alert_id for alert in alerts)))
        self._point()


class Desk:
    """One partition with a present owner."""

    def __init__(self, *subscriptions: Subscription, inline: bool = True) -> None:
        self.streams = Streams()
        self.table = Table(*(subscriptions or (a_subscription(outlets=("fake:a",)),)))
        self.outlets = {name: FakeOutlet(self.streams.point) for name in ("fake:a", "fake:b")}
        self.clock = FrozenClock(NOW)
        self.progress = Progress()
        self.inline = inline
        self.shard = self.owner()

    def owner(self, sender: Sender | None = None) -> DeliveryShard:
        """Someone who takes the partition over."""
        sender = sender or Sender(self.outlets, AlertSettings(), self.clock)
        self.shard = DeliveryShard(
            self.streams,
            self.table,
            sender,
            self.clock,
            self.progress,
            **({"start": lambda work: work()} if self.inline else {}),
        )
        return self.shard

    def raise_alerts(self, *names: str, subscription: str = "subscription-1") -> None:
        for name in names:
            alert = an_alert(alert_id=name, subscription_id=subscription, at=self.clock.now())
            self.streams.add(Message(stream="alerts.v1", key=name, value=encode(alert), partition=1))

    def step(self, most: int = 500) -> int:
        batch = self.streams.untaken(most)
        if batch:
            self.shard.take(batch)
        return self.shard.tick()

    def got(self, outlet: str = "fake:a") -> list[tuple[str, ...]]:
        return [alerts for _, alerts in self.outlets[outlet].got]

    def states(self) -> list[DeliveryState]:
        return [delivery.state for delivery in self.streams.newest().values()]


def test_an_alert_is_planned_sent_and_written_down() -> None:
    desk = Desk()
    desk.raise_alerts("a")

    desk.step()

    assert desk.got() == [("a",)]
    assert [delivery.state for delivery in desk.streams.deliveries()] == ["pending", "sending", "sent"]
    assert desk.streams.place == 1
    assert desk.step() == 0
    assert desk.progress.counts == {"planned": 1, "sent": 1}


def test_an_alert_goes_to_every_outlet_of_its_subscription() -> None:
    desk = Desk(a_subscription(outlets=("fake:a", "fake:b")))
    desk.raise_alerts("a")

    desk.step()

    assert [desk.got("fake:a"), desk.got("fake:b")] == [[("a",)], [("a",)]]


def test_a_new_owner_goes_on_where_the_last_one_ended() -> None:
    desk = Desk(a_subscription(outlets=("fake:a",), cadence="hourly"))
    desk.raise_alerts("a", "b")
    desk.step()
    desk.owner()
    desk.raise_alerts("c")
    desk.step()
    assert desk.got() == []

    desk.clock.advance(3600)
    desk.step()

    assert desk.got() == [("a", "b", "c")]
    assert set(desk.states()) == {DeliveryState.SENT}


def test_a_digest_under_way_in_a_crash_goes_out_again_without_what_came_later() -> None:
    desk = Desk(a_subscription(outlets=("fake:a",), cadence="hourly"))
    desk.raise_alerts("a", "b")
    desk.step()
    desk.raise_alerts("late")
    desk.clock.advance(3600)
    desk.streams.crashes = {desk.streams.steps + 3}  # in the outlet
    with pytest.raises(CrashError):
        desk.shard.tick()

    desk.owner()
    desk.step()

    keys = [key for key, alerts in desk.outlets["fake:a"].got if alerts == ("a", "b")]
    assert [alerts for _, alerts in desk.outlets["fake:a"].got] == [("a", "b"), ("late",)]
    assert keys == [desk.streams.deliveries()[0].delivery_id]


def test_an_alert_that_is_read_again_is_not_sent_again() -> None:
    desk = Desk()
    desk.raise_alerts("a")
    desk.step()
    desk.owner()
    desk.streams.place = 0  # the group's place was lost

    desk.step()

    assert desk.got() == [("a",)]
    assert len(desk.streams.deliveries()) == 3


def test_a_failure_is_tried_again_later_also_by_a_new_owner() -> None:
    desk = Desk()
    desk.outlets["fake:a"].failing = [TransientError("503")]
    desk.raise_alerts("a")
    desk.step()
    desk.owner()
    assert desk.step() == 0

    desk.clock.advance(31)
    desk.step()

    assert desk.got() == [("a",)]
    assert desk.streams.newest().popitem()[1].attempts == 2


def test_an_outlet_that_never_will_is_given_up() -> None:
    desk = Desk()
    desk.outlets["fake:a"].failing = [PoisonError("no such channel")]
    desk.raise_alerts("a")

    desk.step()

    assert [(each.state, each.last_error) for each in desk.streams.newest().values()] == [("failed", "no such channel")]
    assert desk.progress.counts["given up"] == 1


def test_a_subscription_that_is_newer_than_the_table_is_looked_for_once() -> None:
    desk = Desk()
    desk.table.unseen = {"new": a_subscription(id="new", outlets=("fake:b",))}
    desk.raise_alerts("a", subscription="new")
    desk.raise_alerts("b", "c", subscription="never")

    desk.step()

    assert desk.got("fake:b") == [("a",)]
    assert desk.table.refreshed == 1
    assert desk.streams.place == 3
    assert len(desk.streams.newest()) == 1


def test_what_a_removed_subscription_still_had_to_send_is_given_up() -> None:
    desk = Desk(a_subscription(outlets=("fake:a",), cadence="hourly"))
    desk.raise_alerts("a")
    desk.step()
    desk.table.rows.clear()
    desk.clock.advance(3600)

    desk.step()

    assert desk.got() == []
    assert [each.last_error for each in desk.streams.newest().values()] == ["the subscription was removed"]


def test_an_alert_that_cannot_be_read_goes_to_quarantine_and_the_others_go_on() -> None:
    desk = Desk()
    desk.streams.add(Message(stream="alerts.v1", key="bad", value=b"{}", partition=1))
    desk.streams.add(Message(stream="alerts.v1", key="removed", value=None, partition=1))
    desk.raise_alerts("a")

    desk.step()

    (refused,) = desk.streams.kept["quarantine.v1"]
    assert decode(Quarantined, refused.value or b"").payload == b"{}"
    assert desk.got() == [("a",)]


def test_a_delivery_whose_alert_is_no_longer_kept_is_given_up() -> None:
    desk = Desk(a_subscription(outlets=("fake:a",), cadence="weekly"))
    desk.raise_alerts("a")
    desk.step()
    desk.streams.kept["alerts.v1"][0] = Message(stream="alerts.v1", key="a", value=None)
    desk.owner()

    assert desk.shard.tick() == 1
    assert [each.state for each in desk.streams.newest().values()] == [DeliveryState.FAILED]
    assert desk.shard.tick() == 0


def test_a_long_digest_is_sent_in_parts() -> None:
    desk = Desk(a_subscription(outlets=("fake:a",), cadence="daily"))
    desk.raise_alerts(*(f"a{n}" for n in range(250)))
    desk.step()
    desk.clock.advance(86_400)
    desk.step()

    assert [len(alerts) for alerts in desk.got()] == [100, 100, 50]


def test_an_owner_that_was_put_out_sends_nothing() -> None:
    desk = Desk()
    desk.raise_alerts("a")
    desk.shard.take(desk.streams.untaken(1))
    desk.streams.failing = FencedError("another process")

    with pytest.raises(FencedError):
        desk.shard.tick()
    desk.shard.close()

    assert desk.got() == []


def test_a_service_that_hangs_holds_up_neither_the_others_nor_the_caller() -> None:
    released, hanging = Event(), Event()
    desk = Desk(a_subscription(outlets=("fake:a",)), a_subscription(id="two", outlets=("fake:b",)), inline=False)

    def hang() -> None:
        hanging.set()
        released.wait(10)

    desk.outlets["fake:a"] = FakeOutlet(hang)
    desk.owner()
    desk.raise_alerts("a", "b")
    desk.raise_alerts("c", subscription="two")
    desk.step()
    assert hanging.wait(10)
    while not desk.got("fake:b") or "sent" not in desk.states():
        desk.step()

    assert desk.shard.backlog == 1
    released.set()
    while desk.states().count(DeliveryState.SENT) < 3:
        desk.step()
    assert desk.got() == [("a",), ("b",)]


def test_what_ends_while_it_lets_go_is_still_written_down() -> None:
    desk = Desk(inline=False)
    began, released = Event(), Event()

    def slow() -> None:
        began.set()
        released.wait(10)

    desk.outlets["fake:a"] = FakeOutlet(slow)
    desk.owner()
    desk.raise_alerts("a")
    desk.step()
    assert began.wait(10)
    assert desk.states() == [DeliveryState.SENDING]
    released.set()

    desk.shard.close()

    assert desk.states() == [DeliveryState.SENT]


def test_a_fault_while_sending_reaches_the_caller() -> None:
    class Broken(Sender):
        def send(self, batch: Batch, subscription: Subscription | None) -> tuple[Delivery, ...]:
            raise RuntimeError("a fault of ours")

    desk = Desk()
    desk.owner(Broken({}, AlertSettings(), desk.clock))
    desk.raise_alerts("a")
    with pytest.raises(RuntimeError, match="a fault of ours"):
        desk.step()


def test_known_ids_are_found_and_others_are_not() -> None:
    known = KnownIds(str(n) for n in range(1000))
    known.add("later")

    assert "7" in known
    assert "later" in known
    assert "1000" not in known


_SUBSCRIPTIONS = (
    a_subscription(id="instant", outlets=("fake:a", "fake:b")),
    a_subscription(id="digest", outlets=("fake:a",), cadence="hourly"),
)


@given(
    alerts=st.lists(
        st.tuples(st.sampled_from(["instant", "digest", "gone"]), st.integers(0, 40), st.booleans()), max_size=8
    ),
    crashes=st.sets(st.integers(1, 60), max_size=12),
    most=st.integers(1, 4),
    failures=st.integers(0, 3),
)
def test_whenever_it_crashes_every_alert_goes_out_and_each_delivery_is_sent_once(
    alerts: list[tuple[str, int, bool]], crashes: set[int], most: int, failures: int
) -> None:
    desk = Desk(*_SUBSCRIPTIONS)
    desk.streams.crashes = crashes
    desk.outlets["fake:b"].failing = [TransientError("503")] * failures
    for number, (subscription, wait, late) in enumerate(alerts):
        desk.raise_alerts(f"a{number}", subscription=subscription)
        desk.clock.advance(wait * 60)
        if not late:
            _until_idle(desk, most)
    for _ in range(20):
        desk.clock.advance(3600)
        _until_idle(desk, most)

    wanted = {f"a{n}": subscription for n, (subscription, *_) in enumerate(alerts) if subscription != "gone"}
    sent = Counter(each.delivery_id for each in desk.streams.deliveries(DeliveryState.SENT))
    assert set(desk.states()) <= {DeliveryState.SENT}
    assert set(sent.values()) <= {1}
    assert {each.alert_id for each in desk.streams.deliveries()} == set(wanted)
    assert {alert for got in desk.got() for alert in got} == set(wanted)
    assert {alert for got in desk.got("fake:b") for alert in got} == {a for a, s in wanted.items() if s == "instant"}
    _assert_repeats_are_exact(desk, crashes)


def _assert_repeats_are_exact(desk: Desk, crashes: set[int]) -> None:
    """A message goes out again only after a crash, as it was, under its old key."""
    repeats = 0
    for outlet in desk.outlets.values():
        by_key: dict[str, set[tuple[str, ...]]] = {}
        for key, alerts in outlet.got:
            by_key.setdefault(key, set()).add(alerts)
        assert all(len(same) == 1 for same in by_key.values())
        repeats += len(outlet.got) - len(by_key)
    assert repeats <= len(crashes) * len(desk.outlets)


def _until_idle(desk: Desk, most: int) -> None:
    while True:
        try:
            if desk.step(most) == 0 and not desk.streams.untaken(1):
                return
        except CrashError:
            desk.owner()


def test_sending_again_waits_longer_each_time() -> None:
    desk = Desk()
    desk.outlets["fake:a"].failing = [TransientError("503")] * 3
    desk.raise_alerts("a")
    waits = []
    for _ in range(3):
        desk.step()
        (delivery,) = desk.streams.newest().values()
        waits.append(delivery.next_try_at - desk.clock.now())
        desk.clock.advance(waits[-1].total_seconds())

    assert waits == [timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120)]
