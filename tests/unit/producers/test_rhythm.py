"""What is learned of the hours and weekdays of a feed, and when its silence is improbable."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.records import FeedState, Rhythm, decode, encode
from producers.rhythm import WEEK, from_dates, observe, profile_of, quantised, rate_of_dates, silence, usually

# A Thursday, at midnight in UTC.
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def watched(pattern: list[float], hours: int, *, seed: int | None = 0, before: Rhythm | None = None) -> Rhythm:
    """A feed asked once an hour; ``pattern`` repeats. Without a seed the numbers come exactly."""
    rng = random.Random(seed)
    known, now = (
        before,
        START + (before.hour * HOUR - (START - datetime(1970, 1, 1, tzinfo=UTC)) if before else 0 * HOUR),
    )
    owed = 0.0
    for _ in range(hours):
        index = int(now.timestamp() // 3_600)
        mean = pattern[index % len(pattern)]
        owed += mean
        count = int(owed) if seed is None else sum(rng.random() < mean / 20 for _ in range(20))
        owed -= int(owed)
        dates = [now + HOUR * (n + 0.5) / (count + 1) for n in range(count)]
        known = observe(known, dates, since=now, now=now + HOUR)
        now += HOUR
    assert known is not None
    return known


DAYS = [0.0] * 6 + [4.0] * 12 + [0.0] * 6
RESTS_ON_FRIDAY = [0.0 if hour // 24 == 1 else 2.0 for hour in range(WEEK)]


def test_a_feed_that_sleeps_at_night_is_known_to_after_two_weeks() -> None:
    shape = profile_of(watched(DAYS, 2 * WEEK)).shape

    assert min(shape[day * 24 + 12] for day in range(7)) > 1.3
    assert max(shape[day * 24 + 2] for day in range(7)) < 0.3


def test_a_day_of_rest_is_known_after_three_weeks() -> None:
    shape = profile_of(watched(RESTS_ON_FRIDAY, 3 * WEEK)).shape

    assert sum(shape[24:48]) / 24 < 0.35
    assert sum(shape[48:72]) / 24 > 0.9


def test_an_unknown_feed_is_thought_to_be_the_same_at_all_hours() -> None:
    assert set(profile_of(None).shape) == {1.0}
    assert set(profile_of(Rhythm()).shape) == {1.0}


def test_the_clock_of_a_feed_runs_a_week_in_a_week() -> None:
    profile = profile_of(watched(DAYS, 2 * WEEK))
    at = START.timestamp() + 12_345

    assert profile.busy(at, at + WEEK * 3_600) == pytest.approx(WEEK)
    assert profile.busy(at, at + 1_000) + profile.busy(at + 1_000, at + 9_000) == pytest.approx(
        profile.busy(at, at + 9_000)
    )


def test_waiting_is_longer_into_the_night_than_into_the_day() -> None:
    profile = profile_of(watched(DAYS, 2 * WEEK))
    morning = (START + timedelta(days=30, hours=7)).timestamp()
    evening = (START + timedelta(days=30, hours=19)).timestamp()

    assert profile.patience(2.0, evening, 0.05, 24) > 2 * profile.patience(2.0, morning, 0.05, 24)


@given(st.floats(0, 1_000), st.floats(0, 1e9), st.floats(1e-4, 10))
def test_entries_wait_together_for_the_patience_and_no_longer(rate: float, now: float, patience: float) -> None:
    flat = profile_of(None)

    wait = flat.patience(rate, now, patience, 24.0)

    assert 0 < wait <= 24.0
    assert rate * wait * wait / 2 <= patience * 1.001
    assert wait == 24.0 or rate * wait * wait / 2 >= patience * 0.999


def test_a_silence_at_night_is_no_silence() -> None:
    rhythm = watched(DAYS, 4 * WEEK)

    assert silence(watched([0.0] * 24, 6, before=rhythm)) is False


def test_a_silence_through_the_busy_hours_is_one() -> None:
    rhythm = watched(DAYS, 4 * WEEK)

    assert silence(watched([0.0] * 24, 24, before=rhythm)) is True


def test_silence_lasts_until_the_feed_speaks() -> None:
    rhythm = watched([0.0], 8 * WEEK, before=watched(DAYS, 4 * WEEK))
    assert silence(rhythm) is True

    assert silence(watched([4.0], 3, before=rhythm)) is False


def test_a_rare_feed_may_be_quiet_for_a_week() -> None:
    rhythm = watched([1 / 48], 6 * WEEK)

    assert silence(watched([0.0], WEEK, before=rhythm)) is False


def test_nothing_is_said_of_silence_before_a_week_is_known() -> None:
    assert silence(None) is None
    assert silence(watched(DAYS, 100)) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_feed_that_goes_on_as_usual_is_not_called_silent(seed: int) -> None:
    rhythm = watched(DAYS, 2 * WEEK, seed=seed)
    told = 0
    for day in range(60):
        rhythm = watched(DAYS, 24, seed=1_000 * seed + day, before=rhythm)
        told += bool(silence(rhythm))

    assert told == 0


def test_what_is_due_is_read_off_the_same_hours() -> None:
    rhythm = watched(DAYS, 4 * WEEK)
    morning = START + timedelta(weeks=5, hours=6)

    assert 40 < usually(rhythm, morning, morning + 12 * HOUR) < 56
    assert usually(rhythm, morning - 4 * HOUR, morning - 2 * HOUR) < 4


def test_a_first_document_teaches_the_hours_that_it_spans() -> None:
    now = START + timedelta(days=40)
    dates = [START + timedelta(days=day, hours=hour) for day in range(12, 40) for hour in (9, 10, 11, 12, 13)]
    rhythm = from_dates(dates, now)
    shape = profile_of(rhythm).shape

    assert shape[11] > 2
    assert shape[2] < 0.5
    assert rate_of_dates(rhythm, dates, now) == pytest.approx(5 / 24, rel=0.15)


@pytest.mark.parametrize(
    "dates",
    [[], [START] * 40, [START, START + HOUR], [START + timedelta(days=400, minutes=n) for n in range(40)]],
    ids=["none", "one date", "two", "future"],
)
def test_dates_that_say_nothing_teach_nothing(dates: list[datetime]) -> None:
    assert set(profile_of(from_dates(dates, START + timedelta(days=2))).shape) == {1.0}


def test_a_time_in_which_entries_were_missed_teaches_nothing() -> None:
    rhythm = watched(DAYS, WEEK)
    later = START + timedelta(hours=WEEK + 9)
    after = observe(rhythm, [None] * 40, since=later - 8 * HOUR, now=later, gap=True)

    assert after.counts == rhythm.counts


moments = st.lists(st.one_of(st.none(), st.integers(-10_000_000, 10_000_000)), max_size=30)


@given(st.lists(st.tuples(st.integers(0, 3_000_000), moments, st.booleans()), max_size=8))
def test_any_history_keeps_a_bounded_rhythm_that_survives_the_codec(
    history: list[tuple[int, list[int | None], bool]],
) -> None:
    rhythm: Rhythm | None = None
    now = START
    for seconds, offsets, gap in history:
        since, now = now, now + timedelta(seconds=seconds)
        dates = [None if offset is None else now + timedelta(seconds=offset) for offset in offsets]
        rhythm = observe(rhythm, dates, since=since, now=now, gap=gap)
    state = FeedState(feed_id="f", rhythm=rhythm)

    assert decode(FeedState, encode(state)) == state
    assert len(encode(state)) < 2_000
    assert sum(profile_of(rhythm).shape) == pytest.approx(WEEK)
    assert min(profile_of(rhythm).shape) > 0


def test_a_state_of_before_there_were_rhythms_still_reads() -> None:
    old = b'{"record":"feed-state","feed_id":"f","rate":2.0,"polls":40,"v":1}'

    state = decode(FeedState, old)

    assert (state.rhythm, state.standing.value) == (None, "steady")


@given(st.floats(0, 20_000), st.floats(0, 20_000))
def test_more_entries_never_get_a_smaller_byte(one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert 1 <= quantised(low) <= quantised(high) <= 255
