"""``marsad feeds history``: what the last polls of a feed brought."""

from typing import Annotated

import typer

from marsad_app.cli.feed_choice import FeedArgument, find_feed
from marsad_app.cli.opening import existing_store
from marsad_app.cli.output import JsonOption, instant, json_line, note, table
from producers.history import past_polls

__all__ = ["history"]


def history(
    feed: FeedArgument,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most, the latest ones.")] = 24,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """The last polls of a feed and the pushes of its hub: when, what came, what was missed, and when and why it was to be polled next."""
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
                "push" if row.pushed else str(row.status or "-"),
                str(row.new),
                str(row.revised),
                f"{row.missed}: {row.gap}" if row.gap else str(row.missed),
                f"{row.interval:.0f} s",
                row.reason,
            )
            for row in rows
        ),
    )
