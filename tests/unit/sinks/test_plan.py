from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.records import Alert, Delivery, DeliveryState, QuietHours, Subscription, Trigger
from sinks.alerts.plan import TERMINAL, after_failure, after_success, batches, deliveries_for
from sinks.alerts.windows import next_window

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_subscription(**changes: object) -> Subscription:
    base = Subscription(id="s", name="دفاع", query="x", created_at=MONDAY_NOON, outlets=("mailto://a", "json://b"))
    return msgspec.structs.replace(base, **changes)


def an_alert(alert_id: str = "a") -> Alert:
    return Alert(
        alert_id=alert_id,
        subscription_id="s",
        story_id="t",
        article_id="r",
        reason=Trigger.NEW_STORY,
        title="خبر",
        at=MONDAY_NOON,
    )


@pytest.mark.parametrize(
    ("cadence", "expected"),
    [
        ("instant", MONDAY_NOON),
        ("hourly", datetime(2026, 11, 23, 13, 0, tzinfo=UTC)),
        ("daily", datetime(2026, 11, 24, 7, 0, tzinfo=UTC)),
        ("weekly", datetime(2026, 11, 30, 7, 0, tzinfo=UTC)),
    ],
)
def test_a_digest_waits_for_its_window(cadence: str, expected: datetime) -> None:
    assert next_window(MONDAY_NOON, a_subscription(cadence=cadence)) == expected


def test_quiet_hours_over_midnight_put_off_until_their_end_in_their_zone() -> None:
    quiet = QuietHours(time(22), time(6), "Africa/Algiers")
    at = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)

    assert next_window(at, a_subscription(quiet=quiet)) == datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1)),
    st.times(),
    st.times(),
    st.sampled_from(["instant", "hourly", "daily", "weekly"]),
)
def test_nothing_is_sent_before_its_time_or_in_quiet_hours(at: datetime, start: time, end: time, cadence: str) -> None:
    start, end = start.replace(microsecond=0), end.replace(microsecond=0)
    at = at.replace(tzinfo=UTC)

    due = next_window(at, a_subscription(quiet=QuietHours(start, end), cadence=cadence))

    now = due.time()
    inside = start != end and ((start <= now < end) if start < end else (now >= start or now < end))
    assert due >= at
    assert not inside
    assert due - at <= timedelta(days=8, hours=24)


def test_each_outlet_gets_one_delivery_with_a_stable_key() -> None:
    first = deliveries_for(an_alert(), a_subscription(), extra=[TERMINAL, "json://b"])
    again = deliveries_for(an_alert(), a_subscription(), extra=[TERMINAL])

    assert [delivery.outlet for delivery in first] == ["mailto://a", "json://b", TERMINAL]
    assert [delivery.delivery_id for delivery in first] == [delivery.delivery_id for delivery in again]


def test_a_digest_is_one_message_and_instant_alerts_are_not() -> None:
    for cadence, messages in (("daily", 1), ("instant", 2)):
        subscription = a_subscription(cadence=cadence, outlets=("json://b",))
        due = [
            (delivery, alert)
            for alert in (an_alert("a"), an_alert("b"))
            for delivery in deliveries_for(alert, subscription)
        ]

        assert len(batches(due, {"s": subscription})) == messages


def failed(delivery: Delivery, now: datetime, *, final: bool = False, retry_after: float | None = None) -> Delivery:
    return after_failure(
        delivery, "key", "no", now, final=final, first_wait=30, give_up_after=54 * 3600, retry_after=retry_after
    )


def test_waits_double_up_to_six_hours_and_the_last_try_is_54_hours_after_the_first() -> None:
    delivery = deliveries_for(an_alert(), a_subscription())[0]
    tries = []
    while delivery.state is DeliveryState.PENDING:
        tries.append(delivery.next_try_at)
        delivery = failed(delivery, delivery.next_try_at)
    waits = [(after - before).total_seconds() for before, after in pairwise(tries)]

    assert waits[:3] == [30, 60, 120]
    assert max(waits) == 6 * 3600
    assert tries[-1] - tries[0] == timedelta(hours=54)
    assert delivery.attempts == len(tries) == 19


def test_a_delivery_that_can_never_succeed_is_given_up_at_once() -> None:
    delivery = deliveries_for(an_alert(), a_subscription())[0]

    assert failed(delivery, MONDAY_NOON, final=True).state is DeliveryState.FAILED


def test_the_outlet_may_ask_for_a_longer_wait() -> None:
    delivery = deliveries_for(an_alert(), a_subscription())[0]
    later = failed(delivery, MONDAY_NOON, retry_after=900)

    assert later.next_try_at == MONDAY_NOON + timedelta(seconds=900)
    assert after_success(later, "key", MONDAY_NOON).last_error == ""
