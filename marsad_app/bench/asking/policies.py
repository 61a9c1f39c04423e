"""Who asks: Marsad with its real decisions, and the rules of others, restated from what their sources do."""

import random
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from msgspec.structs import replace

from marsad.config import PollSettings
from marsad.records import FeedState, Seen
from marsad_app.bench.asking.world import BEGIN, DAY, HOUR, Fault, ServedFeed
from producers.learning import learn
from producers.schedule import after_failure, after_success, standing_after

__all__ = ["Fixed", "Marsad", "MediaCloud", "Miniflux", "Policy"]

_MINUTE: Final = 60.0
_NEVER: Final = 1e18
_MF_MOST_ERRORS: Final = 3
# The defaults of its ``AUTO_ADJUST_…`` settings, in minutes and shares.
_MC_START: Final = 6 * 60.0
_MC_ON_TIME: Final = 10.0
_MC_MOST_KNOWN: Final = 0.67
_MC_LEAST_KNOWN: Final = 0.33


class Policy(Protocol):
    """Decides for one feed when it is asked next. All instants are seconds from the world's beginning."""

    def answered(self, now: float, new: Sequence[float], total: int, *, changed: bool, gap: bool) -> float:
        """When to ask again after a document, of whose ``total`` entries those published at ``new`` were not known."""
        ...

    def failed(self, now: float, fault: Fault) -> float:
        """When to ask again after a failure."""
        ...


class Fixed:
    """Every feed each hour, whatever it does."""

    def __init__(self, feed: ServedFeed, number: int) -> None:
        self._interval = HOUR

    def answered(self, now: float, new: Sequence[float], total: int, *, changed: bool, gap: bool) -> float:
        """See :class:`Policy`."""
        return now + self._interval

    def failed(self, now: float, fault: Fault) -> float:
        """See :class:`Policy`."""
        return now + self._interval


class Marsad:
    """What ``producers.poll`` does with each answer, less the parsing: ``learn``, then ``after_success`` or ``after_failure``."""

    def __init__(self, feed: ServedFeed, number: int, settings: PollSettings) -> None:
        self.state = FeedState(feed_id=str(number))
        self._feed = feed
        self._settings = settings
        self._rng = random.Random(number)  # noqa: S311  # jitter

    def answered(self, now: float, new: Sequence[float], total: int, *, changed: bool, gap: bool) -> float:
        """See :class:`Policy`."""
        at, before = _instant(now), self.state
        dates = [_instant(published) if self._feed.dated else None for published in new]
        last = before.last_ok_at
        # The same document is read anew at the first poll of a day.
        read = changed or last is None or last.date() != at.date()
        before = replace(before, polls=before.polls + 1, last_poll_at=at)
        known = learn(before, dates, now=at, total=total if read else None, gap=gap)
        if dates:
            newest = dates[-1] if self._feed.dated else None
            known = replace(known, seen=_SOMETHING, newest_published=newest or known.newest_published)
        plan = after_success(
            known,
            now=at,
            elapsed=(at - last).total_seconds() if last else 0.0,
            new=len(dates),
            total=total if read else 0,
            gap=gap,
            hints=self._feed.hints,
            settings=self._settings,
            rng=self._rng,
        )
        self.state = replace(known, interval=plan.interval, next_poll_at=plan.at, reason=plan.reason)
        return plan.at.timestamp() - BEGIN

    def failed(self, now: float, fault: Fault) -> float:
        """See :class:`Policy`."""
        at, before = _instant(now), self.state
        counted = replace(before, polls=before.polls + 1, last_poll_at=at, failures=before.failures + 1)
        counted = replace(standing_after(counted, at, failed=True), health=fault.health)
        plan = after_failure(counted, fault.health, now=at, retry_after=0.0, settings=self._settings, rng=self._rng)
        self.state = replace(counted, interval=plan.interval, next_poll_at=plan.at, reason=plan.reason)
        return plan.at.timestamp() - BEGIN


_SOMETHING: Final = {"entry": Seen("", "")}


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(BEGIN + at, UTC)


class Miniflux:
    """Its ``entry_frequency`` scheduler: a week by the week's entries, 5 min to 24 h, never sooner than the publisher says.

    Its own loop looks for due feeds once an hour and takes a hundred of them; here it is asked to the minute and without a
    limit, which is better for it.

    Args:
        feed: the feed.
        number: its number.
        gives_up: stop for good after three failures in a row, as it does.
    """

    def __init__(self, feed: ServedFeed, number: int, *, gives_up: bool = False) -> None:
        self._feed = feed
        self._gives_up = gives_up
        self._dates: list[float] = []
        self._errors = 0

    def answered(self, now: float, new: Sequence[float], total: int, *, changed: bool, gap: bool) -> float:
        """See :class:`Policy`."""
        self._errors = 0
        self._dates += new if self._feed.dated else [now] * len(new)
        return now + self._interval(now)

    def failed(self, now: float, fault: Fault) -> float:
        """See :class:`Policy`."""
        self._errors += 1
        if self._gives_up and self._errors >= _MF_MOST_ERRORS:
            return _NEVER
        return now + self._interval(now)

    def _interval(self, now: float) -> float:
        count = len(self._dates) - bisect_left(self._dates, now - 7 * DAY)
        minutes = round(7 * 24 * 60 / count) if count else 24 * 60
        hints = self._feed.hints
        return max(min(max(minutes, 5), 24 * 60) * _MINUTE, hints.cache, hints.feed)


class MediaCloud:
    """Its rule of duplicates, from 6 h on, between 10 min and 24 h.

    Over 67 % known: 10 min longer, or 60 where it brought nothing for a month. Under 33 %: back to 6 h, or an hour shorter.
    Soft failures count a half and lengthen the interval in proportion, up to 24 h.
    """

    def __init__(self, feed: ServedFeed, number: int) -> None:
        self._hint = feed.hints.feed / _MINUTE
        self._minutes = self._hint or _MC_START
        self._failures = 0.0
        self._last_ok: float | None = None
        self._last_new: float | None = None
        self._rng = random.Random(number)  # noqa: S311  # jitter

    def answered(self, now: float, new: Sequence[float], total: int, *, changed: bool, gap: bool) -> float:
        """See :class:`Policy`."""
        if new:
            self._last_new = now
        if self._last_ok is not None:
            late = (now - self._last_ok) / _MINUTE - self._minutes
            known = 1.0 - len(new) / total if changed and total else 1.0
            self._adjust(now, known, late)
        self._failures, self._last_ok = 0.0, now
        return now + self._minutes * _MINUTE

    def _adjust(self, now: float, known: float, late: float) -> None:
        if known >= _MC_MOST_KNOWN and late >= -_MC_ON_TIME:
            recent = known < 1.0 or now - (self._last_new or 0.0) <= 31 * DAY
            self._minutes = min(24 * 60.0, self._minutes + (10.0 if recent else 60.0))
        elif known < _MC_LEAST_KNOWN and late <= _MC_ON_TIME:
            shorter = _MC_START if self._minutes > _MC_START else self._minutes - 60.0
            self._minutes = max(10.0, self._hint, shorter)

    def failed(self, now: float, fault: Fault) -> float:
        """See :class:`Policy`."""
        self._failures += 0.5
        wait = self._minutes * max(1.0, self._failures)
        if self._failures >= 1.0:
            wait = min(wait, 24 * 60.0)
        return now + wait * _MINUTE
