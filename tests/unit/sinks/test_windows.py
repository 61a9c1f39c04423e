from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.records import QuietHours, Subscription
from marsad.testing.factories import a_subscription
from sinks.alerts.windows import next_morning, next_window

# Clocks that change, by an hour and by half of one; that once left out a day; quarters of an hour away from UTC.
ZONES = [
    "UTC", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Gaza", "Asia/Tehran", "Europe/Paris",
    "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "Pacific/Chatham",
]  # fmt: skip
instants = st.datetimes(min_value=datetime(2011, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC))
near = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9))
times = st.times().map(lambda each: each.replace(second=0, microsecond=0))


@st.composite
def subscriptions(
    draw: st.DrawFn, *, cadences: tuple[str, ...] = ("every", "hourly", "daily", "weekly")
) -> Subscription:
    quiet = draw(st.none() | st.builds(QuietHours, times, times, st.sampled_from(ZONES)))
    return a_subscription(
        cadence=draw(st.sampled_from(cadences)),
        every=draw(st.integers(1, 1_440)),
        at=draw(times),
        weekday=draw(st.integers(0, 6)),
        zone=draw(st.sampled_from(ZONES)),
        quiet=quiet,
    )


@given(subscriptions(), instants, near)
def test_windows_follow_one_another_without_a_hole_and_never_turn_back(
    subscription: Subscription, at: datetime, later: timedelta
) -> None:
    first, second = next_window(at, subscription), next_window(at + later, subscription)

    assert at < first <= second
    # What comes before the end of the first belongs to it, whenever it comes.
    assert (at + later >= first) or second == first or subscription.quiet is not None


@given(subscriptions(), instants)
def test_an_alert_at_the_end_of_a_window_belongs_to_the_next(subscription: Subscription, at: datetime) -> None:
    end = next_window(at, subscription)

    assert next_window(end, subscription) > end
    if subscription.quiet is None:
        assert next_window(end - timedelta(microseconds=1), subscription) == end


@given(subscriptions(cadences=("instant", "every", "hourly", "daily", "weekly")), instants)
def test_nothing_goes_out_in_quiet_hours_by_the_clock_on_the_wall(subscription: Subscription, at: datetime) -> None:
    quiet = subscription.quiet
    now = next_window(at, subscription)

    if quiet is not None and quiet.start != quiet.end:
        wall = now.astimezone(ZoneInfo(quiet.zone)).time()
        inside = quiet.start <= wall < quiet.end
        if quiet.start > quiet.end:
            inside = wall >= quiet.start or wall < quiet.end
        assert not inside


@given(subscriptions(cadences=("daily",)), instants)
def test_there_is_one_daily_digest_for_each_local_day(subscription: Subscription, at: datetime) -> None:
    plain = a_subscription(cadence="daily", at=subscription.at, zone=subscription.zone)
    zone = ZoneInfo(plain.zone)
    ends = [next_window(at, plain)]
    for _ in range(6):
        ends.append(next_window(ends[-1], plain))
    days = [end.astimezone(zone).date() for end in ends]

    assert days == sorted(set(days))
    assert all(
        end - start <= timedelta(hours=25, minutes=30) or zone.key == "Pacific/Apia" for start, end in pairwise(ends)
    )


@given(subscriptions(cadences=("hourly",)), instants)
def test_hourly_digests_go_out_when_the_local_clock_shows_a_full_hour(subscription: Subscription, at: datetime) -> None:
    plain = a_subscription(cadence="hourly", zone=subscription.zone)
    end = next_window(at, plain)

    assert end.astimezone(ZoneInfo(plain.zone)).minute == 0
    assert end - at <= timedelta(hours=1, minutes=30)


@given(subscriptions(cadences=("weekly",)), instants)
def test_weekly_digests_go_out_on_their_day(subscription: Subscription, at: datetime) -> None:
    plain = a_subscription(cadence="weekly", weekday=subscription.weekday, at=time(9), zone=subscription.zone)
    end = next_window(at, plain).astimezone(ZoneInfo(plain.zone))

    assert (end.weekday(), end.hour) == (plain.weekday, 9) or plain.zone == "Pacific/Apia"


@pytest.mark.parametrize(
    ("at", "wall", "due"),
    [
        # Cairo's clock jumps from 24:00 to 01:00 on 24 April 2026: 00:30 is not there and is taken as 01:30.
        ("2026-04-23T20:00:00+00:00", time(0, 30), "2026-04-23T22:30:00+00:00"),
        # and goes back from 24:00 to 23:00 on 29 October: of the two 23:30 the first counts.
        ("2026-10-29T12:00:00+00:00", time(23, 30), "2026-10-29T20:30:00+00:00"),
        ("2026-10-29T20:30:00+00:00", time(23, 30), "2026-10-30T21:30:00+00:00"),
    ],
)
def test_a_time_that_the_clock_jumps_over_or_shows_twice_comes_once(at: str, wall: time, due: str) -> None:
    subscription = a_subscription(cadence="daily", at=wall, zone="Africa/Cairo")

    assert next_window(datetime.fromisoformat(at), subscription) == datetime.fromisoformat(due)


@given(subscriptions(), instants)
def test_the_next_morning_lies_ahead(subscription: Subscription, at: datetime) -> None:
    assert next_morning(at, subscription) > at
