"""What an answer teaches of a feed: its rhythm, its rate, how its polls go. All that the next poll's time rests on. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from marsad.records import FeedState
from producers.rhythm import from_dates, observe, rate_after, rate_of_dates
from producers.schedule import standing_after

__all__ = ["learn"]

_SHARE_MEMORY: Final = 0.3


def learn(
    before: FeedState, published: Sequence[datetime | None], *, now: datetime, total: int | None, gap: bool = False
) -> FeedState:
    """The state after an answer that was a feed, or that it has not changed.

    Args:
        before: as before this answer, its ``polls`` counted.
        published: of each new entry its date, None where it has none.
        now: the present instant.
        total: entries in the document; None where none came.
        gap: entries were missed since the answer before.
    """
    new = len(published)
    dates = () if before.seen else tuple(date for date in published if date)
    if dates:
        rhythm = from_dates(dates, now)
        rate = rate_of_dates(rhythm, dates, now)
    else:
        rhythm = observe(before.rhythm, published, since=before.last_ok_at, now=now, gap=gap)
        rate = 0.0
    # Where entries were missed, those that are there are only the least that came.
    moved = max(rate_after(before, new, now), before.rate if gap else 0.0)
    return replace(
        standing_after(before, now, failed=False),
        muted=False,
        last_ok_at=now,
        last_new_at=now if new else before.last_new_at,
        last_new_count=new or before.last_new_count,
        entries_seen=before.entries_seen + new,
        known_share=_share(before, new, total),
        rate=rate or moved,
        rhythm=rhythm,
        window=before.window if total is None else total,
    )


def _share(before: FeedState, new: int, total: int | None) -> float:
    if not total:
        return before.known_share
    share = 1 - new / total
    return before.known_share + _SHARE_MEMORY * (share - before.known_share) if before.seen else share
