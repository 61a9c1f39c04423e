"""A spike is told when far more matches than is usual at that time, and once."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.records import Hit, Subscription, Trigger
from marsad.testing.factories import NOW, a_subscription, an_alert
from processors.spikes import Spike, Spikes, Usual, bar, told

BEGAN = (NOW - timedelta(days=30)).replace(minute=0, second=0, microsecond=0)


def watched(**fields: object) -> Subscription:
    return a_subscription(**{"triggers": (Trigger.SPIKE,), "created_at": BEGAN, "spike_hours": 3, **fields})


def a_hit(at: datetime, number: int, *, found_after: timedelta = timedelta(0)) -> Hit:
    one = watched()
    return Hit(
        subscription_id=one.id,
        article_id=f"article-{number}",
        published_at=at,
        first_seen_at=at + found_after,
        came_at=at + found_after,
        alert=an_alert(subscription_id=one.id, reason=Trigger.SPIKE),
    )


class Desk:
    """A subscription and what it is told."""

    def __init__(self, **fields: object) -> None:
        self.subscription = watched(**fields)
        self.spikes = Spikes()
        self.begun: list[Spike] = []
        self._count = 0

    def hits(self, *after: timedelta, found_after: timedelta = timedelta(0)) -> None:
        for each in after:
            self._count += 1
            hit = a_hit(BEGAN + each, self._count, found_after=found_after)
            begun = self.spikes.see(hit, self.subscription)
            self.begun += [begun] if begun else []

    def days(self, days: Iterable[int], hour: int, hits: int) -> None:
        for day in days:
            self.hits(*(timedelta(days=day, hours=hour, minutes=2 * number) for number in range(hits)))


def test_many_times_what_is_usual_is_a_spike_and_it_is_told_once() -> None:
    desk = Desk()
    desk.days(range(14), hour=9, hits=2)

    desk.days([14], hour=9, hits=20)

    (spike,) = desk.begun
    # Two are usual: thrice that is less than five deviations of a Poisson process above it.
    assert (spike.usual, spike.hits) == (2.0, 10)


def test_what_comes_each_morning_is_no_spike() -> None:
    desk = Desk()

    desk.days(range(20), hour=9, hits=20)

    assert desk.begun == []


def test_what_comes_each_week_is_no_spike_although_other_days_are_quiet() -> None:
    desk = Desk()
    for day in range(14):
        desk.days([day], hour=9, hits=20 if day % 7 == 0 else 1)
    before = len(desk.begun)

    desk.days([14], hour=9, hits=21)

    assert len(desk.begun) == before


def test_a_burst_of_last_week_does_not_hide_one_of_today() -> None:
    desk = Desk()
    for day in range(15):
        desk.days([day], hour=9, hits=30 if day == 9 else 1)

    desk.days([15], hour=9, hits=30)

    assert len(desk.begun) == 2


def test_the_same_number_is_a_spike_at_night_and_none_at_noon() -> None:
    desk = Desk()
    for day in range(14):
        desk.days([day], hour=3, hits=0)
        desk.days([day], hour=12, hits=10)

    desk.days([14], hour=3, hits=10)
    night = len(desk.begun)
    desk.days([14], hour=12, hits=10)

    assert (night, len(desk.begun)) == (1, 1)


def test_fewer_than_five_are_never_a_spike() -> None:
    desk = Desk()

    desk.days([14], hour=9, hits=4)

    assert desk.begun == []


@pytest.mark.parametrize(("day", "spikes"), [(1, 0), (3, 1), (8, 1), (20, 1)])
def test_nothing_is_a_spike_before_two_days_are_known(day: int, spikes: int) -> None:
    desk = Desk()

    desk.days([day], hour=9, hits=9)

    assert len(desk.begun) == spikes


def test_another_query_begins_to_count_anew() -> None:
    desk = Desk(spike_since=BEGAN + timedelta(days=14))
    desk.days(range(14), hour=9, hits=1)

    desk.days([15], hour=9, hits=30)

    assert desk.begun == []


def test_a_spike_that_goes_on_is_one_and_after_a_calm_half_day_there_is_another() -> None:
    desk = Desk()
    for hour in (0, 4, 10, 20, 30):
        desk.days([14], hour=hour, hits=12)
    going_on = len(desk.begun)

    desk.days([16], hour=0, hits=12)

    assert (going_on, len(desk.begun)) == (1, 2)


def test_old_articles_that_are_found_now_are_history_and_no_spike() -> None:
    desk = Desk()
    desk.hits(*(timedelta(days=14, minutes=number) for number in range(40)), found_after=timedelta(days=1))

    assert desk.begun == []


def test_an_article_that_comes_again_is_counted_once() -> None:
    desk = Desk()
    hits = [a_hit(BEGAN + timedelta(days=14), 1)] * 30

    assert [desk.spikes.see(hit, desk.subscription) for hit in hits] == [None] * 30


def test_a_removed_subscription_is_told_nothing() -> None:
    spikes = Spikes()

    assert [spikes.see(a_hit(BEGAN + timedelta(days=14), number), None) for number in range(30)] == [None] * 30


def test_the_alert_bears_the_figures_and_an_id_of_the_hour_in_which_it_began() -> None:
    desk = Desk()
    desk.days([14], hour=9, hits=9)
    (spike,) = desk.begun
    first, second = a_hit(BEGAN + timedelta(days=14, hours=9), 1), a_hit(BEGAN + timedelta(days=14, hours=9), 2)

    alert = told(spike, first, desk.subscription)

    assert (alert.hits, alert.usual, alert.hours, alert.reason) == (5, 0.0, 3, Trigger.SPIKE)
    assert alert.alert_id == told(spike, second, desk.subscription).alert_id
    later = msgspec.structs.replace(spike, hour=spike.hour + 1)
    assert alert.alert_id != told(later, first, desk.subscription).alert_id


def test_what_strays_far_needs_more() -> None:
    assert bar(Usual(0.0, 0.0)) == 5
    assert bar(Usual(4.0, 0.0)) == 14
    assert bar(Usual(4.0, 6.0)) == 34
    assert bar(Usual(100.0, 0.0)) == 300


@given(st.lists(st.integers(0, 20 * 24), min_size=1, max_size=300), st.integers(0, 300))
def test_a_state_that_is_built_anew_from_the_hits_tells_the_same(hours: list[int], at: int) -> None:
    one = watched()
    hits = [a_hit(BEGAN + timedelta(hours=hour), number) for number, hour in enumerate(sorted(hours))]
    whole = Spikes()
    expected = [whole.see(hit, one) for hit in hits]

    again = Spikes()
    for hit in hits[:at]:
        again.see(hit, one)

    assert [again.see(hit, one) for hit in hits[at:]] == expected[at:]


def test_an_article_that_comes_again_under_another_hour_is_counted_once() -> None:
    one, spikes = watched(), Spikes()
    first = BEGAN + timedelta(days=20)

    begun = [spikes.see(a_hit(first + timedelta(hours=hour), number), one) for hour in range(3) for number in range(4)]

    assert begun == [None] * 12
    assert spikes.see(a_hit(first + timedelta(hours=2), 4), one) == Spike(_hour_of(first) + 2, 5, 0.0)


def _hour_of(at: datetime) -> int:
    return int(at.timestamp()) // 3_600
