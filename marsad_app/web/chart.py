"""The histogram of days: heights and places of its bars. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from marsad.records import Facet

__all__ = ["Bar", "Chart", "day_chart"]

_MAX_BARS: Final = 60
_MIN_BARS: Final = 14
"""Fewer would be walls and not bars."""
HEIGHT: Final = 56
STEP: Final = 10


class Bar(msgspec.Struct, frozen=True):
    """The articles of ``first`` to ``last``, both included."""

    first: date
    last: date
    count: int
    x: int
    height: int


class Chart(msgspec.Struct, frozen=True):
    """Bars from the oldest to the newest; each bar is one day, or several where the days are many."""

    bars: tuple[Bar, ...]
    days_per_bar: int
    width: int
    height: int = HEIGHT


def day_chart(days: Sequence[Facet], most: int = _MAX_BARS) -> Chart | None:
    """Lay out the days, empty ones between them included.

    Args:
        days: ISO days with their counts, in order.
        most: bars at most; older days than fit into ``most`` bars of 31 days are left out.

    Returns:
        None where there is no day.
    """
    counts = {date.fromisoformat(facet.value): facet.count for facet in days}
    if not counts:
        return None
    newest = max(counts)
    first = min(*counts, newest - timedelta(days=_MIN_BARS - 1))
    per_bar = min(31, -(-((newest - first).days + 1) // most))
    oldest = max(first, newest - timedelta(days=per_bar * most - 1))
    number = (newest - oldest).days // per_bar + 1
    sums = [0] * number
    for day, count in counts.items():
        if day >= oldest:
            sums[number - 1 - (newest - day).days // per_bar] += count
    peak = max(sums)
    bars = []
    for place, count in enumerate(sums):
        last = newest - timedelta(days=(number - 1 - place) * per_bar)
        height = max(2, round(count / peak * HEIGHT)) if count else 0
        bars.append(Bar(last - timedelta(days=per_bar - 1), last, count, place * STEP, height))
    return Chart(tuple(bars), per_bar, number * STEP)
