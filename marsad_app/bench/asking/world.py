"""Feeds that never were, with the rhythms of real ones: when each publishes, what its server keeps, when it fails."""

import math
import random
from bisect import bisect_right
from typing import Final

import msgspec

from marsad.records import Health
from producers.hints import Hints

__all__ = ["BEGIN", "DAY", "END", "HOUR", "Fault", "ServedFeed", "feed_of"]

HOUR: Final = 3_600.0
DAY: Final = 86_400.0
# Thursday 2026-03-05 00:00 UTC. Published times are seconds from here.
BEGIN: Final = 1_772_668_800.0
END: Final = 14 * DAY
_PAST_DAYS: Final = 28
_WEEK: Final = 168


class Fault(msgspec.Struct, frozen=True):
    """A time in which a server brings no feed."""

    begin: float
    end: float
    health: Health


class ServedFeed(msgspec.Struct, frozen=True):
    """One feed, for all that a poller can notice."""

    published: tuple[float, ...]
    window: int
    """Entries that the server keeps in the document."""
    faults: tuple[Fault, ...]
    hints: Hints
    dated: bool
    first_poll: float

    def fault_at(self, at: float) -> Fault | None:
        """The fault that a request meets."""
        index = bisect_right(self.faults, at, key=lambda fault: fault.begin) - 1
        return self.faults[index] if index >= 0 and at < self.faults[index].end else None

    def well_between(self, begin: float, end: float) -> float:
        """Seconds between two instants in which the server answered."""
        return end - begin - sum(max(0.0, min(end, f.end) - max(begin, f.begin)) for f in self.faults)


class _Kind(msgspec.Struct, frozen=True):
    """A kind of outlet."""

    share: float
    a_day: float
    """Entries a day, the median of its feeds."""
    peak: float
    """Local hour about which its day lies."""
    width: float
    """Hours on each side of it."""
    night: float
    """Share of the peak's pace that is kept up at all hours."""
    friday: tuple[float, float]
    """Least and most of the weekday's pace that it keeps on Fridays."""
    spells: bool = False
    """Publishes for some days and rests for weeks or months."""


_KINDS: Final = (
    _Kind(0.08, 60.0, 14.0, 8.0, 0.35, (0.6, 0.9)),  # agencies and channels
    _Kind(0.45, 6.0, 14.0, 5.0, 0.05, (0.2, 0.8)),  # news sites
    _Kind(0.12, 12.0, 1.5, 1.2, 0.04, (0.0, 0.5)),  # newspapers, put on line at night as a whole
    _Kind(0.25, 0.4, 13.0, 6.0, 0.05, (0.1, 1.0)),  # sections and columns
    _Kind(0.10, 2.0, 15.0, 6.0, 0.10, (0.3, 1.0), spells=True),  # occasional ones
)
_SPREAD: Final = 1.0
_WINDOWS: Final = (10, 10, 15, 20, 20, 25, 30, 50, 100)
_ZONES: Final = (0, 1, 2, 2, 3, 3, 3, 4)
_BURST_EVERY: Final = 10 * DAY
_CACHE_TIMES: Final = (60.0, 300.0, 600.0, 1_800.0, 3_600.0)
_SOFT: Final = (Health.HTTP_5XX, Health.HTTP_5XX, Health.NETWORK, Health.NETWORK)
_HARD: Final = (Health.HTTP_4XX, Health.DNS, Health.TLS)


def feed_of(number: int, seed: int) -> ServedFeed:
    """One feed of a world; the same for the same seed."""
    rng = random.Random(f"{seed}:{number}")  # noqa: S311  # a simulation keeps no secrets
    kind = rng.choices(_KINDS, [kind.share for kind in _KINDS])[0]
    window = rng.choice(_WINDOWS)
    return ServedFeed(
        published=_published(kind, window, rng),
        window=window,
        faults=_faults(rng),
        hints=Hints(
            cache=rng.choice(_CACHE_TIMES) if rng.random() < 0.3 else 0.0,
            feed=(3_600.0 if rng.random() < 0.9 else DAY) if rng.random() < 0.25 else 0.0,
        ),
        dated=rng.random() < 0.95,
        first_poll=rng.uniform(0.0, HOUR),
    )


def _published(kind: _Kind, window: int, rng: random.Random) -> tuple[float, ...]:
    mean = kind.a_day / 24 * rng.lognormvariate(0.0, _SPREAD)
    shape = _week(kind, rng)
    bursts = _spans(rng, _BURST_EVERY, HOUR, 8 * HOUR)
    factors = [rng.uniform(3.0, 12.0) for _ in bursts]
    resting = _spells(rng) if kind.spells else []
    clump = rng.uniform(1.0, 2.5)
    found: list[float] = []
    for hour in range(-_PAST_DAYS * 24, int(END / HOUR)):
        at = hour * HOUR
        if any(begin <= at < end for begin, end in resting):
            continue
        pace = mean * shape[hour % _WEEK]
        for (begin, end), factor in zip(bursts, factors, strict=True):
            if begin <= at < end:
                pace *= factor
        for _ in range(_poisson(pace / clump, rng)):
            first = at + rng.uniform(0.0, HOUR)
            found.append(first)
            while rng.random() < 1.0 - 1.0 / clump:
                first += rng.uniform(0.0, 120.0)
                found.append(first)
    # What is older fills the document: servers keep their last entries, however old they are.
    oldest = min([-_PAST_DAYS * DAY, *found])
    for _ in range(window - sum(at < 0.0 for at in found)):
        oldest -= rng.expovariate(mean / HOUR)
        found.append(oldest)
    found.sort()
    return tuple(at for at in found if at < END)


def _week(kind: _Kind, rng: random.Random) -> list[float]:
    """Pace by hour of the week in UTC; the mean is 1. The world begins on a Thursday."""
    peak = (kind.peak + rng.uniform(-2.0, 2.0) - rng.choice(_ZONES)) % 24
    width = kind.width * rng.uniform(0.7, 1.3)
    friday, saturday = rng.uniform(*kind.friday), rng.uniform(kind.friday[1], 1.0)
    days = (1.0, friday, saturday, 1.0, 1.0, 1.0, 1.0)
    shape = []
    for hour in range(_WEEK):
        away = abs(hour % 24 - peak)
        away = min(away, 24 - away)
        shape.append(days[hour // 24] * (kind.night + (1 - kind.night) * math.exp(-0.5 * (away / width) ** 2)))
    mean = sum(shape) / _WEEK
    return [value / mean for value in shape]


def _poisson(mean: float, rng: random.Random) -> int:
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def _spans(rng: random.Random, every: float, shortest: float, longest: float) -> list[tuple[float, float]]:
    """Times that begin by chance, once in ``every`` seconds; their lengths are even on a logarithmic scale."""
    found = []
    at = -_PAST_DAYS * DAY + rng.expovariate(1 / every)
    while at < END:
        end = at + math.exp(rng.uniform(math.log(shortest), math.log(longest)))
        found.append((at, end))
        at = end + rng.expovariate(1 / every)
    return found


def _spells(rng: random.Random) -> list[tuple[float, float]]:
    """The times in which an occasional feed rests: one to ten weeks, between spells of one to seven days."""
    found = []
    at = -_PAST_DAYS * DAY - rng.uniform(0.0, 70 * DAY)
    while at < END:
        end = at + rng.uniform(7 * DAY, 70 * DAY)
        found.append((at, end))
        at = end + rng.uniform(DAY, 7 * DAY)
    return found


def _faults(rng: random.Random) -> tuple[Fault, ...]:
    """Short ones everywhere, many where the server is bad, outages of hours and of days, and an end for good."""
    bad = rng.random() < 0.05
    spans = [
        (begin, end, rng.choice(_SOFT))
        for begin, end in _spans(rng, (0.25 if bad else 10.0) * DAY, 60.0, HOUR if bad else 1_200.0)
    ]
    if rng.random() < 0.08:
        begin = rng.uniform(0.0, END)
        spans.append((begin, begin + rng.uniform(1.0, 18.0) * HOUR, rng.choice((*_SOFT, *_HARD))))
    if rng.random() < 0.02:
        begin = rng.uniform(0.0, END)
        spans.append((begin, begin + rng.uniform(1.0, 8.0) * DAY, rng.choice((*_SOFT, *_HARD))))
    if rng.random() < 0.02:
        spans.append((rng.uniform(0.0, END), 2 * END, rng.choice(_HARD)))
    apart: list[Fault] = []
    for begin, end, health in sorted(spans):
        if apart and begin < apart[-1].end:
            apart[-1] = Fault(apart[-1].begin, max(end, apart[-1].end), apart[-1].health)
        elif end > 0:
            apart.append(Fault(begin, end, health))
    return tuple(apart)
