"""What the last polls of a feed brought, a few dozen rows however often it is asked. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from marsad.records import FeedState, GapMark, Health, PollNote

__all__ = ["HealthChange", "PastPoll", "health_changes", "latest_change", "noted", "past_polls"]

# A row is some 100 bytes of a state that is written at every poll; of a feed with thirty entries the rest is 4 kB.
_MOST_ROWS: Final = 24
# A feed that fails once and answers at the next poll has not changed: who is told of that soon reads nothing any more.
_SETTLED_POLLS: Final = 2
_AT_ONCE: Final = frozenset({Health.GONE})
_WELL: Final = frozenset({Health.NEW, Health.OK, Health.UNCHANGED, Health.MOVED})
_REASONS: Final = {
    "off": "poll.backfill_pages is 0",
    "hopeless": "earlier gaps could not be filled either; tried again after a day",
    "no-older-pages": "the site has no older pages",
    "limit": "the bound on pages or bytes was reached",
    "failures": "requests failed",
}


class HealthChange(msgspec.Struct, frozen=True):
    """A feed fell ill, has another illness, or has recovered."""

    at: datetime
    health: Health
    was: Health | None
    """None where it was well before."""
    told_at: datetime
    """The poll that showed it."""

    @property
    def recovered(self) -> bool:
        """It is well again."""
        return self.health in _WELL


class PastPoll(msgspec.Struct, frozen=True, kw_only=True):
    """One poll, several in a row that brought the same nothing, or what the feed's hub pushed."""

    since: datetime
    at: datetime
    times: int
    state: str
    status: int | None
    new: int
    revised: int
    missed: int
    gap: str = ""
    """What became of the entries that were missed."""
    interval: float
    """Seconds that were planned until the next poll."""
    reason: str
    pushed: bool = False


def past_polls(state: FeedState) -> list[PastPoll]:
    """The polls of a feed, oldest first."""
    gaps = {int(mark.at.timestamp()): mark for mark in state.gaps}
    return [_past(row, gaps) for row in state.history]


def noted(state: FeedState, note: PollNote) -> FeedState:
    """The state with one more poll or push in its history; quiet polls alike that follow one another are one row."""
    last = state.history[-1] if state.history else None
    if last is None or not (_quiet(last) and _quiet(note)) or (last.health, last.status) != (note.health, note.status):
        return replace(state, history=(*state.history, note)[-_MOST_ROWS:])
    merged = replace(note, since=last.since, times=last.times + 1)
    return replace(state, history=(*state.history[:-1], merged))


def _past(row: PollNote, gaps: Mapping[int, GapMark]) -> PastPoll:
    mark = None if row.pushed else gaps.get(row.at)
    return PastPoll(
        since=datetime.fromtimestamp(row.since or row.at, UTC),
        at=datetime.fromtimestamp(row.at, UTC),
        times=row.times,
        state=row.health.value,
        status=row.status or None,
        new=row.new,
        revised=row.revised,
        missed=row.missed,
        gap=_gap(mark) if mark is not None else "",
        interval=row.wait,
        reason=row.reason,
        pushed=row.pushed,
    )


def _gap(mark: GapMark) -> str:
    words = f"{mark.fill}, {mark.found} found" + (f" in the {mark.source}" if mark.source else "")
    return f"{words} ({_REASONS[mark.reason]})" if mark.reason else words


def health_changes(state: FeedState) -> tuple[HealthChange, ...]:
    """The changes of a feed's health in its history, oldest first; an illness counts from its second poll on.

    A push comes from another server: it says nothing of the feed's.
    """
    found: list[HealthChange] = []
    told: Health | None = None
    ill: Health | None = None
    polls = since = 0
    for row in (row for row in state.history if not row.pushed):
        health = None if row.health in _WELL else row.health
        if health is not ill or health is None:
            ill, polls, since = health, 0, row.since or row.at
        polls += row.times
        if health is None and told is not None:
            found.append(_change(since, row, told))
            told = None
        elif health is not None and health is not told and (polls >= _SETTLED_POLLS or health in _AT_ONCE):
            found.append(_change(since, row, told))
            told = health
    return tuple(found)


def latest_change(state: FeedState) -> HealthChange | None:
    """The change that the latest poll showed; None where it showed none."""
    if not state.history or state.history[-1].pushed:
        return None
    last = state.history[-1]
    before = (*state.history[:-1], replace(last, times=last.times - 1)) if last.times > 1 else state.history[:-1]
    was, present = _told(replace(state, history=before)), _told(state)
    # What lies before the rows that are kept is forgotten; that alone is no recovery.
    if was is present or (present is None and last.health not in _WELL):
        return None
    return health_changes(state)[-1]


def _told(state: FeedState) -> Health | None:
    """The illness that was told last and lasts."""
    changes = health_changes(state)
    return None if not changes or changes[-1].recovered else changes[-1].health


def _change(since: int, row: PollNote, was: Health | None) -> HealthChange:
    return HealthChange(datetime.fromtimestamp(since, UTC), row.health, was, datetime.fromtimestamp(row.at, UTC))


def _quiet(note: PollNote) -> bool:
    return not (note.new or note.revised or note.missed or note.pushed)
