"""The simulation of polling: a world that is the same for all, and figures that add up."""

import random
from datetime import UTC, datetime

import pytest

from marsad.config import PollSettings
from marsad.records import FetchResponse, Health
from marsad.testing.factories import a_feed
from marsad_app.bench.asking.compare import compare
from marsad_app.bench.asking.plot import svg
from marsad_app.bench.asking.policies import Fixed, Marsad, MediaCloud, Miniflux
from marsad_app.bench.asking.run import Outcome, Tally, at_delay, at_requests, follow, outcome
from marsad_app.bench.asking.world import BEGIN, DAY, END, HOUR, Fault, ServedFeed, feed_of
from producers.hints import Hints
from producers.parse import ParsedFeed
from producers.poll import decide, needs_parse, request_for
from producers.testing import entry


def served(*, window: int = 10, faults: tuple[Fault, ...] = (), every: float = HOUR) -> ServedFeed:
    published = tuple(-window * every + every * n + 1.0 for n in range(int(END / every) + window))
    return ServedFeed(published=published, window=window, faults=faults, hints=Hints(), dated=True, first_poll=60.0)


def asked(feed: ServedFeed, policy: Fixed | Miniflux | MediaCloud | Marsad) -> Outcome:
    tally = Tally()
    follow(feed, policy, tally)
    return outcome("it", tally)


def test_the_same_seed_makes_the_same_world_and_another_seed_another() -> None:
    assert feed_of(7, 1) == feed_of(7, 1) != feed_of(7, 2)


@pytest.mark.parametrize("number", range(20))
def test_each_entry_is_seen_or_lost_or_waiting(number: int) -> None:
    feed = feed_of(number, 3)
    born = sum(at >= 0.0 for at in feed.published)
    for policy in (Fixed(feed, number), MediaCloud(feed, number), Miniflux(feed, number, gives_up=True)):
        tally = Tally()
        follow(feed, policy, tally)

        assert len(tally.delays) + len(tally.second_week) + len(tally.lost) == born
        assert min([*tally.delays, *tally.second_week], default=0.0) >= 0.0


def test_hourly_polling_of_an_hourly_feed_waits_for_a_minute() -> None:
    result = asked(served(), Fixed(served(), 0))

    assert (result.requests_a_day, result.lost) == (24, 0)
    assert result.median * 60 == 59


def test_what_rolls_over_while_a_server_is_away_is_lost_and_was_not_kept() -> None:
    feed = served(window=2, faults=(Fault(DAY, 2 * DAY, Health.DNS),))
    result = asked(feed, Fixed(feed, 0))

    assert result.lost > 20
    assert result.lost_kept_an_hour == 0


def test_miniflux_as_shipped_is_not_heard_of_again_after_three_failures() -> None:
    feed = served(faults=(Fault(DAY, 2 * DAY, Health.DNS),))

    assert asked(feed, Miniflux(feed, 0, gives_up=True)).lost > 200
    assert asked(feed, Miniflux(feed, 0)).lost < 60


def test_media_cloud_asks_a_slow_feed_ever_more_seldom() -> None:
    assert asked(served(every=4 * DAY), MediaCloud(served(every=4 * DAY), 0)).requests_a_day < 4


def test_the_simulated_poller_plans_as_the_real_one() -> None:
    feed = feed_of(3, 1)
    simulated, settings = Marsad(feed, 3, PollSettings()), PollSettings()
    state, rng, known = None, random.Random(3), 0
    catalogued, now = a_feed(), feed.first_poll
    for _ in range(200):
        at = datetime.fromtimestamp(BEGIN + now, UTC)
        there = sum(published <= now for published in feed.published)
        oldest = max(0, there - feed.window)
        entries = tuple(
            entry(n, published_at=datetime.fromtimestamp(BEGIN + feed.published[n], UTC))
            for n in reversed(range(oldest, there))
        )
        request = request_for(catalogued, state, at, settings)
        answer = FetchResponse(url="u", final_url="u", status=200, headers={}, body=repr(entries).encode())
        parsed = ParsedFeed(kind="rss", entries=entries, ttl_minutes=int(feed.hints.feed / 60) or None)
        read = parsed if needs_parse(state, answer, now=at) else None
        state = decide(catalogued, state, request, answer, read, now=at, settings=settings, rng=rng).state
        new = feed.published[max(known, oldest) : there]
        gap = bool(new) and known > 0 and oldest >= known
        now = simulated.answered(now, new, there - oldest, changed=there != known, gap=gap)
        known = there

        assert state.next_poll_at == simulated.state.next_poll_at
        assert (state.rhythm, state.rate, state.reason) == (
            simulated.state.rhythm,
            simulated.state.rate,
            simulated.state.reason,
        )


def test_curves_are_read_between_their_points_and_not_outside() -> None:
    curve = [
        Outcome(
            policy="ours", patience=1.0, requests_a_day=requests, mean=mean, median=1, p95=1, mean_second_week=1,
            entries=1, lost=0, lost_kept_an_hour=0, lost_kept_long_enough=0, waiting=0,
        )
        for requests, mean in ((4.0, 100.0), (16.0, 25.0))
    ]  # fmt: skip

    assert at_requests(curve, 8.0, lambda each: each.mean) == pytest.approx(50)
    assert at_delay(curve, 50.0, lambda each: each.mean) == pytest.approx(8)
    assert at_requests(curve, 17.0, lambda each: each.mean) is None


def test_a_small_comparison_tells_all_policies_apart_and_can_be_drawn() -> None:
    result = compare(feeds=4, every=2, seed=1, say=lambda each: None)

    assert (result.asked, len(result.others), len(result.curve)) == (2, 4, 7)
    assert svg(result.curve, result.others).count("<circle") == 33
