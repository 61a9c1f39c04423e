from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.clock import FrozenClock
from marsad.config import AlertSettings
from marsad.errors import FencedError, OutletGoneError, PoisonError, TransientError
from marsad.progress import Progress
from marsad.records import Alert, Delivery, DeliveryState, Quarantined, Subscription, decode, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_subscription, an_alert
from marsad.testing.journal import Blow, CrashError, InMemoryStreams
from sinks.alerts.deliver import Sender
from sinks.alerts.losing import lost_notice, without
from sinks.alerts.plan import Batch
from sinks.alerts.shard import DeliveryShard
from sinks.alerts.waiting import KnownIds

PARTITION = 1


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
    """Takes messages, fails as told, or is where the process dies: before a call of that number, or right after it."""

    def __init__(self, hang: Callable[[], object] = lambda: None) -> None:
        self.got: list[tuple[str, tuple[str, ...]]] = []
        self.failing: list[Exception] = []
        self.calls = 0
        self.dies_before: set[int] = set()
        self.dies_after: set[int] = set()
        self._hang = hang

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        self.calls += 1
        self._hang()
        if self.calls in self.dies_before:
            raise CrashError
        if self.failing:
            raise self.failing.pop()
        self.got.append((key, tuple(alert.alert_id for alert in alerts)))
        if self.calls in self.dies_after:
            raise CrashError


class Desk:
    """One partition with a present owner."""

    def __init__(self, *subscriptions: Subscription, inline: bool = True) -> None:
        self.streams = InMemoryStreams()
        self.table = Table(*(subscriptions or (a_subscription(outlets=("fake:a",)),)))
        self.outlets = {name: FakeOutlet() for name in ("fake:a", "fake:b")}
        self.clock = FrozenClock(NOW)
        self.progress = Progress()
        self.inline = inline
        self.shard = self.owner()

    def owner(self, sender: Sender | None = None) -> DeliveryShard:
        """Someone who takes the partition over."""
        self.shard = DeliveryShard(
            self.streams.open("deliver", "alerts.v1", PARTITION),
            self.table,
            sender or Sender(self.outlets.__getitem__, AlertSettings(), self.clock),
            self.clock,
            self.progress,
            **({"start": lambda work: work()} if self.inline else {}),
        )
        return self.shard

    def raise_alerts(self, *names: str, subscription: str = "subscription-1") -> None:
        for name in names:
            alert = an_alert(alert_id=name, subscription_id=subscription, at=self.clock.now())
            self.write(name, encode(alert))

    def write(self, name: str, value: bytes | None) -> None:
        self.streams.write([Message(stream="alerts.v1", key=name, value=value, partition=PARTITION)])

    @property
    def place(self) -> int:
        return self.streams.place("deliver", "alerts.v1", PARTITION)

    def untaken(self) -> list[Message]:
        return self.streams.read("alerts.v1", PARTITION, start=self.place)

    def step(self, most: int = 500) -> int:
        batch = self.untaken()[:most]
        if batch:
            self.shard.take(batch)
        return self.shard.tick()

    def written(self, state: DeliveryState | None = None) -> list[Delivery]:
        """Every state that was ever written, or those of one kind."""
        read = [decode(Delivery, message.value or b"") for message in self.streams.read("deliveries.v1", PARTITION)]
        return [delivery for delivery in read if state in {None, delivery.state}]

    def newest(self) -> dict[str, Delivery]:
        return {delivery.delivery_id: delivery for delivery in self.written()}

    def states(self) -> list[DeliveryState]:
        return [delivery.state for delivery in self.newest().values()]

    def got(self, outlet: str = "fake:a") -> list[tuple[str, ...]]:
        return [alerts for _, alerts in self.outlets[outlet].got]


def test_an_alert_is_planned_sent_and_written_down() -> None:
    desk = Desk()
    desk.raise_alerts("a")

    desk.step()

    assert desk.got() == [("a",)]
    assert [delivery.state for delivery in desk.written()] == ["pending", "sending", "sent"]
    assert desk.untaken() == []
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
    desk.outlets["fake:a"].dies_before = {1}
    with pytest.raises(CrashError):
        desk.shard.tick()

    desk.owner()
    desk.step()

    keys = [key for key, alerts in desk.outlets["fake:a"].got if alerts == ("a", "b")]
    assert [alerts for _, alerts in desk.outlets["fake:a"].got] == [("a", "b"), ("late",)]
    assert keys == [desk.written()[0].delivery_id]


def test_an_alert_that_is_read_again_is_not_sent_again() -> None:
    desk = Desk()
    desk.raise_alerts("a")
    desk.step()
    desk.owner()
    desk.shard.take(desk.streams.read("alerts.v1", PARTITION))  # the group's place was lost
    desk.shard.tick()

    assert desk.got() == [("a",)]
    assert len(desk.written()) == 3


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
    assert desk.newest().popitem()[1].attempts == 2


def test_an_outlet_that_never_will_is_given_up() -> None:
    desk = Desk()
    desk.outlets["fake:a"].failing = [PoisonError("no such channel")]
    desk.raise_alerts("a")

    desk.step()

    assert [(each.state, each.last_error) for each in desk.newest().values()] == [("failed", "no such channel")]
    assert desk.progress.counts["given up"] == 1


def test_a_subscription_that_is_newer_than_the_table_is_looked_for_once() -> None:
    desk = Desk()
    desk.table.unseen = {"new": a_subscription(id="new", outlets=("fake:b",))}
    desk.raise_alerts("a", subscription="new")
    desk.raise_alerts("b", "c", subscription="never")

    desk.step()

    assert desk.got("fake:b") == [("a",)]
    assert desk.table.refreshed == 1
    assert desk.untaken() == []
    assert len(desk.newest()) == 1


def test_what_a_removed_subscription_still_had_to_send_is_given_up() -> None:
    desk = Desk(a_subscription(outlets=("fake:a",), cadence="hourly"))
    desk.raise_alerts("a")
    desk.step()
    desk.table.rows.clear()
    desk.clock.advance(3600)

    desk.step()

    assert desk.got() == []
    assert [each.last_error for each in desk.newest().values()] == ["the subscription was removed"]


def test_an_alert_that_cannot_be_read_goes_to_quarantine_and_the_others_go_on() -> None:
    desk = Desk()
    desk.write("bad", b"{}")
    desk.write("removed", None)
    desk.raise_alerts("a")

    desk.step()

    (refused,) = desk.streams.read("quarantine.v1")
    assert decode(Quarantined, refused.value or b"").payload == b"{}"
    assert desk.got() == [("a",)]


def test_a_delivery_whose_alert_is_no_longer_kept_is_given_up() -> None:
    desk = Desk(a_subscription(outlets=("fake:a",), cadence="weekly"))
    desk.raise_alerts("a")
    desk.step()
    desk.write("a", None)
    desk.streams.compact("alerts.v1")
    desk.owner()

    assert desk.shard.tick() == 1
    assert [each.state for each in desk.newest().values()] == [DeliveryState.FAILED]
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
    desk.shard.take(desk.untaken())
    desk.streams.open("deliver", "alerts.v1", PARTITION)

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


_SOON = st.sets(st.integers(1, 12), max_size=4)


@given(
    alerts=st.lists(
        st.tuples(st.sampled_from(["instant", "digest", "gone"]), st.integers(0, 40), st.booleans()), max_size=8
    ),
    blows=st.dictionaries(st.integers(1, 40), st.sampled_from(Blow), max_size=10),
    dies=st.tuples(_SOON, _SOON),
    most=st.integers(1, 4),
    failures=st.integers(0, 3),
)
def test_whenever_it_crashes_every_alert_goes_out_and_each_delivery_is_sent_once(
    alerts: list[tuple[str, int, bool]],
    blows: dict[int, Blow],
    dies: tuple[set[int], set[int]],
    most: int,
    failures: int,
) -> None:
    desk = Desk(*_SUBSCRIPTIONS)
    desk.streams.blows = blows
    desk.outlets["fake:a"].dies_before, desk.outlets["fake:a"].dies_after = dies
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
    sent = Counter(each.delivery_id for each in desk.written(DeliveryState.SENT))
    assert set(desk.states()) <= {DeliveryState.SENT}
    assert set(sent.values()) <= {1}
    assert {each.alert_id for each in desk.written()} == set(wanted)
    assert {alert for got in desk.got() for alert in got} == set(wanted)
    assert {alert for got in desk.got("fake:b") for alert in got} == {a for a, s in wanted.items() if s == "instant"}
    _assert_repeats_are_exact(desk, len(blows) + len(dies[0]) + len(dies[1]))


def _assert_repeats_are_exact(desk: Desk, blows: int) -> None:
    """A message goes out again only after a blow, as it was, under its old key."""
    repeats = 0
    for outlet in desk.outlets.values():
        by_key: dict[str, set[tuple[str, ...]]] = {}
        for key, alerts in outlet.got:
            by_key.setdefault(key, set()).add(alerts)
        assert all(len(same) == 1 for same in by_key.values())
        repeats += len(outlet.got) - len(by_key)
    assert repeats <= blows * len(desk.outlets)


def _until_idle(desk: Desk, most: int) -> None:
    while True:
        try:
            if desk.step(most) == 0 and not desk.untaken():
                return
        except CrashError:
            desk.owner()
        except (FencedError, TransientError):
            desk.shard.close()
            desk.owner()


@pytest.mark.parametrize("outlet", ["fake:a", "nowhere:"])
def test_a_compacted_ledger_is_as_good_as_the_whole(outlet: str) -> None:
    desk = Desk(a_subscription(outlets=(outlet,)), a_subscription(id="later", outlets=(outlet,), cadence="daily"))
    desk.raise_alerts("a", "b")
    desk.raise_alerts("c", subscription="later")
    desk.step()
    before = desk.newest()
    desk.streams.compact("deliveries.v1")
    desk.owner()
    desk.shard.take(desk.streams.read("alerts.v1", PARTITION))

    assert desk.newest() == before
    assert len(before) == 3


def test_sending_again_waits_longer_each_time() -> None:
    desk = Desk()
    desk.outlets["fake:a"].failing = [TransientError("503")] * 3
    desk.raise_alerts("a")
    waits = []
    for _ in range(3):
        desk.step()
        (delivery,) = desk.newest().values()
        waits.append(delivery.next_try_at - desk.clock.now())
        desk.clock.advance(waits[-1].total_seconds())

    assert waits == [timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120)]


def test_a_digest_whose_owner_ended_goes_out_again_as_it_was_and_nothing_joins_it() -> None:
    desk = Desk(a_subscription(outlets=("fake:a",), cadence="hourly"))
    desk.raise_alerts("a", "b")
    desk.step()
    desk.clock.advance(3_600)
    desk.outlets["fake:a"].failing = [TransientError("503")]
    desk.step()
    desk.raise_alerts("c")
    desk.owner()
    desk.step()
    desk.clock.advance(7_200)
    desk.step()
    desk.step()

    assert sorted(desk.got()) == [("a", "b"), ("c",)]


def test_an_outlet_that_is_gone_is_told_as_an_alert_through_the_others() -> None:
    whose = a_subscription(outlets=("fake:a", "fake:b"))
    desk = Desk(whose)

    def lose(subscription_id: str, outlet: str, error: str) -> Alert:
        desk.table.rows[subscription_id] = without(whose, outlet)
        return lost_notice(whose, outlet, error, desk.clock.now())

    desk.shard = DeliveryShard(
        desk.streams.open("deliver", "alerts.v1", PARTITION),
        desk.table,
        Sender(desk.outlets.__getitem__, AlertSettings(), desk.clock),
        desk.clock,
        desk.progress,
        lose=lose,
        start=lambda work: work(),
    )
    desk.outlets["fake:a"].failing = [OutletGoneError("410 Gone")]
    desk.raise_alerts("a")
    for _ in range(4):
        desk.step()

    (notice,) = [
        message for message in desk.untaken() or desk.streams.read("alerts.v1", PARTITION) if message.key != "a"
    ]
    assert desk.got("fake:b") == [("a",), (notice.key,)]
    assert desk.got("fake:a") == []
    assert desk.outlets["fake:a"].calls == 1
