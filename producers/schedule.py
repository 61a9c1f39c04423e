"""When to poll a feed again, and why then. Pure.

The interval follows how much news the feed brings: about one new entry in two polls, never so long that its window of
entries could roll over, and never longer than a quarter of the time that it has been quiet. All three are ratios, so that
a feed of one entry a second and one of an entry a month are held to the same rule.
"""

import math
import random
from datetime import datetime, timedelta
from typing import Final

import msgspec

from marsad.config import PollSettings
from marsad.records import FeedState, Health
from producers.hints import Hints, skip_until

__all__ = ["Plan", "after_failure", "after_success", "expected_entries", "human", "rate_after"]

_NEW_PER_POLL: Final = 0.5
_WINDOW_SHARE: Final = 0.25
_QUIET_SHARE: Final = 0.25
# News comes in clusters: right after some, a feed is asked up to four times as often as its mean rate alone would say.
_SOONEST_SHARE: Final = 0.25
_GROWTH: Final = 1.5
# A feed whose rhythm is not known is asked at the floor for so many polls; while it stays empty, each further poll adds a
# tenth of the floor, so that after a day (at a floor of 2 min) it is asked every 24 min.
_LEARNING_POLLS: Final = 10
_START_FACTOR: Final = 2.0
_JITTER: Final = 0.1
_GAP_FACTOR: Final = 0.33
_HOUR: Final = 3_600.0
# A publisher's hint holds back polling for at most this long: a feed whose cache time is a day still brings news today.
_LONGEST_HINT: Final = 3_600.0
# The hint inside a feed is mostly the default of the software that wrote it; a feed that brings more disproves it.
_DISPROVED_BY: Final = 2.0
_MEMORY_ENTRIES: Final = 20.0
_LONGEST_MEMORY_HOURS: Final = 24.0
_TINY: Final = 1e-9
_WARM_UP_POLLS: Final = 20
# Failures that pass by themselves wait less than those that somebody must mend.
_SOFT: Final = frozenset({Health.NETWORK, Health.SLOW, Health.HTTP_5XX, Health.THROTTLED, Health.BOT_WALL})
_SOFT_FACTOR: Final = 1.5
_HARD_FACTOR: Final = 2.0
_LONGEST_FIRST_RETRY: Final = 900.0


class Plan(msgspec.Struct, frozen=True):
    """The next poll."""

    interval: float
    """The feed's own interval in seconds, which the next decision starts from."""
    at: datetime
    reason: str
    """What comes after "next poll in … because"."""


def rate_after(state: FeedState, new: int, now: datetime, *, first_guess: float = 0.0) -> float:
    """New entries an hour, as an exponential moving average over the polls.

    Its memory is the time of about twenty entries, at most a day: long enough for the noise of small counts (20 ± 22 %),
    short enough to follow breaking news up and a feed that stopped down. Over the first polls it is their plain mean.
    """
    if state.last_ok_at is None:
        return first_guess
    hours = max((now - state.last_ok_at).total_seconds(), 1.0) / _HOUR
    memory = min(_LONGEST_MEMORY_HOURS, _MEMORY_ENTRIES / max(state.rate, new / hours, _TINY))
    weight = 1.0 - math.exp(-hours / memory)
    if state.polls < _WARM_UP_POLLS:
        weight = max(weight, 1.0 / (state.polls + 1))
    return state.rate + weight * (new / hours - state.rate)


def expected_entries(rate: float, since: datetime | None, now: datetime) -> float:
    """How many entries the feed should have brought since an instant, at its rate."""
    return 0.0 if since is None else rate * max(0.0, (now - since).total_seconds()) / _HOUR


def after_success(
    state: FeedState,
    *,
    now: datetime,
    elapsed: float,
    new: int,
    total: int,
    gap: bool,
    hints: Hints,
    settings: PollSettings,
    rng: random.Random,
) -> Plan:
    """Plan the next poll after an answer that was a feed (or that it has not changed).

    Args:
        state: the state with this poll already in it: its rate, last new entry and newest date are the latest.
        now: the present instant.
        elapsed: seconds since the answer before; 0 if there was none.
        new: entries that were new.
        total: entries in the document; 0 where it was not read.
        gap: entries were missed since the poll before.
        hints: what the publisher says.
        settings: floor and cap.
        rng: spreads polls, so that feeds of one server do not march in step.
    """
    wish, why = _wish(state, now, total, settings)
    if new and elapsed and (by_share := elapsed * _WINDOW_SHARE * total / new) < wish:
        wish, why = by_share, f"{new} of its {total} entries were new"
    if gap:
        wish, why = min(wish, (state.interval or wish) * _GAP_FACTOR), "entries were missed since the last poll"
    wish, why = _hinted(wish, why, state.rate, hints)
    wish, why = _bounded(wish, why, settings)
    return _plan(wish, why, now, hints, settings, rng)


def _wish(state: FeedState, now: datetime, total: int, settings: PollSettings) -> tuple[float, str]:
    """The interval that the feed's own news suggests."""
    since = _quiet_since(state, now)
    if since is None or (state.rate <= 0 and state.polls <= _LEARNING_POLLS):
        factor = max(1.0, state.polls / _LEARNING_POLLS)
        return settings.min_interval * factor, "its rhythm is not known yet"
    start = settings.min_interval * _START_FACTOR
    quiet = (now - since).total_seconds()
    wish, why = max(start, quiet * _QUIET_SHARE), f"nothing new for {human(quiet)}"
    if state.rate > 0:
        by_rate = _NEW_PER_POLL * _HOUR / state.rate
        wish = max(wish, by_rate * _SOONEST_SHARE)
        if by_rate < wish:
            wish, why = by_rate, f"it brings about {_per_time(state.rate)}"
        if total and (by_window := total * _WINDOW_SHARE * _HOUR / state.rate) < wish:
            wish, why = by_window, f"its {total} entries roll over within {human(total * _HOUR / state.rate)}"
    if state.interval and wish > state.interval * _GROWTH:
        wish = max(state.interval * _GROWTH, start)
    return wish, why


def _quiet_since(state: FeedState, now: datetime) -> datetime | None:
    """The last sign of news: at a first poll the newest date in the document, since all of it is new to us."""
    newest = state.newest_published if state.newest_published and state.newest_published <= now else None
    if state.polls <= 1 and newest:
        return newest
    return max((at for at in (state.last_new_at, newest) if at), default=None)


def _hinted(wish: float, why: str, rate: float, hints: Hints) -> tuple[float, str]:
    """Publisher's hints as lower bounds, each for at most an hour."""
    cache = min(hints.cache, _LONGEST_HINT)
    if cache > wish:
        wish, why = cache, f"the server says that its answer stays the same for {human(hints.cache)}"
    feed = min(hints.feed, _LONGEST_HINT)
    if feed > wish and rate * feed / _HOUR < _DISPROVED_BY:
        wish, why = feed, f"the feed asks for {human(hints.feed)} between polls"
    return wish, why


def _bounded(wish: float, why: str, settings: PollSettings) -> tuple[float, str]:
    if wish < settings.min_interval:
        return settings.min_interval, f"{why}; not oftener than poll.min_interval"
    if wish > settings.max_interval:
        return settings.max_interval, f"{why}; at least every poll.max_interval"
    return wish, why


def after_failure(
    state: FeedState,
    health: Health,
    *,
    now: datetime,
    retry_after: float,
    settings: PollSettings,
    rng: random.Random,
) -> Plan:
    """Plan the next try after a failure: later each time, never given up.

    Args:
        state: the state with this failure already counted.
        health: the kind of failure.
        now: the present instant.
        retry_after: seconds that the server asked for; obeyed where it is longer.
        settings: floor and cap.
        rng: as for :func:`after_success`.
    """
    factor = _SOFT_FACTOR if health in _SOFT else _HARD_FACTOR
    first = max(settings.min_interval, min(state.interval or settings.min_interval, _LONGEST_FIRST_RETRY))
    exponent = min(max(0, state.failures - 1), 64)
    wish = min(first * factor**exponent, settings.max_interval)
    why = f"{state.failures} failed poll{'s' if state.failures > 1 else ''} in a row ({health.value})"
    if retry_after > wish:
        wish, why = retry_after, f"the server asked to wait {human(retry_after)}"
    interval = state.interval or settings.min_interval
    plan = _plan(wish, why, now, Hints(), settings, rng, floor=retry_after)
    return msgspec.structs.replace(plan, interval=interval)


def _plan(
    wish: float, why: str, now: datetime, hints: Hints, settings: PollSettings, rng: random.Random, floor: float = 0.0
) -> Plan:
    spread = wish * (1 + _JITTER * (2 * rng.random() - 1))
    wait = max(spread, settings.min_interval, floor, hints.retry_after)
    at = now + timedelta(seconds=wait)
    later = skip_until(at, hints.skip_hours, hints.skip_days)
    if later > at and (later - now).total_seconds() <= settings.max_interval:
        return Plan(wish, later, f"{why}; the feed asks not to be polled before")
    return Plan(wish, at, why)


def human(seconds: float) -> str:
    """A duration as a person says it, such as ``14 min``."""
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= size * 2 or (unit == "min" and seconds >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _per_time(rate: float) -> str:
    per_day = rate * 24
    if rate >= _HOUR:
        return f"{rate / _HOUR:.0f} entries a second"
    if rate >= 1:
        return f"{rate:.0f} entries an hour"
    return f"{per_day:.0f} entries a day" if per_day >= 1 else "an entry in some days"
