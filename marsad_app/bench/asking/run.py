"""A policy let loose on a world, and what came of it."""

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from marsad_app.bench.asking.policies import Policy
from marsad_app.bench.asking.world import DAY, END, HOUR, ServedFeed

__all__ = ["Outcome", "Tally", "at_delay", "at_requests", "follow", "outcome"]

# What a server keeps for so long while it answers must not be lost; the cap of the interval, with its jitter, for a feed
# that is back after more than a week.
_PROMISE: Final = 6 * HOUR
_AWAY: Final = 7 * DAY
_PROMISE_AFTER_AWAY: Final = 1.1 * DAY


class Tally:
    """Requests, delays and losses of one policy over the feeds that it asked."""

    def __init__(self) -> None:
        self.feeds = 0
        self.requests = 0
        self.delays = array("d")
        self.second_week = array("d")
        self.lost = array("d")
        """Of each entry that was never seen: seconds for which the server kept it while it answered."""
        self.broken = 0
        """Of these, what was kept for longer than is promised."""
        self.waiting = 0
        """Entries that were still in the document, not seen, when time was up. Their delay is counted up to then."""

    def see(self, published: float, now: float) -> None:
        """Count an entry that was seen."""
        if published >= 0.0:
            (self.delays if published < END / 2 else self.second_week).append(now - published)


def follow(feed: ServedFeed, policy: Policy, tally: Tally) -> None:
    """Ask one feed for two weeks."""
    published, window = feed.published, feed.window
    seen, before = 0, -1
    tally.feeds += 1
    now = feed.first_poll
    while now < END:
        tally.requests += 1
        fault = feed.fault_at(now)
        if fault is not None:
            now = policy.failed(now, fault)
            continue
        there = bisect_right(published, now)
        oldest = max(0, there - window)
        _lose(feed, range(seen, oldest), tally)
        new = published[max(seen, oldest) : there]
        for at in new:
            tally.see(at, now)
        gap = bool(new) and seen > 0 and oldest >= seen
        now = policy.answered(now, new, there - oldest, changed=there != before, gap=gap)
        seen = before = there
    oldest = max(seen, len(published) - window)
    _lose(feed, range(seen, oldest), tally)
    for at in published[oldest:]:
        tally.see(at, END)
        tally.waiting += at >= 0.0


def _lose(feed: ServedFeed, indices: Iterable[int], tally: Tally) -> None:
    for index in indices:
        begin = feed.published[index]
        if begin >= 0.0:
            end = feed.published[index + feed.window]
            kept = feed.well_between(begin, end)
            tally.lost.append(kept)
            away = any(fault.end - fault.begin >= _AWAY and begin < fault.end < end for fault in feed.faults)
            tally.broken += kept >= (_PROMISE_AFTER_AWAY if away else _PROMISE)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy came to. Times in minutes."""

    policy: str
    patience: float | None = None
    requests_a_day: float
    """Of a feed, on average."""
    mean: float
    median: float
    p95: float
    mean_second_week: float
    entries: int
    lost: int
    lost_kept_an_hour: int
    """Of these, what the server kept for an hour while it answered."""
    lost_kept_long_enough: int
    """Of these, what it kept for six hours, or a day where it had been away for a week."""
    waiting: int


def outcome(policy: str, tally: Tally, patience: float | None = None) -> Outcome:
    """The figures of a run."""
    delays = sorted([*tally.delays, *tally.second_week])
    return Outcome(
        policy=policy,
        patience=patience,
        requests_a_day=tally.requests / tally.feeds / (END / DAY),
        mean=sum(delays) / len(delays) / 60,
        median=delays[len(delays) // 2] / 60,
        p95=delays[int(len(delays) * 0.95)] / 60,
        mean_second_week=sum(tally.second_week) / max(1, len(tally.second_week)) / 60,
        entries=len(delays) + len(tally.lost),
        lost=len(tally.lost),
        lost_kept_an_hour=sum(kept >= HOUR for kept in tally.lost),
        lost_kept_long_enough=tally.broken,
        waiting=tally.waiting,
    )


def at_requests(curve: Sequence[Outcome], requests: float, measure: Callable[[Outcome], float]) -> float | None:
    """A measure of ours at a number of requests, between two runs of the curve (on logarithmic scales); None outside."""
    return _between(curve, lambda each: each.requests_a_day, requests, measure)


def at_delay(curve: Sequence[Outcome], delay: float, measure: Callable[[Outcome], float]) -> float | None:
    """Requests of ours at which a measure of delay is as given."""
    return _between(curve, measure, delay, lambda each: each.requests_a_day)


def _between(
    curve: Sequence[Outcome], given: Callable[[Outcome], float], value: float, wanted: Callable[[Outcome], float]
) -> float | None:
    ordered = sorted(curve, key=given)
    for low, high in pairwise(ordered):
        if given(low) <= value <= given(high):
            share = math.log(value / given(low)) / math.log(given(high) / given(low))
            return wanted(low) * math.exp(share * math.log(wanted(high) / wanted(low)))
    return None
