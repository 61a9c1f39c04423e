"""Tells when a subscription is hit far more often than it is used to at that time of day. Pure: a fold over its hits.

Hits are counted by the hour in which their articles were published. What counts is the present hour with those before it, as many
as the subscription looks at, against the same hours of the last fourteen days: their median, which a single burst does not move.
What came at this hour of both last weekdays of the same name is usual, too. Until a week is known the median of all hours counts
as well, where it is higher; until two days are known nothing is usual.

A spike goes on until twelve hours have passed without a hit that is far above; only its first such hit is told.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import median
from typing import Final

import msgspec

from marsad.records import Alert, Article, Hit, Subscription, Trigger
from marsad.records.ids import alert_id

__all__ = ["KEPT", "Spike", "Spikes", "Usual", "bar", "parted", "told", "usual_at"]

_HOUR_S: Final = 3_600
_DAY: Final = 24
_WEEK: Final = 7
_DAYS: Final = 14
_LEAST_DAYS: Final = 2
KEPT: Final = timedelta(days=_DAYS + 2)
"""How long hits are remembered: fourteen days before a window of at most one."""
_KEPT_HOURS: Final = (_DAYS + 2) * _DAY

_CALM: Final = 12
# Chosen on a month of real articles: see the decision on spikes.
_LEAST: Final = 5
_TIMES: Final = 3.0
_DEVIATIONS: Final = 5.0
_TO_SIGMA: Final = 1.4826
"""Median absolute deviation of a normal distribution to its standard deviation (Rousseeuw and Croux, 1993)."""


class Usual(msgspec.Struct, frozen=True):
    """What a subscription is used to: hits in so many hours, and how far they stray from that."""

    hits: float
    spread: float


class Spike(msgspec.Struct, frozen=True):
    """A spike that has just begun: hits in so many hours up to ``hour`` (hours since 1970), and what is usual."""

    hour: int
    hits: int
    usual: float


def usual_at(counts: Mapping[int, int], hour: int, hours: int, since: int) -> Usual | None:
    """What is usual at an hour; None where too little is known.

    Args:
        counts: hits by hour since 1970.
        hour: the last hour of the window.
        hours: how many it has.
        since: the first hour that was counted.
    """

    def window(end: int) -> int:
        return sum(counts.get(each, 0) for each in range(end - hours + 1, end + 1))

    days = min(_DAYS, (hour - hours + 1 - since) // _DAY)
    if days < _LEAST_DAYS:
        return None
    same = [window(hour - _DAY * day) for day in range(1, days + 1)]
    known = same if days >= _WEEK else [window(end) for end in range(hour - hours, since + hours - 2, -hours)]
    hits = max(median(same), median(known))
    spread = _TO_SIGMA * median(abs(each - hits) for each in known)
    if days == _DAYS:
        hits = max(hits, min(same[_WEEK - 1], same[_DAYS - 1]))
    return Usual(float(hits), float(spread))


def bar(usual: Usual) -> float:
    """How many hits are far above what is usual: thrice, five deviations of it or of a Poisson process, and five at least."""
    stray = max(usual.spread, sqrt(usual.hits))
    return max(_LEAST, _TIMES * usual.hits, usual.hits + _DEVIATIONS * stray)


class _Rhythm:
    """The hits of one subscription."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self._articles: dict[int, set[str]] = {}
        self._known: set[str] = set()
        """All of these: an article counts once, whatever hour it bears when it comes again."""
        self._latest = 0
        self.over: int | None = None
        """The last hour that was far above."""

    def add(self, hour: int, article_id: str) -> bool:
        """Count a hit; False for one that is counted already, or too old to count."""
        if hour <= self._latest - _KEPT_HOURS or article_id in self._known:
            return False
        self._known.add(article_id)
        of_hour = self._articles.setdefault(hour, set())
        of_hour.add(article_id)
        self.counts[hour] = len(of_hour)
        if hour > self._latest:
            self._latest = hour
            for old in [each for each in self.counts if each <= hour - _KEPT_HOURS]:
                del self.counts[old]
                self._known -= self._articles.pop(old)
        return True


class Spikes:
    """The rhythms of all subscriptions that want to know of spikes."""

    def __init__(self) -> None:
        self._rhythms: dict[str, _Rhythm] = {}

    def see(self, hit: Hit, subscription: Subscription | None) -> Spike | None:
        """Take one hit in; the spike that begins with it, if one does.

        Args:
            hit: in the order in which their articles came to grouping.
            subscription: whose it is; None where it was removed.
        """
        if subscription is None:
            self._rhythms.pop(hit.subscription_id, None)
            return None
        if Trigger.SPIKE not in subscription.triggers:
            return None
        hour, since = _hour(min(hit.published_at, hit.first_seen_at)), _hour(subscription.counted_since)
        rhythm = self._rhythms.setdefault(subscription.id, _Rhythm())
        if hour < since or not rhythm.add(hour, hit.article_id):
            return None
        # What was found late is history: it tells what is usual, and of no spike of now.
        if _hour(hit.first_seen_at) - hour > subscription.spike_hours:
            return None
        return _begun(rhythm, hour, subscription.spike_hours, since)


def _begun(rhythm: _Rhythm, hour: int, hours: int, since: int) -> Spike | None:
    hits = sum(rhythm.counts.get(each, 0) for each in range(hour - hours + 1, hour + 1))
    if hits < _LEAST:
        return None
    usual = usual_at(rhythm.counts, hour, hours, since)
    if usual is None or hits < bar(usual):
        return None
    new = rhythm.over is None or abs(hour - rhythm.over) > _CALM
    rhythm.over = max(hour, rhythm.over or 0)
    return Spike(hour, hits, usual.hits) if new else None


def parted(alerts: Iterable[Alert], article: Article) -> tuple[list[Alert], list[Hit]]:
    """What an article raises: alerts that are told, and hits that are counted."""
    told_now, hits = [], []
    for alert in alerts:
        if alert.reason is Trigger.SPIKE:
            hit = Hit(
                subscription_id=alert.subscription_id,
                article_id=article.article_id,
                published_at=article.published_at,
                first_seen_at=article.first_seen_at,
                came_at=article.updated_at or article.first_seen_at,
                alert=alert,
            )
            hits.append(hit)
        else:
            told_now.append(alert)
    return told_now, hits


def told(spike: Spike, hit: Hit, subscription: Subscription) -> Alert:
    """The alert of a spike, about the article that made it one; its id follows from the hour in which the spike began."""
    begun = datetime.fromtimestamp(spike.hour * _HOUR_S, UTC).isoformat()
    return msgspec.structs.replace(
        hit.alert,
        alert_id=alert_id(subscription.id, "spike", f"{Trigger.SPIKE}:{begun}"),
        hits=spike.hits,
        usual=round(spike.usual, 1),
        hours=subscription.spike_hours,
    )


def _hour(at: datetime) -> int:
    return int(at.timestamp()) // _HOUR_S
