"""The feed that a command means, and what it says when it is done."""

from typing import Annotated, Any

import typer

from marsad.errors import ConfigError
from marsad.records import Feed
from marsad_app.cli.opening import OpenStore, pick
from marsad_app.cli.output import cell, json_line

__all__ = ["FeedArgument", "find_feed", "say_done"]

FeedArgument = Annotated[str, typer.Argument(metavar="FEED", help="The feed's id, its first letters, or its address.")]


def find_feed(store: OpenStore, wanted: str) -> Feed:
    """The feed with that address, or whose id begins so.

    Raises:
        ConfigError: there is none, or more than one.
    """
    feeds = store.feeds.feeds()
    by_address = [feed for feed in feeds if feed.url == wanted.strip()]
    if by_address:
        return by_address[0]
    try:
        return pick("feed", wanted, ((feed.id, feed) for feed in feeds))
    except ConfigError as error:
        raise ConfigError(f"{error}; `marsad feeds list` shows them") from error


def say_done(feed: Feed, what: str, *, as_json: bool) -> None:
    """Say what was done to a feed."""
    record: dict[str, Any] = {"id": feed.id, "url": feed.url, what: True}
    if as_json:
        json_line(record)
    else:
        typer.echo(f"{feed.id[:8]} {what}: {cell(feed.title)}")
