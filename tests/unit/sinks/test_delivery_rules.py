"""What holds whoever delivers: messages keep their members, failing outlets are left alone, rest and limits, lost outlets."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.clock import FrozenClock
from marsad.config import AlertSettings
from marsad.errors import OutletGoneError, TransientError
from marsad.records import Alert, Delivery, DeliveryState, Subscription, Trigger
from marsad.testing.factories import NOW, a_subscription, an_alert
from marsad.testing.fakes import InMemoryStore
from sinks.alerts.deliver import Deliverer, Sender
from sinks.alerts.gate import Circuit, paced_until
from sinks.alerts.plan import MOST_IN_ONE, deliveries_for
from sinks.alerts.wording import Codes, Language


class Outlet:
    """Takes messages once each by key, as an idempotent receiver does; fails as told, before or after it has taken them."""

    def __init__(self) -> None:
        self.kept: dict[str, list[str]] = {}
        self.calls = 0
        self.failing: list[Exception] = []
        self.lost_answers = 0

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        self.calls += 1
        if self.failing:
            raise self.failing.pop(0)
        self.kept.setdefault(key, [alert.alert_id for alert in alerts])
        if self.lost_answers:
            self.lost_answers -= 1
            raise TransientError("the answer was lost")

    @property
    def told(self) -> list[str]:
        return [name for names in self.kept.values() for name in names]


class Desk:
    def __init__(self, **subscription: object) -> None:
        self.store, self.clock = InMemoryStore(), FrozenClock(NOW)
        self.outlets = {name: Outlet() for name in ("a:", "b:", "operator:")}
        self.store.subscriptions.put_subscription(
            msgspec.structs.replace(a_subscription(outlets=("a:",)), **subscription)
        )
        self.deliverer = self.owner()

    def owner(self) -> Deliverer:
        store = self.store
        sender = Sender(self.outlets.__getitem__, AlertSettings(), self.clock)
        self.deliverer = Deliverer(
            store.deliveries, store.alerts, store.subscriptions, sender, self.clock, operator="operator:"
        )
        return self.deliverer

    @property
    def subscription(self) -> Subscription:
        return self.store.subscriptions.subscriptions()[0]

    def raise_alerts(self, *names: str, story: Callable[[str], str] = lambda name: name) -> None:
        for name in names:
            alert = an_alert(alert_id=name, story_id=story(name), at=self.clock.now())
            self.store.alerts.record_alerts([alert], deliveries_for(alert, self.subscription))

    def run(self, seconds: float) -> None:
        """Let time pass, as far as something is due in it."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while True:
            while self.deliverer.step():
                pass
            later = [each.next_try_at for each in self.open() if each.next_try_at <= end]
            if not later:
                break
            self.clock.advance((min(later) - self.clock.now()).total_seconds())
        self.clock.advance((end - self.clock.now()).total_seconds())

    def open(self) -> list[Delivery]:
        return [each for each in self.all() if each.state in {DeliveryState.PENDING, DeliveryState.SENDING}]

    def all(self) -> Sequence[Delivery]:
        return self.store.deliveries.deliveries(limit=10_000)


def test_a_digest_that_failed_is_tried_again_whole_and_nothing_joins_it() -> None:
    desk = Desk(cadence="hourly")
    desk.outlets["a:"].failing = [TransientError("503")]
    desk.raise_alerts("1", "2", "3")
    desk.clock.advance(3_600)
    desk.deliverer.step()
    desk.raise_alerts("4")
    desk.run(7_200)

    assert list(desk.outlets["a:"].kept.values()) == [["1", "2", "3"], ["4"]]


def test_a_lost_answer_doubles_nothing_at_a_receiver_that_knows_keys() -> None:
    desk = Desk(cadence="hourly")
    desk.outlets["a:"].lost_answers = 1
    desk.raise_alerts("1", "2")
    desk.run(7_200)

    assert desk.outlets["a:"].told == ["1", "2"]
    assert desk.outlets["a:"].calls == 2


def test_a_long_digest_is_several_messages_that_are_never_cut_in_two_by_a_retry() -> None:
    names = [f"{n:03}" for n in range(MOST_IN_ONE + 50)]
    desk = Desk(cadence="daily")
    desk.outlets["a:"].failing = [TransientError("503"), TransientError("503")]
    desk.raise_alerts(*names)
    desk.run(86_400)

    assert sorted(desk.outlets["a:"].told) == names
    assert sorted(map(len, desk.outlets["a:"].kept.values())) == [50, MOST_IN_ONE]


@given(st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from(["ok", "fails", "lost"])), max_size=30))
def test_whatever_an_outlet_does_each_alert_arrives_once(moods: list[tuple[int, str]]) -> None:
    desk = Desk(cadence="every", every=30)
    outlet = desk.outlets["a:"]
    for number, (wait, mood) in enumerate(moods):
        outlet.failing = [TransientError("503")] if mood == "fails" else []
        outlet.lost_answers = mood == "lost"
        desk.raise_alerts(str(number))
        desk.run(wait)
        desk.owner()
    outlet.failing, outlet.lost_answers = [], 0
    desk.run(3 * 86_400)

    assert sorted(outlet.told) == sorted(map(str, range(len(moods))))


def test_an_outlet_that_fails_is_left_alone_and_the_others_go_on() -> None:
    desk = Desk(outlets=("a:", "b:"))
    desk.outlets["a:"].failing = [TransientError("503")] * 1_000
    for number in range(20):
        desk.raise_alerts(str(number))
        desk.run(10)

    assert len(desk.outlets["b:"].told) == 20
    assert desk.outlets["a:"].calls <= 10
    desk.outlets["a:"].failing = []
    desk.run(86_400)
    assert sorted(desk.outlets["a:"].told) == sorted(map(str, range(20)))


def test_a_circuit_opens_after_three_failures_for_longer_each_time_and_closes_with_the_first_answer() -> None:
    circuit = Circuit()
    waits = []
    for _ in range(12):
        circuit.failed("a:", "503", NOW)
        until = circuit.until("a:", NOW)
        waits.append((until - NOW).total_seconds() if until else 0)
    circuit.answered("a:")

    assert waits[:5] == [0, 0, 60, 120, 240]
    assert max(waits) == 1_800
    assert circuit.until("a:", NOW) is None


def test_after_54_hours_the_outlet_is_given_up_and_its_owner_told_through_another() -> None:
    desk = Desk(outlets=("a:", "b:"))
    desk.outlets["a:"].failing = [TransientError("503")] * 1_000
    desk.raise_alerts("1")
    desk.run(53.9 * 3_600)
    assert desk.subscription.lost == ()
    desk.run(3_600)

    assert desk.subscription.lost == ("a:",)
    notice = desk.store.alerts.alerts()[0]
    assert (notice.reason, notice.alert_id) == (Trigger.OUTLET_LOST, desk.outlets["b:"].told[-1])
    assert "503" in notice.title
    calls = desk.outlets["a:"].calls
    desk.raise_alerts("2")
    desk.run(86_400)
    assert desk.outlets["a:"].calls == calls
    assert "2" in desk.outlets["b:"].told


def test_an_outlet_that_is_gone_is_given_up_at_once_and_the_operator_told_where_there_is_no_other() -> None:
    desk = Desk()
    desk.outlets["a:"].failing = [OutletGoneError("410 Gone")]
    desk.raise_alerts("1", "2")
    desk.run(60)

    assert desk.subscription.lost == ("a:",)
    assert len(desk.outlets["operator:"].told) == 1
    assert desk.open() == []


def test_a_lost_outlet_is_told_in_the_words_that_the_application_has_for_it() -> None:
    class Words(Codes):
        def fault(self, error: str, language: Language) -> str:
            return f"{language}: {error.lower()}"

    desk = Desk()
    store = desk.store
    sender = Sender(desk.outlets.__getitem__, AlertSettings(), desk.clock)
    desk.deliverer = Deliverer(
        store.deliveries, store.alerts, store.subscriptions, sender, desk.clock, "operator:", Words()
    )
    desk.outlets["a:"].failing = [OutletGoneError("410 Gone")]
    desk.raise_alerts("1")
    desk.run(60)

    (notice,) = (alert for alert in store.alerts.alerts() if alert.reason is Trigger.OUTLET_LOST)
    assert notice.title.endswith(" — ar: 410 gone")
    assert (notice.lost_outlet, notice.error) == ("a:", "410 Gone")


def test_rest_after_a_message_gathers_what_comes_meanwhile() -> None:
    desk = Desk(cooldown=60)
    for number in range(6):
        desk.raise_alerts(str(number))
        desk.run(600)
    desk.run(3_600)

    assert list(desk.outlets["a:"].kept.values()) == [["0"], ["1", "2", "3", "4", "5"]]


def test_what_is_over_the_limit_goes_out_together_the_next_morning() -> None:
    desk = Desk(cap=2, zone="Africa/Algiers")
    for number in range(5):
        desk.raise_alerts(str(number))
        desk.run(60)
    assert desk.outlets["a:"].told == ["0", "1"]
    desk.owner()
    desk.run(86_400)

    assert list(desk.outlets["a:"].kept.values()) == [["0"], ["1"], ["2", "3", "4"]]
    sent = max(each.sent_at or NOW for each in desk.all())
    assert sent == datetime.fromisoformat("2026-07-15T07:00:00+01:00")


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=40), st.integers(1, 4))
def test_no_local_day_has_more_messages_than_its_limit_and_nothing_is_lost(waits: list[int], cap: int) -> None:
    desk = Desk(cap=cap)
    days: dict[object, int] = {}
    for number, wait in enumerate(waits):
        desk.raise_alerts(str(number))
        desk.run(wait)
    desk.run(3 * 86_400)
    for each in {each.message: each for each in desk.all()}.values():
        assert each.sent_at is not None
        days[each.sent_at.date()] = days.get(each.sent_at.date(), 0) + 1

    assert max(days.values()) <= cap
    assert sorted(desk.outlets["a:"].told) == sorted(map(str, range(len(waits))))


def test_a_story_that_is_muted_while_it_waits_is_left_out_of_the_digest() -> None:
    desk = Desk(cadence="hourly")
    desk.raise_alerts("1", "2")
    desk.store.subscriptions.put_subscription(msgspec.structs.replace(desk.subscription, muted=("1",)))
    desk.raise_alerts("3", story=lambda name: "1")
    desk.run(3_600)

    assert desk.outlets["a:"].told == ["2"]
    assert sorted(each.state for each in desk.all()) == [DeliveryState.SENT, DeliveryState.SKIPPED]


def test_a_digest_without_anything_left_to_say_is_not_sent() -> None:
    desk = Desk(cadence="hourly")
    desk.raise_alerts("1")
    desk.store.subscriptions.put_subscription(msgspec.structs.replace(desk.subscription, muted=("1",)))
    desk.run(7_200)

    assert desk.outlets["a:"].calls == 0


@pytest.mark.parametrize(("cooldown", "minutes", "held"), [(0, 1, False), (60, 59, True), (60, 60, False)])
def test_rest_ends_to_the_minute(cooldown: int, minutes: int, held: bool) -> None:
    subscription = a_subscription(cooldown=cooldown)

    assert (paced_until(subscription, NOW, [NOW - timedelta(minutes=minutes)]) is not None) is held
