"""When a feed is asked again, and why then."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.config import PollSettings
from marsad.records import FeedState, Health, Rhythm, Standing
from producers.hints import Hints, cache_seconds, hints_of, retry_after, skip_until
from producers.parse import ParsedFeed
from producers.rhythm import WEEK, expected_entries, quantised, rate_after
from producers.schedule import Plan, after_failure, after_success, human, standing_after

NOW = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
SETTINGS = PollSettings()


class Middle(random.Random):
    """No jitter."""

    def random(self) -> float:
        return 0.5


def state(**fields: object) -> FeedState:
    default: dict[str, object] = {"feed_id": "f", "polls": 30, "interval": 600.0, "last_ok_at": NOW, "last_new_at": NOW}
    return FeedState(**{**default, **fields})  # type: ignore[arg-type]


def success(known: FeedState, **fields: object) -> Plan:
    default: dict[str, object] = {
        "elapsed": 600.0,
        "new": 0,
        "total": 40,
        "gap": False,
        "hints": Hints(),
        "settings": SETTINGS,
    }
    return after_success(known, now=NOW, rng=Middle(), **{**default, **fields})  # type: ignore[arg-type]


def wait(plan: Plan) -> float:
    return (plan.at - NOW).total_seconds()


def test_a_feed_is_asked_when_its_new_entries_will_have_waited_for_the_patience() -> None:
    plan = success(state(rate=1.0, last_new_at=NOW - timedelta(hours=5)))

    # An entry an hour, each waiting half of the interval on average.
    assert wait(plan) / 3_600 * wait(plan) / 2 == pytest.approx(SETTINGS.patience, rel=0.01)
    assert plan.reason == "it brings about 24 entries a day"


def test_a_small_window_is_not_let_roll_over() -> None:
    plan = success(state(rate=20.0, last_new_at=NOW - timedelta(hours=5), interval=600), total=4)

    assert wait(plan) < 4 * 3600 / 20


def test_a_feed_of_four_times_the_news_is_asked_more_than_twice_as_often_but_not_four_times() -> None:
    slow, fast = (wait(success(state(rate=rate), total=1_000)) for rate in (1.0, 4.0))

    assert 2 * fast < slow < 3 * fast


def test_a_feed_long_quiet_is_asked_ever_more_seldom_up_to_the_cap() -> None:
    day, month, years = (success(state(last_new_at=NOW - timedelta(days=days))) for days in (1, 30, 30_000))

    assert wait(day) < wait(month) < wait(years) == SETTINGS.max_interval
    assert day.reason == "nothing new for 24 h"


def test_busy_and_quiet_hours_of_a_feed_have_their_own_interval() -> None:
    hours = [0.0] * 8 + [4.0] * 12 + [0.0] * 4
    rhythm = Rhythm(counts=bytes(map(quantised, hours * 7)), hour=1, watched=4 * WEEK)
    morning, night = NOW.replace(hour=10), NOW.replace(hour=22)

    plans = {
        at: after_success(
            state(rate=2.0, rhythm=rhythm, last_ok_at=at, last_new_at=at), now=at, elapsed=600.0, new=0, total=400,
            gap=False, hints=Hints(), settings=SETTINGS, rng=Middle(),
        )
        for at in (morning, night)
    }  # fmt: skip

    assert plans[night].interval > 3 * plans[morning].interval
    assert plans[night].reason.endswith("in these quiet hours")


def test_the_interval_of_a_new_feed_grows_step_by_step() -> None:
    assert wait(success(state(polls=12, last_new_at=NOW - timedelta(days=30)))) == 900


def test_a_burst_shortens_the_interval_at_once() -> None:
    plan = success(state(rate=0.5), new=30, total=40)

    assert wait(plan) == 400
    assert plan.reason == "30 of its 40 entries were new"


def test_a_feed_without_a_known_rhythm_is_asked_at_the_floor_and_an_empty_one_ever_more_seldom() -> None:
    fresh = success(state(polls=3, last_new_at=None))
    later = success(state(polls=40, last_new_at=None))
    latest = success(state(polls=10**9, last_new_at=None))

    assert (wait(fresh), fresh.reason) == (120, "its rhythm is not known yet")
    assert wait(later) == pytest.approx(120 * 1.1**30)
    assert wait(latest) == SETTINGS.max_interval


def test_a_gap_shortens_the_interval_to_a_third() -> None:
    plan = success(state(last_new_at=NOW - timedelta(hours=10), interval=3_600), gap=True)

    assert wait(plan) == pytest.approx(1_188)
    assert "missed" in plan.reason


def test_cache_time_holds_back_for_an_hour_at_most() -> None:
    assert wait(success(state(), hints=Hints(cache=1_200.0))) == 1_200
    assert wait(success(state(), hints=Hints(cache=86_400.0))) == 3_600


def test_the_feeds_own_wish_holds_unless_the_feed_disproves_it() -> None:
    assert wait(success(state(rate=0.5), hints=Hints(feed=3_600.0))) == 3_600
    assert wait(success(state(rate=30.0), hints=Hints(feed=3_600.0))) < 300


def test_no_hint_holds_back_for_longer_than_the_entries_are_kept() -> None:
    assert wait(success(state(rate=20.0, window=10), hints=Hints(cache=3_600.0), total=10)) <= 900


def test_a_feed_whose_first_document_tells_its_weeks_starts_at_its_own_pace() -> None:
    known = state(
        polls=2,
        interval=120.0,
        rate=1 / 24,
        rhythm=Rhythm(counts=bytes([1]) * WEEK, watched=WEEK),
        last_new_at=NOW - timedelta(days=2),
    )

    assert wait(success(known)) > 3_600


def test_skipped_hours_are_waited_out() -> None:
    plan = success(state(), hints=Hints(skip_hours=(9, 10)))

    assert plan.at == datetime(2026, 7, 14, 11, 0, tzinfo=UTC)


def test_retry_after_on_an_answer_is_obeyed() -> None:
    assert wait(success(state(), hints=Hints(retry_after=7_200.0))) == 7_200


@given(
    st.floats(0, 10_000), st.floats(0, 1e6), st.integers(0, 50), st.booleans(),
    st.builds(Hints, cache=st.floats(0, 1e6), feed=st.floats(0, 1e6)), st.integers(0, 10_000), st.randoms(use_true_random=False),
)  # fmt: skip
def test_every_interval_is_within_floor_and_cap(
    rate: float, interval: float, new: int, gap: bool, hints: Hints, quiet: int, rng: random.Random
) -> None:
    known = state(rate=rate, interval=interval, last_new_at=NOW - timedelta(minutes=quiet))

    plan = after_success(
        known, now=NOW, elapsed=60, new=new, total=50, gap=gap, hints=hints, settings=SETTINGS, rng=rng
    )

    assert SETTINGS.min_interval <= wait(plan) <= SETTINGS.max_interval * 1.1
    assert plan.reason


def failing(health: Health, hours: float, **fields: object) -> Plan:
    known = state(failures=9, failing_since=NOW - timedelta(hours=hours), **fields)
    return after_failure(known, health, now=NOW, retry_after=0, settings=SETTINGS, rng=Middle())


def test_failures_wait_longer_each_time_and_never_for_ever() -> None:
    waits = [
        wait(failing(Health.DNS, hours, standing=Standing.DEAD if hours >= WEEK else Standing.FAILING))
        for hours in range(10_000)
    ]

    assert waits[0] == 600
    assert waits == sorted(waits)
    assert waits[-1] == SETTINGS.max_interval


def test_a_failure_that_passes_by_itself_is_retried_sooner_than_one_that_must_be_mended() -> None:
    assert wait(failing(Health.HTTP_5XX, 12)) < wait(failing(Health.HTTP_4XX, 12))


def test_a_feed_that_comes_back_by_itself_is_not_waited_for_as_for_a_broken_one() -> None:
    flapping = failing(Health.HTTP_4XX, 12, standing=Standing.FLAPPING)

    assert wait(flapping) <= 3_600 < wait(failing(Health.HTTP_4XX, 12)) <= 3 * 3_600
    assert flapping.reason == "it fails now and then and comes back (now http-4xx)"


def test_a_feed_that_fails_is_tried_again_before_its_entries_are_gone() -> None:
    assert wait(failing(Health.HTTP_4XX, 20, rate=20.0, window=20)) <= 3_600 / 2
    assert wait(failing(Health.HTTP_4XX, 200, rate=20.0, window=20, standing=Standing.DEAD)) > 3_600


def test_a_dead_feed_is_asked_more_seldom_step_by_step() -> None:
    week, fortnight = (wait(failing(Health.NETWORK, days * 24, standing=Standing.DEAD)) for days in (7, 14))

    assert week == 3_600
    assert 20 * 3_600 < fortnight <= SETTINGS.max_interval


def polls(*answers: bool, hours: float = 1) -> FeedState:
    known, now = state(), NOW
    for answered in answers:
        now += timedelta(hours=hours)
        failures = 0 if answered else known.failures + 1
        known = standing_after(
            replace(known, failures=known.failures if answered else failures), now, failed=not answered
        )
        known = replace(known, last_ok_at=now if answered else known.last_ok_at)
    return known


def test_a_feed_that_fails_and_comes_back_again_and_again_is_flapping() -> None:
    assert polls(False, True).standing is Standing.STEADY
    assert polls(False, True, False, True, False, True).standing is Standing.FLAPPING
    assert polls(False, True, False, True, False, True, False).standing is Standing.FLAPPING


def test_a_feed_that_flapped_long_ago_is_steady() -> None:
    assert polls(*(False, True) * 5, *[True] * 400).standing is Standing.STEADY


def test_a_feed_that_fails_is_dead_only_after_a_week_without_any_answer() -> None:
    assert polls(*[False] * 100).standing is Standing.FAILING
    dead = polls(*[False] * 200)
    plan = after_failure(
        dead, Health.DNS, now=NOW + timedelta(hours=200), retry_after=0, settings=SETTINGS, rng=Middle()
    )

    assert dead.standing is Standing.DEAD
    assert plan.reason == "it has not answered for 8 d (dns) and is taken for dead, though asked still"
    assert polls(*[False] * 200, True).standing is Standing.STEADY


def test_a_failure_keeps_the_interval_of_the_feed() -> None:
    plan = after_failure(state(failures=9), Health.NETWORK, now=NOW, retry_after=0, settings=SETTINGS, rng=Middle())

    assert plan.interval == 600


def test_the_server_says_how_long_to_wait_after_a_failure() -> None:
    plan = after_failure(
        state(failures=1), Health.THROTTLED, now=NOW, retry_after=5_000, settings=SETTINGS, rng=random.Random(1)
    )

    assert wait(plan) >= 5_000
    assert "asked to wait" in plan.reason


def test_the_rate_follows_a_burst_up_and_a_stop_down() -> None:
    quiet = state(rate=0.2, last_ok_at=NOW - timedelta(minutes=10))
    burst = rate_after(quiet, 10, NOW)
    assert burst > 10

    known = state(rate=burst, last_ok_at=NOW - timedelta(hours=6))
    assert rate_after(known, 0, NOW) < 1


@given(st.floats(0, 1e4), st.integers(0, 2_000), st.integers(0, 10**7), st.integers(0, 100))
def test_the_rate_is_never_negative(rate: float, new: int, seconds: int, polls: int) -> None:
    known = state(rate=rate, polls=polls, last_ok_at=NOW - timedelta(seconds=seconds))

    assert 0 <= rate_after(known, new, NOW) <= max(rate, new * 3_600)


def test_expected_entries_of_a_time() -> None:
    assert expected_entries(state(rate=2.0), NOW - timedelta(hours=3), NOW) == 6
    assert expected_entries(state(rate=2.0), None, NOW) == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "public, max-age=600"}, 600),
        ({"cache-control": "max-age=600, s-maxage=900"}, 900),
        ({"cache-control": "max-age=600", "age": "100"}, 500),
        ({"cache-control": "max-age=600", "age": "700"}, 0),
        ({"cache-control": "no-store, max-age=600"}, 0),
        ({"cache-control": "no-cache"}, 0),
        ({"expires": "Tue, 14 Jul 2026 09:40:00 GMT"}, 600),
        ({"expires": "Tue, 14 Jul 2026 09:40:00 GMT", "date": "Tue, 14 Jul 2026 09:35:00 GMT"}, 300),
        ({"expires": "0"}, 0),
        ({"expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"cache-control": "max-age=999999999"}, 86_400),
        ({"cache-control": "max-age=soon"}, 0),
        ({}, 0),
    ],
)
def test_cache_headers_say_how_long_an_answer_lasts(headers: dict[str, str], seconds: float) -> None:
    assert cache_seconds(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), (" 0 ", 0), ("Tue, 14 Jul 2026 09:31:00 GMT", 60), ("Tue, 14 Jul 2020 09:31:00 GMT", 0), ("99999999", 86_400), ("", None), ("-5", None), ("soon", None)],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(st.text(), st.text())
def test_any_header_value_is_read(one: str, other: str) -> None:
    hints = hints_of({"cache-control": one, "expires": other, "age": one, "date": other, "retry-after": one}, None, NOW)

    assert 0 <= hints.cache <= 86_400


def test_the_feeds_wish_is_the_longer_of_ttl_and_update_period() -> None:
    parsed = ParsedFeed(kind="rss", ttl_minutes=30, update_period_s=3_600.0, skip_days=(4,))

    assert hints_of({}, parsed, NOW) == Hints(feed=3_600.0, skip_days=(4,))


def test_skipped_days_are_waited_out_and_a_feed_that_skips_all_is_not_obeyed() -> None:
    assert skip_until(NOW, (), (1, 2)) == datetime(2026, 7, 16, tzinfo=UTC)
    assert skip_until(NOW, tuple(range(24)), ()) == NOW
    assert skip_until(NOW, (), tuple(range(7))) == NOW


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "3 s"), (59, "59 s"), (60, "1 min"), (840, "14 min"), (7_200, "2 h"), (90_000, "25 h"), (200_000, "2 d")],
)
def test_durations_read_as_people_say_them(seconds: float, words: str) -> None:
    assert human(seconds) == words
