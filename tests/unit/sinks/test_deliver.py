from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from marsad.clock import FrozenClock
from marsad.config import AlertSettings
from marsad.errors import ConfigError, PoisonError, TransientError
from marsad.records import Alert, DeliveryState, Subscription
from marsad.testing.factories import NOW, a_subscription, an_alert
from marsad.testing.fakes import InMemoryStore
from sinks.alerts.deliver import Deliverer, Sender
from sinks.alerts.links import Links
from sinks.alerts.outlets import Outlets
from sinks.alerts.plan import deliveries_for
from sinks.alerts.render import render


class FakeOutlet:
    """Takes messages, or fails as told."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[str]]] = []
        self.failing: Exception | None = None

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        if self.failing:
            raise self.failing
        self.sent.append((key, [alert.title for alert in alerts]))


class Desk:
    def __init__(self, **subscription: object) -> None:
        self.store, self.outlet, self.clock = InMemoryStore(), FakeOutlet(), FrozenClock(NOW)
        self.subscription = msgspec.structs.replace(a_subscription(outlets=("fake:",)), **subscription)
        self.store.subscriptions.put_subscription(self.subscription)
        self.deliverer = self.owner()

    def owner(self) -> Deliverer:
        """A process that delivers from here on."""
        store = self.store
        sender = Sender({"fake:": self.outlet}.__getitem__, AlertSettings(), self.clock)
        self.deliverer = Deliverer(store.deliveries, store.alerts, store.subscriptions, sender, self.clock)
        return self.deliverer

    def raise_alert(self, name: str) -> None:
        alert = an_alert(alert_id=name, subscription_id=self.subscription.id, title=name, at=self.clock.now())
        self.store.alerts.record_alerts([alert], deliveries_for(alert, self.subscription))

    @property
    def states(self) -> list[DeliveryState]:
        return [delivery.state for delivery in self.store.deliveries.deliveries()]


def test_what_is_due_is_sent_once() -> None:
    desk = Desk()
    desk.raise_alert("a")

    assert [desk.deliverer.step(), desk.deliverer.step()] == [1, 0]
    assert [titles for _, titles in desk.outlet.sent] == [["a"]]


def test_a_digest_is_sent_as_one_message_in_its_time() -> None:
    desk = Desk(cadence="hourly")
    desk.raise_alert("a")
    desk.raise_alert("b")

    assert desk.deliverer.step() == 0
    desk.clock.advance(3600)
    desk.deliverer.step()

    assert [titles for _, titles in desk.outlet.sent] == [["a", "b"]]
    assert desk.states == [DeliveryState.SENT, DeliveryState.SENT]


@pytest.mark.parametrize("failure", [TransientError("503"), RuntimeError("a fault of the outlet's library")])
def test_a_failing_outlet_is_tried_again_with_the_same_key(failure: Exception) -> None:
    desk = Desk()
    desk.outlet.failing = failure
    desk.raise_alert("a")
    desk.deliverer.step()
    desk.outlet.failing = None

    assert desk.deliverer.step() == 0
    desk.clock.advance(31)
    desk.deliverer.step()

    assert [key for key, _ in desk.outlet.sent] == [desk.store.deliveries.deliveries()[0].delivery_id]


def test_a_delivery_interrupted_by_a_crash_is_sent_again_with_the_same_key() -> None:
    desk = Desk()
    desk.raise_alert("a")
    desk.outlet.failing = KeyboardInterrupt()  # type: ignore[assignment] # ends the process between sending and noting it
    with pytest.raises(KeyboardInterrupt):
        desk.deliverer.step()
    assert desk.states == [DeliveryState.SENDING]
    desk.outlet.failing = None

    desk.deliverer.step()

    assert desk.states == [DeliveryState.SENT]


def test_an_outlet_that_never_will_is_given_up_at_once_and_the_others_go_on() -> None:
    desk = Desk()
    desk.raise_alert("a")
    desk.outlet.failing = PoisonError("no such address")
    desk.deliverer.step()
    desk.outlet.failing = None
    desk.raise_alert("b")
    desk.deliverer.step()

    assert desk.states == [DeliveryState.SENT, DeliveryState.FAILED]


def test_alerts_of_a_removed_subscription_are_given_up() -> None:
    desk = Desk()
    desk.raise_alert("a")
    desk.store.subscriptions.remove_subscription(desk.subscription.id)

    desk.deliverer.step()

    assert desk.states == [DeliveryState.FAILED]


def test_an_address_that_is_no_outlet_is_refused_without_repeating_it() -> None:
    outlets = Outlets(AlertSettings(), FrozenClock(NOW))
    with pytest.raises(ConfigError) as caught:
        outlets.accept("nonsense://user:hush@host")

    assert "hush" not in str(caught.value)
    assert outlets.accept("json://127.0.0.1/hook") == "json://127.0.0.1/hook"


def test_a_message_is_right_to_left_and_escapes_what_feeds_wrote() -> None:
    alert = an_alert(
        title="<script>x</script> خبر\nسطر", url="javascript:alert(1)", evidence=("تعاون <b>",), at=NOW + timedelta(0)
    )

    message = render(a_subscription(name="دفاع", language="ar"), [alert], Links("http://127.0.0.1:8080"))

    assert "\n" not in message.title
    assert 'dir="rtl"' in message.html
    assert "<script>" not in message.html
    assert "javascript:" not in message.html


def test_latin_names_are_isolated_in_every_part_of_a_message_and_no_direction_runs_over() -> None:
    alert = an_alert(title="السفينة KILDIN SSV-512 في الميناء", outlet="\u202bقناة BBC", evidence=("NATO في",))

    message = render(a_subscription(name="\u202eدفاع", language="ar"), [alert], Links(""))

    for part in (message.title, message.text, message.html):
        assert "\u2068KILDIN SSV-512\u2069" in part
    assert message.title.startswith("[\u202eدفاع\u202c]")
    for part in (message.text, message.html):
        assert "\u202bقناة \u2068BBC\u2069\u202c" in part
