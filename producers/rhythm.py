"""A feed's own rhythm: how much news it brings in each hour of the week. Learned, bounded, and pure.

All expectations are read off the feed's own clock: an hour in which it usually brings twice its mean counts as two, and one
in which it rests hardly counts. A rate by this clock does not fall at night and does not jump in the morning.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from typing import Final

import msgspec
from msgspec.structs import replace

from marsad.records import FeedState, Rhythm

__all__ = [
    "FLAT",
    "WEEK",
    "Profile",
    "busy_hours",
    "expected_entries",
    "from_dates",
    "observe",
    "profile_of",
    "quantised",
    "rate_after",
    "rate_of_dates",
    "silence",
    "usually",
]

WEEK: Final = 168
_DAY: Final = 24
_HOUR: Final = 3_600.0
_UNSEEN: Final = 0
# One byte spans five thousandths of an entry to some 20,000 entries an hour in steps of 6.2 %.
_LEAST: Final = 0.005
_STEP: Final = math.log(1.062)
_MEANS: Final = (0.0, 0.0, *(_LEAST * math.exp(_STEP * n) for n in range(254)))
# An hour of the week comes round once a week: its mean is the plain one over the first four weeks, and forgets by a quarter
# a week from then on.
_FORGET: Final = 0.25
# So many entries of evidence are needed before an hour, a weekday or an hour of one weekday counts half as its own.
_PRIOR: Final = 4.0
# The quietest hour is still taken for a twentieth of the mean: night is when breaking news surprises.
_QUIETEST: Final = 0.05
_LONGEST_HISTORY: Final = 4 * WEEK
_FEWEST_DATES: Final = 8
# Some feeds pin an old entry; the oldest tenth of the dates does not say how far back a document reaches.
_PINNED: Final = 0.1
_SPREAD_MEMORY: Final = 0.01
_MOST_SPREAD: Final = 50.0
# A single hour cannot say that a feed has become wilder by more than this: a feed that stopped would soon seem to be wild.
_SURPRISE: Final = 4.0
# Page's test for a fall to a tenth of the usual: evidence grows by 0.9 for each entry that is due, and falls by ln 10 for
# each that came.
_FALL: Final = 0.1
_ENOUGH: Final = math.log(1e6)
# Evidence is kept up to this, so that a feed that is back is well after a few entries.
_MOST_DEFICIT: Final = 1.25 * _ENOUGH
# However fast a feed is, an hour without news is at most half the evidence needed: two hours are the least.
_EVIDENCE_AN_HOUR: Final = _ENOUGH / 2

_MEMORY_ENTRIES: Final = 20.0
_LONGEST_MEMORY_HOURS: Final = 96.0
_TINY: Final = 1e-9
_WARM_UP_POLLS: Final = 20


class Profile(msgspec.Struct, frozen=True):
    """A rhythm made ready to be asked: 168 hours, beginning with Thursday 00:00 UTC."""

    shape: tuple[float, ...]
    """Share of the mean in each hour of the week; their mean is 1."""
    sums: tuple[float, ...]
    """Feed's hours from the beginning of the week to each hour."""
    usual: tuple[float, ...]
    """Entries that are due in each hour; 0 in those that were never watched."""
    usual_sums: tuple[float, ...]

    def busy(self, since: float, until: float) -> float:
        """Hours of the feed's own clock between two instants (Unix seconds)."""
        return _upto(self.shape, self.sums, until) - _upto(self.shape, self.sums, since)

    def due(self, since: float, until: float) -> float:
        """Entries that the rhythm says are due between two instants (Unix seconds)."""
        return _upto(self.usual, self.usual_sums, until) - _upto(self.usual, self.usual_sums, since)

    def patience(self, rate: float, now: float, entry_hours: float, longest: float) -> float:
        """Hours until new entries will have waited ``entry_hours`` in all, if one poll takes all that is there; at most ``longest``.

        Args:
            rate: entries in an hour of the feed's clock.
            now: when waiting begins (Unix seconds).
            entry_hours: two entries that wait half an hour each are one.
            longest: hours.
        """
        waiting = waited = passed = 0.0
        hour = int(now // _HOUR)
        step = 1.0 - now / _HOUR % 1.0
        while passed < longest:
            flow = rate * self.shape[hour % WEEK]
            after = waited + waiting * step + flow * step * step / 2
            if after >= entry_hours:
                left = entry_hours - waited
                return min(longest, passed + 2 * left / (waiting + math.sqrt(waiting * waiting + 2 * flow * left)))
            waiting, waited, passed, hour, step = waiting + flow * step, after, passed + step, hour + 1, 1.0
        return longest


def _upto(values: tuple[float, ...], sums: tuple[float, ...], at: float) -> float:
    """The integral of a weekly curve from the beginning of Unix time."""
    weeks, hours = divmod(at / _HOUR, WEEK)
    hour = int(hours)
    return weeks * sums[WEEK] + sums[hour] + (hours - hour) * values[hour]


FLAT: Final = Profile((1.0,) * WEEK, tuple(float(hour) for hour in range(WEEK + 1)), (0.0,) * WEEK, (0.0,) * (WEEK + 1))


def profile_of(rhythm: Rhythm | None) -> Profile:
    """The rhythm ready to be asked; flat where nothing was learned."""
    if rhythm is None or not rhythm.watched:
        return FLAT
    return _profile(rhythm.counts, max(1, min(rhythm.watched // WEEK, round(1 / _FORGET))))


@lru_cache(maxsize=4_096)
def _profile(counts: bytes, weeks: int) -> Profile:
    """Hour of day, weekday and hour of the week, each drawn to what the coarser say while entries are few."""
    means = [_MEANS[byte] for byte in counts]
    seen = [byte != _UNSEEN for byte in counts]
    mean = sum(means) / sum(seen)
    if not mean:
        return FLAT
    by_hour = _smooth([_drawn(means[hour::_DAY], seen[hour::_DAY], mean, weeks) for hour in range(_DAY)])
    by_day = [_drawn(means[at : at + _DAY], seen[at : at + _DAY], mean, weeks) for at in range(0, WEEK, _DAY)]
    coarse = [mean * by_hour[at % _DAY] * by_day[at // _DAY] for at in range(WEEK)]
    fine = [
        guess * (found * weeks + _PRIOR) / (guess * weeks + _PRIOR) if known else guess
        for guess, found, known in zip(coarse, means, seen, strict=True)
    ]
    scale = sum(fine) / WEEK
    shape = [max(_QUIETEST, value / scale) for value in fine]
    norm = sum(shape) / WEEK
    shape = [value / norm for value in shape]
    usual = [value if known else 0.0 for value, known in zip(fine, seen, strict=True)]
    return Profile(tuple(shape), _sums(shape), tuple(usual), _sums(usual))


def _drawn(means: Sequence[float], seen: Sequence[bool], mean: float, weeks: int) -> float:
    """What a set of hours brings by the mean of all, drawn to 1 while entries are few."""
    return (sum(means) * weeks + _PRIOR) / (mean * sum(seen) * weeks + _PRIOR)


def _smooth(values: Sequence[float]) -> list[float]:
    """Each hour of the day together with its neighbours."""
    return [(values[at - 1] + 2 * value + values[(at + 1) % _DAY]) / 4 for at, value in enumerate(values)]


def _sums(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(accumulate(values, initial=0.0))


def quantised(mean: float) -> int:
    """The byte for a mean number of entries an hour; 1 stands for none."""
    if mean < _LEAST:
        return 1
    return min(255, 2 + round(math.log(mean / _LEAST) / _STEP))


def busy_hours(rhythm: Rhythm | None, since: datetime, until: datetime) -> float:
    """Hours of the feed's own clock between two instants."""
    return max(0.0, profile_of(rhythm).busy(since.timestamp(), until.timestamp()))


def expected_entries(state: FeedState, since: datetime | None, now: datetime) -> float:
    """How many entries the feed should have brought since an instant, at its rate and by its rhythm."""
    return 0.0 if since is None else state.rate * busy_hours(state.rhythm, since, now)


def rate_of_dates(rhythm: Rhythm, dates: Sequence[datetime], now: datetime) -> float:
    """Entries in an hour of the feed's clock by the dates of a first document; 0 where they say nothing."""
    stamps = sorted(date for date in dates if date <= now)
    hours = busy_hours(rhythm, stamps[0], stamps[-1]) if stamps else 0.0
    return (len(stamps) - 1) / hours if hours else 0.0


def rate_after(state: FeedState, new: int, now: datetime, *, first_guess: float = 0.0) -> float:
    """New entries an hour of the feed's clock, as an exponential moving average over the polls.

    Its memory is the time of about twenty entries, at most four days: long enough for the noise of small counts (20 ± 22 %),
    short enough to follow breaking news up and a feed that stopped down. Over the first polls it is their plain mean.
    """
    if state.last_ok_at is None:
        return first_guess
    hours = max(busy_hours(state.rhythm, state.last_ok_at, now), 1.0 / _HOUR)
    memory = min(_LONGEST_MEMORY_HOURS, _MEMORY_ENTRIES / max(state.rate, new / hours, _TINY))
    weight = 1.0 - math.exp(-hours / memory)
    if state.polls < _WARM_UP_POLLS:
        weight = max(weight, 1.0 / (state.polls + 1))
    return state.rate + weight * (new / hours - state.rate)


def from_dates(dates: Sequence[datetime], now: datetime) -> Rhythm:
    """What the dates in a first document teach; next to nothing where they are few, all one, or in the future."""
    end = now.timestamp()
    stamps = sorted(stamp for date in dates if (stamp := date.timestamp()) <= end)
    start = Rhythm(hour=int(end // _HOUR) + 1)
    if len(stamps) < _FEWEST_DATES or stamps[0] == stamps[-1]:
        return start
    stamps = stamps[max(1, int(len(stamps) * _PINNED)) :]
    newest = int(stamps[-1] // _HOUR)
    first = max(int(stamps[0] // _HOUR) + 1, newest - _LONGEST_HISTORY)
    learned = _counted(replace(start, hour=first), Counter(int(stamp // _HOUR) for stamp in stamps), newest)
    silent = _evidence(learned, 0, stamps[-1], end)
    return replace(learned, hour=start.hour, so_far=0.0, deficit=silent)


def observe(
    rhythm: Rhythm | None,
    published: Sequence[datetime | None],
    *,
    since: datetime | None,
    now: datetime,
    gap: bool = False,
) -> Rhythm:
    """The rhythm after a poll.

    Args:
        rhythm: as before.
        published: of each new entry its date, where it has one. A date is believed if it lies between this poll and the
            one before; all else is spread over the time between.
        since: the poll before that brought an answer.
        now: the present instant.
        gap: entries were missed; the time since the poll before teaches nothing.
    """
    end = now.timestamp()
    hour = int(end // _HOUR)
    if rhythm is None or since is None:
        return Rhythm(hour=hour + 1)
    if gap:
        return replace(rhythm, hour=hour + 1, so_far=0.0, deficit=0.0)
    begin = since.timestamp()
    deficit = _evidence(rhythm, len(published), begin, end)
    if deficit != rhythm.deficit:
        rhythm = replace(rhythm, deficit=deficit)
    if hour <= rhythm.hour:
        here = len(published) if hour == rhythm.hour else 0
        return replace(rhythm, so_far=rhythm.so_far + here) if here else rhythm
    return _counted(rhythm, _by_hour(published, begin, end), hour)


def _by_hour(published: Sequence[datetime | None], begin: float, end: float) -> dict[int, float]:
    """Entries in each hour between two polls."""
    found: Counter[int] = Counter()
    elsewhere = 0
    for date in published:
        stamp = date.timestamp() if date else 0.0
        if begin < stamp <= end:
            found[int(stamp // _HOUR)] += 1
        else:
            elsewhere += 1
    counts: dict[int, float] = dict(found)
    if elsewhere:
        first, last = int(begin // _HOUR), int(end // _HOUR)
        length = max(end - begin, 1.0)
        for hour in range(max(first, last - _LONGEST_HISTORY), last + 1):
            share = (min(end, (hour + 1) * _HOUR) - max(begin, hour * _HOUR)) / length
            counts[hour] = counts.get(hour, 0.0) + elsewhere * share
    return counts


def _counted(rhythm: Rhythm, by_hour: dict[int, float] | Counter[int], hour: int) -> Rhythm:
    """The rhythm with all hours before ``hour`` counted, which is the one that is counted now."""
    counts = bytearray(rhythm.counts)
    usual = profile_of(rhythm).usual
    watched, spread = rhythm.watched, rhythm.spread
    first = max(rhythm.hour, hour - _LONGEST_HISTORY)
    for at in range(first, hour):
        found = by_hour.get(at, 0.0) + (rhythm.so_far if at == rhythm.hour else 0.0)
        place = at % WEEK
        byte = counts[place]
        if byte == _UNSEEN:
            counts[place] = quantised(found)
        else:
            before = _MEANS[byte]
            counts[place] = quantised(before + (found - before) * max(_FORGET, 1.0 / (1 + watched // WEEK)))
            spread = _spread(spread, found, usual[place])
        watched += 1
    return replace(
        rhythm,
        counts=bytes(counts),
        hour=hour,
        so_far=by_hour.get(hour, 0.0),
        watched=min(watched, 8 * WEEK),
        spread=spread,
    )


def _spread(spread: float, found: float, due: float) -> float:
    """The moving ratio of variance and mean after one more hour."""
    weight = min(due, 1.0)
    if not weight:
        return spread
    seen = min((found - due) ** 2 / due, _SURPRISE * spread + 1.0)
    return min(_MOST_SPREAD, max(1.0, spread + _SPREAD_MEMORY * weight * (seen - spread)))


def _evidence(rhythm: Rhythm, new: int, begin: float, end: float) -> float:
    """Evidence of silence after some time, by a test for a fall to a tenth of what the rhythm says.

    Where entries come in clusters the same number says less: the likelihoods are those of clusters (negative binomial), for
    which an empty hour is more likely by ``ln(spread) / (spread - 1)`` in the exponent.
    """
    due = profile_of(rhythm).due(begin, end)
    if not due and not rhythm.deficit:
        return 0.0
    tempered = math.log(rhythm.spread) / (rhythm.spread - 1) if rhythm.spread > 1 + _TINY else 1.0
    grows = min((1 - _FALL) * due * tempered, _EVIDENCE_AN_HOUR * (end - begin) / _HOUR)
    return min(_MOST_DEFICIT, max(0.0, rhythm.deficit + grows + math.log(_FALL) * new * tempered))


def silence(rhythm: Rhythm | None) -> bool | None:
    """Tell whether a feed has fallen silent by its own rhythm; None while no whole week of that is known.

    Told when the evidence for a fall to a tenth of the usual is a million to one.
    """
    if rhythm is None or rhythm.watched < WEEK:
        return None
    return rhythm.deficit >= _ENOUGH


def usually(rhythm: Rhythm, since: datetime, now: datetime) -> float:
    """Entries that the feed usually brings in the hours between two instants."""
    return profile_of(rhythm).due(since.timestamp(), now.timestamp())
