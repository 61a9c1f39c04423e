"""Removing a feed, and taking that back."""

from collections.abc import Sequence
from typing import Annotated

import typer

from marsad.config import load_settings
from marsad.errors import ConfigError
from marsad.records import Feed
from marsad_app.cli.feed_choice import FeedArgument, find_feed, say_done
from marsad_app.cli.opening import existing_store, made_store, pick
from marsad_app.cli.output import JsonOption, json_line, note, table
from marsad_app.removed_feeds import RemovedFeeds

__all__ = ["remove", "restore"]

_Json = Annotated[bool, JsonOption]


def remove(feed: FeedArgument, *, as_json: _Json = False) -> None:
    """Forget a feed and what is known about polling it; its articles stay. `marsad feeds restore` takes it back."""
    with existing_store() as store:
        found = find_feed(store, feed)
        _removed().keep(found)
        store.feeds.remove_feed(found.id)
    say_done(found, "removed", as_json=as_json)
    note(f"`marsad feeds restore {found.id[:8]}` takes that back")


def restore(
    feed: Annotated[str, typer.Argument(metavar="FEED", help="As for remove; without it all are listed.")] = "",
    *,
    as_json: _Json = False,
) -> None:
    """Watch a removed feed again, as it was described; it is polled as a new one. Without FEED: what was removed here."""
    removed = _removed()
    kept = removed.kept()
    if not feed:
        _show(kept, as_json=as_json)
        return
    by_address = [one for one in kept if one.url == feed.strip()]
    try:
        found = by_address[0] if by_address else pick("removed feed", feed, ((one.id, one) for one in kept))
    except ConfigError as error:
        raise ConfigError(f"{error}; `marsad feeds restore` shows them") from error
    with made_store() as store:
        if store.feeds.feed(found.id) is None:
            store.feeds.put_feeds([found])
    removed.take(found.id)
    say_done(found, "restored", as_json=as_json)


def _show(kept: Sequence[Feed], *, as_json: bool) -> None:
    if as_json:
        for one in kept:
            json_line(one)
    elif kept:
        table(("id", "address", "outlet"), ((one.id[:8], one.url, one.outlet) for one in reversed(kept)))
    else:
        note("no feed was removed with this data folder")


def _removed() -> RemovedFeeds:
    return RemovedFeeds(load_settings().data.dir)
