"""When to poll a feed again, and why then. Pure.

A request is worth the waiting that it ends. Each feed is asked again when the entries that its rhythm says will have come by
then have waited, all together, for ``poll.patience``: of all ways to spend a number of requests on feeds of different rates
this leaves the least waiting, since the last minute of patience buys as much at every feed. It comes to intervals that fall
with the square root of the rate; they are drawn a little towards busy feeds, whose entries are the most of what is read
(decision 11). Then what guards against loss: no window of entries may roll over in between.
"""

import random
from datetime import datetime, timedelta
from typing import Final

import msgspec

from marsad.config import PollSettings
from marsad.records import FeedState, Health, Standing
from producers.hints import Hints, skip_until
from producers.rhythm import WEEK, busy_hours, profile_of

__all__ = ["Plan", "after_failure", "after_success", "human", "quiet_since", "standing_after"]

# Patience falls with this power of the entries an hour: at 0 the median delay is above Miniflux', at 0.3 the 95th percentile
# is above that of hourly polling (decision 11).
_FAVOUR: Final = 0.25
_MOST_PATIENCE: Final = 2.0
# A window of entries may be used up to a half at the feed's present pace: news comes in bursts.
_WINDOW_SHARE: Final = 0.5
# The pace that a feed which has been quiet can still be thought to have: half an entry in the time that it was quiet.
_PACE_OF_QUIET: Final = 0.5
_GROWTH: Final = 1.5
# A feed whose rhythm is not known is asked at the floor for so many polls; while it stays empty, each further interval is
# longer by a tenth, which comes to a tenth of the time for which it has been watched.
_LEARNING_POLLS: Final = 10
_LEARNING_GROWTH: Final = 1.1
_LEARNING_MOST: Final = 200
_START_FACTOR: Final = 2.0
_WARM_UP_POLLS: Final = 20
_JITTER: Final = 0.1
_GAP_FACTOR: Final = 0.33
_HOUR: Final = 3_600.0
# A publisher's hint holds back polling for at most this long: a feed whose cache time is a day still brings news today.
_LONGEST_HINT: Final = 3_600.0
# The hint inside a feed is mostly the default of the software that wrote it; a feed that brings more disproves it.
_DISPROVED_BY: Final = 2.0
_LEAST_RATE: Final = 1e-6
# An hour is called busy or quiet where it differs from the mean by this factor.
_MARKED: Final = 1.5
# Failures that pass by themselves wait less than those that somebody must mend: a share of the time that it has been failing.
_SOFT: Final = frozenset({Health.NETWORK, Health.SLOW, Health.HTTP_5XX, Health.THROTTLED, Health.BOT_WALL})
# None waits for longer than some hours in the first week, and then ever longer: what came while it was away leaves its window.
_SOFT_SHARE: Final = 0.125
_HARD_SHARE: Final = 0.25
_SOFT_LONGEST: Final = 3_600.0
_HARD_LONGEST: Final = 3 * 3_600.0
_LONGEST_FIRST_RETRY: Final = 900.0
# A feed that is known to come back is not waited for longer than this while it has been away for less than a day.
_FLAPPING_RETRY: Final = 3_600.0
_FLAPPING_COMEBACKS: Final = 2.0
_FLAPPING_AWAY: Final = timedelta(days=1)
_COMEBACK_HALF_LIFE: Final = 3.0
_DEAD_AFTER: Final = timedelta(days=7)
_DEAD_FAILURES: Final = 10


class Plan(msgspec.Struct, frozen=True):
    """The next poll."""

    interval: float
    """The feed's own interval in seconds, which the next decision starts from."""
    at: datetime
    reason: str
    """What comes after "next poll in … because"."""


def standing_after(state: FeedState, now: datetime, *, failed: bool) -> FeedState:
    """The state with one more poll in how its polls have gone.

    Args:
        state: with the failures in a row counted, this one included; its ``last_ok_at`` is as before this poll.
        now: the present instant.
        failed: whether this poll brought no feed.
    """
    days = (now - state.last_ok_at) / timedelta(days=1) if state.last_ok_at else 0.0
    comebacks = state.comebacks * 0.5 ** (days / _COMEBACK_HALF_LIFE)
    if failed:
        since = state.failing_since or now
        standing = Standing.FAILING
        if now - since >= _DEAD_AFTER and state.failures >= _DEAD_FAILURES:
            standing = Standing.DEAD
        elif comebacks >= _FLAPPING_COMEBACKS and now - since < _FLAPPING_AWAY:
            standing = Standing.FLAPPING
        return msgspec.structs.replace(state, failing_since=since, standing=standing)
    comebacks += bool(state.failures and state.last_ok_at)
    standing = Standing.FLAPPING if comebacks >= _FLAPPING_COMEBACKS else Standing.STEADY
    return msgspec.structs.replace(state, comebacks=comebacks, failures=0, failing_since=None, standing=standing)


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
    wish, why = _hinted(wish, why, state, hints)
    wish, why = _bounded(wish, why, settings)
    return _plan(wish, why, now, hints, settings, rng)


def _wish(state: FeedState, now: datetime, total: int, settings: PollSettings) -> tuple[float, str]:
    """The interval that the feed's own news suggests."""
    since = quiet_since(state, now)
    if since is None or (state.rate <= 0 and state.polls <= _LEARNING_POLLS):
        growth = _LEARNING_GROWTH ** min(max(0, state.polls - _LEARNING_POLLS), _LEARNING_MOST)
        return settings.min_interval * growth, "its rhythm is not known yet"
    profile, at = profile_of(state.rhythm), now.timestamp()
    by_quiet = _PACE_OF_QUIET / max(busy_hours(state.rhythm, since, now), _LEAST_RATE)
    rate = max(state.rate, min(by_quiet, 1.0), _LEAST_RATE)
    patience = settings.patience / _HOUR * min(_MOST_PATIENCE, rate**-_FAVOUR)
    wish = _HOUR * profile.patience(rate, at, patience, settings.max_interval / _HOUR)
    pace = rate * profile.busy(at, at + wish) * _HOUR / wish
    why = _pace(pace, rate) if state.rate >= rate else f"nothing new for {human((now - since).total_seconds())}"
    window = total or state.window
    if window and (by_window := window * _WINDOW_SHARE * _HOUR / max(pace, rate)) < wish:
        wish, why = by_window, f"its {window} entries roll over within {human(window * _HOUR / max(pace, rate))}"
    start = settings.min_interval * _START_FACTOR
    known = state.rhythm is not None and state.rhythm.watched >= WEEK
    if state.polls <= _WARM_UP_POLLS and state.interval and not known and wish > max(state.interval * _GROWTH, start):
        wish = max(state.interval * _GROWTH, start)
        why = f"{why}; it is still new here"
    return wish, why


def _pace(pace: float, rate: float) -> str:
    """What it brings, and that the hours to come are not as others, where they are not."""
    if pace > rate * _MARKED:
        return f"it brings about {_per_time(pace)} in these busy hours"
    if pace * _MARKED < rate:
        return f"it brings about {_per_time(pace)} in these quiet hours"
    return f"it brings about {_per_time(pace)}"


def quiet_since(state: FeedState, now: datetime) -> datetime | None:
    """The last sign of news: at a first poll the newest date in the document, since all of it is new to us."""
    newest = state.newest_published if state.newest_published and state.newest_published <= now else None
    if state.polls <= 1 and newest:
        return newest
    return max((at for at in (state.last_new_at, newest) if at), default=None)


def _hinted(wish: float, why: str, state: FeedState, hints: Hints) -> tuple[float, str]:
    """Publisher's hints as lower bounds, each for at most an hour, and for no longer than entries are kept."""
    rate = state.rate
    kept = state.window * _WINDOW_SHARE * _HOUR / rate if state.window and rate > 0 else _LONGEST_HINT
    cache = min(hints.cache, _LONGEST_HINT, kept)
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
    down = (now - (state.failing_since or now)).total_seconds()
    first = max(settings.min_interval, min(state.interval or settings.min_interval, _LONGEST_FIRST_RETRY))
    share, longest = (_SOFT_SHARE, _SOFT_LONGEST) if health in _SOFT else (_HARD_SHARE, _HARD_LONGEST)
    longest += share * max(0.0, down - _DEAD_AFTER.total_seconds())
    wish, why = max(first, min(down * share, longest)), _failures(state, health, down)
    if state.standing is Standing.FLAPPING:
        wish = min(wish, max(first, _FLAPPING_RETRY))
    if state.standing is not Standing.DEAD and state.window and state.rate > 0:
        wish = min(wish, max(first, state.window * _WINDOW_SHARE * _HOUR / state.rate))
    wish = min(wish, settings.max_interval)
    if retry_after > wish:
        wish, why = retry_after, f"the server asked to wait {human(retry_after)}"
    interval = state.interval or settings.min_interval
    plan = _plan(wish, why, now, Hints(), settings, rng, floor=retry_after)
    return msgspec.structs.replace(plan, interval=interval)


def _failures(state: FeedState, health: Health, down: float) -> str:
    if state.standing is Standing.DEAD:
        return f"it has not answered for {human(down)} ({health.value}) and is taken for dead, though asked still"
    if state.standing is Standing.FLAPPING:
        return f"it fails now and then and comes back (now {health.value})"
    if state.failures == 1:
        return f"a poll failed ({health.value})"
    return f"{state.failures} polls failed in a row ({health.value})"


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
