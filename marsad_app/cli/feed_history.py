"""``marsad feeds history``: what the last polls of a feed brought."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
import typer

from marsad.records import FeedState, GapMark, PollNote
from marsad_app.cli.feed_choice import FeedArgument, find_feed
from marsad_app.cli.opening import existing_store
from marsad_app.cli.output import JsonOption, instant, json_line, note, table

__all__ = ["PastPoll", "history", "past_polls"]

_REASONS: Final = {
    "off": "poll.backfill_pages is 0",
    "hopeless": "earlier gaps could not be filled either; tried again after a day",
    "no-older-pages": "the site has no older pages",
    "limit": "the bound on pages or bytes was reached",
    "failures": "requests failed",
}


class PastPoll(msgspec.Struct, frozen=True, kw_only=True):
    """One poll, or several in a row that brought the same nothing."""

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


def past_polls(state: FeedState) -> list[PastPoll]:
    """The polls of a feed, oldest first."""
    gaps = {int(mark.at.timestamp()): mark for mark in state.gaps}
    return [_past(row, gaps) for row in state.history]


def history(
    feed: FeedArgument,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most, the latest ones.")] = 24,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """The last polls of a feed: when, what came, what was missed, and when and why it was to be polled next."""
    with existing_store() as store:
        found = find_feed(store, feed)
        state = store.polls.state(found.id)
    rows = past_polls(state)[-limit:] if state is not None else []
    if as_json:
        for row in rows:
            json_line(row)
        return
    if not rows:
        note(f"{found.url} was not polled yet")
        return
    table(
        ("when (UTC)", "polls", "state", "status", "new", "changed", "missed", "next after", "why"),
        (
            (
                instant(row.at) if row.times == 1 else f"{instant(row.since)} to {instant(row.at)}",
                str(row.times),
                row.state,
                str(row.status or "-"),
                str(row.new),
                str(row.revised),
                f"{row.missed}: {row.gap}" if row.gap else str(row.missed),
                f"{row.interval:.0f} s",
                row.reason,
            )
            for row in rows
        ),
    )


def _past(row: PollNote, gaps: Mapping[int, GapMark]) -> PastPoll:
    mark = gaps.get(row.at)
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
    )


def _gap(mark: GapMark) -> str:
    words = f"{mark.fill}, {mark.found} found" + (f" in the {mark.source}" if mark.source else "")
    return f"{words} ({_REASONS[mark.reason]})" if mark.reason else words
